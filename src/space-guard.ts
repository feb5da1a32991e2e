import { statfs } from 'node:fs/promises';
import type { Content } from '#contracts/content';
import type { HistoryStore } from '#contracts/history-store';
import type { Log } from '#contracts/log';
import type {
  AclIntent,
  AnnotateIntent,
  LockIntent,
  MetadataStore,
  PutIntent,
  RemoveIntent,
  TagIntent,
} from '#contracts/metadata-store';
import type { Logger } from '#contracts/observability';
import { CloudStoreError } from '#core/errors';

/** What the file system of a directory has, bytes. */
export type FileSystem = (directory: string) => Promise<{ free: number; size: number }>;

export interface SpaceGuardOptions {
  /** Where bytes go: packs, and the embedded database, which may lie on a disk of its own. */
  directories: readonly string[];
  /** The setting; null: by the size of the disk. */
  minFree: number | null;
  log: Logger;
  /** Space is getting short: so many bytes are wanted. Called at every look, while it is so. */
  low?(wantedBytes: number): void;
  fileSystem?: FileSystem;
  lookMs?: number;
}

/** Refuses writes before the disk is full. Reads, removals, collection and the database's own work go on with what is kept free. */
export interface SpaceGuard {
  /** @throws insufficient_storage */
  check(): void;
  /** So many bytes are on their way to the disk; counts until the next look. */
  spend(bytes: number): void;
  /** Bytes free on the fullest of the disks, at the last look and less what was spent since. */
  free(): number;
  /** Below so many bytes writes are refused. */
  minFree(): number;
  look(): Promise<void>;
  close(): void;
}

const LOOK_MS = 1_000;
const GIB = 2 ** 30;
/** Once refused, writes come back when this much more than the least is free, so that they don't flicker. */
const BACK_SHARE = 0.1;
/** From here on the oldest history goes. */
const LOW_SHARE = 2;

/** At most a twentieth of a small disk, at least 1 GiB or a hundredth of others. */
export function defaultMinFree(size: number): number {
  return Math.min(Math.max(GIB, size / 100), size / 20);
}

export async function createSpaceGuard(options: SpaceGuardOptions): Promise<SpaceGuard> {
  const { directories, log, low, fileSystem = ofDisk, lookMs = LOOK_MS } = options;
  let free = Number.POSITIVE_INFINITY;
  let least = 0;
  let spent = 0;
  let refusing = false;

  async function look(): Promise<void> {
    // What is spent while we look may not be seen yet.
    const before = spent;
    let margin = Number.POSITIVE_INFINITY;
    for (const directory of directories) {
      const found = await fileSystem(directory).catch(() => null); // not there yet, or gone for a moment: others tell
      if (found === null) continue;
      const wanted = options.minFree ?? defaultMinFree(found.size);
      if (found.free - wanted >= margin) continue;
      margin = found.free - wanted;
      free = found.free;
      least = wanted;
    }
    spent -= before;
    decide();
    if (free < least * LOW_SHARE) low?.(least * LOW_SHARE - free);
  }

  function decide(): void {
    const left = free - spent;
    if (!refusing && left < least) {
      refusing = true;
      log.error(
        { freeBytes: left, minFreeBytes: least },
        'the disk is nearly full; writes are refused until there is room again',
      );
    } else if (refusing && left >= least * (1 + BACK_SHARE)) {
      refusing = false;
      log.info({ freeBytes: left }, 'there is room again; writes go on');
    }
  }

  await look();
  const timer = setInterval(() => void look(), lookMs);
  timer.unref();
  return {
    check() {
      if (refusing)
        throw new CloudStoreError('insufficient_storage', 'The disk is nearly full; remove something, or give it more room.');
    },
    spend(bytes) {
      spent += bytes;
      decide();
    },
    free: () => free - spent,
    minFree: () => least,
    look,
    close: () => clearInterval(timer),
  };
}

/** For bodies; collection writes to the log itself, because it makes room. */
export function guardLog(log: Log, guard: SpaceGuard): Log {
  const spending = (append: Log['appendUnsynced']): Log['appendUnsynced'] => {
    return (record, crc, blocks) =>
      guarded(guard, () => {
        guard.spend(record.reduce((sum, { length }) => sum + length, 0));
        return append(record, crc, blocks);
      });
  };
  return { ...log, append: spending(log.append), appendUnsynced: spending(log.appendUnsynced) };
}

/** Also for what is so small that it goes to the database. */
export function guardContent<C extends Content>(content: C, guard: SpaceGuard): C {
  return {
    ...content,
    async write(body, options) {
      guard.check();
      return content.write(body, options);
    },
  };
}

/**
 * For what writes no bytes and fills the database all the same: copies, moves, folders, properties, tags. A disk that is full to its end stops the database, and every
 * read with it. Removals pass, and so does the end of an upload, whose bytes are there already; retention and holds keep what is there.
 */
export function guardStore<S extends MetadataStore>(store: S, guard: SpaceGuard): S {
  type Any = AnnotateIntent | AclIntent | LockIntent | PutIntent | RemoveIntent | TagIntent;
  const passes = (intent: Any): boolean =>
    intent.kind === 'remove' || intent.kind === 'lock' || (intent.kind === 'put' && intent.completesUpload !== undefined);
  const whole = store.commit as (intent: Any) => Promise<never>; // one signature in place of six
  return {
    ...store,
    commit: ((intent: Any) => (passes(intent) ? whole(intent) : guarded(guard, () => whole(intent)))) as S['commit'],
    copy: (intent) => guarded(guard, () => store.copy(intent)),
    move: (intent) => guarded(guard, () => store.move(intent)),
  };
}

/** What comes back out of history are new rows. */
export function guardHistory<H extends HistoryStore>(history: H, guard: SpaceGuard): H {
  return {
    ...history,
    restore(intent, ...rest) {
      const restore = () => history.restore(intent, ...rest);
      return intent.dryRun === true ? restore() : guarded(guard, restore);
    },
  };
}

function guarded<T>(guard: SpaceGuard, work: () => Promise<T>): Promise<T> {
  try {
    guard.check();
  } catch (error) {
    return Promise.reject(error);
  }
  return work();
}

export async function ofDisk(directory: string): Promise<{ free: number; size: number }> {
  const { bavail, bsize, blocks } = await statfs(directory);
  return { free: bavail * bsize, size: blocks * bsize };
}
