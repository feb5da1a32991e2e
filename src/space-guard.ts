import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
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
  pause?(ms: number): Promise<unknown>;
}

/** Refuses writes before the disk is full. Reads, removals, collection and the database's own work go on with what is kept free. */
export interface SpaceGuard {
  /** @throws insufficient_storage */
  check(): void;
  /**
   * For removals, which go on for longer. Each fills the database before anything of it comes back; so on a disk that is nearly full to its end they go one
   * after the other, with pauses in which collection makes room. @throws insufficient_storage; what `work` throws
   */
  removal<T>(work: () => Promise<T>): Promise<T>;
  /** So many bytes are on their way to the disk; counts until the next look. */
  spend(bytes: number): void;
  /** Bytes free on the fullest of the disks, at the last look and less what was spent since. */
  free(): number;
  /** Below so many bytes writes are refused. */
  minFree(): number;
  /** What copies of live records may take, bytes: a part of what is kept free stays for the database. */
  room(): number;
  look(): Promise<void>;
  close(): void;
}

const LOOK_MS = 1_000;
const GIB = 2 ** 30;
/** Once refused, writes come back when this much more than the least is free, so that they don't flicker. */
const BACK_SHARE = 0.1;
/** From here on the oldest history goes. */
const LOW_SHARE = 2;
/** Below this removals are slow, and below the other one there is no room for them: collection and the database need some to give any back. */
const SLOW_SHARE = 0.5;
const SLOW_BYTES_MAX = GIB / 4;
const LAST_SHARE = 0.375;
const LAST_BYTES_MAX = GIB / 16;
const SLOW_PAUSE_MS = 50;
/** What one removal writes to the database and its log, about. */
const REMOVAL_BYTES = 4096;
/** What collection leaves to the database. */
const ROOM_SHARE = 0.25;
const ROOM_BYTES_MAX = GIB / 16;
/** The log of the database grows by 16 MiB at a time. */
const MIN_FREE_LEAST = GIB / 16;

/**
 * At least 1 GiB or a hundredth, at most a twentieth of a small disk; of a tiny one what the database needs, or a quarter. How large packs are, and the
 * database's log, keeps within it.
 */
export function defaultMinFree(size: number): number {
  return Math.min(Math.max(GIB, size / 100), Math.max(size / 20, Math.min(MIN_FREE_LEAST, size / 4)));
}

export async function createSpaceGuard(options: SpaceGuardOptions): Promise<SpaceGuard> {
  const { directories, log, low, fileSystem = ofDisk, lookMs = LOOK_MS, pause = sleep } = options;
  let free = Number.POSITIVE_INFINITY;
  let least = 0;
  let spent = 0;
  let refusing = false;
  let turn: Promise<void> = Promise.resolve();
  let turns = 0;

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

  function spend(bytes: number): void {
    spent += bytes;
    decide();
  }

  function below(share: number, bytesMax: number): boolean {
    return free - spent < Math.min(least * share, bytesMax);
  }

  await look();
  const timer = setInterval(() => void look(), lookMs);
  timer.unref();
  return {
    check() {
      if (refusing)
        throw new CloudStoreError('insufficient_storage', 'The disk is nearly full; remove something, or give it more room.');
    },
    removal(work) {
      spend(REMOVAL_BYTES);
      if (turns === 0 && !below(SLOW_SHARE, SLOW_BYTES_MAX)) return work();
      turns++;
      const done = turn.then(() => {
        if (!below(LAST_SHARE, LAST_BYTES_MAX)) return work();
        throw new CloudStoreError(
          'insufficient_storage',
          'The disk is full; what is left of it is kept for giving back what was removed. Try again in a moment, or free some space on it.',
        );
      });
      const rest = async (): Promise<void> => {
        if (below(SLOW_SHARE, SLOW_BYTES_MAX)) await pause(SLOW_PAUSE_MS);
        turns--;
      };
      turn = done.then(rest, rest);
      return done;
    },
    room: () => Math.max(0, free - spent - Math.min(least * ROOM_SHARE, ROOM_BYTES_MAX)),
    spend,
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
 * read with it. Removals pass for longer, and so does the end of an upload, whose bytes are there already; retention and holds keep what is there.
 */
export function guardStore<S extends MetadataStore>(store: S, guard: SpaceGuard): S {
  type Any = AnnotateIntent | AclIntent | LockIntent | PutIntent | RemoveIntent | TagIntent;
  const passes = (intent: Any): boolean =>
    intent.kind === 'remove' || intent.kind === 'lock' || (intent.kind === 'put' && intent.completesUpload !== undefined);
  const whole = store.commit as (intent: Any) => Promise<never>; // one signature in place of six
  return {
    ...store,
    commit: ((intent: Any) => {
      if (passes(intent)) return guard.removal(() => whole(intent));
      return guarded(guard, () => whole(intent));
    }) as S['commit'],
    copy: (intent) => guarded(guard, () => store.copy(intent)),
    move: (intent) => guarded(guard, () => store.move(intent)),
    removeTree: (intent) => guard.removal(() => store.removeTree(intent)),
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
