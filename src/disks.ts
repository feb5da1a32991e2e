import { constants } from 'node:fs';
import { access, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '#blob/disk-error';
import { createLocalDisk } from '#blob/local-disk';
import type { LogDisks } from '#blob/log';
import { OPEN_DIRECTORY } from '#blob/pack-file';
import { recoverOpenPacks } from '#blob/pack-recovery';
import { IDENTITY_NAME, parseIdentity, readIdentity } from '#blob/store-identity';
import type { RegisteredStore } from '#contracts/store-registry';
import { CloudStoreError } from '#core/errors';
import { localLocation, recognize, somePacks } from './known-store.ts';
import type { PacksContext } from './packs.ts';

/** How often the rows are looked at: a disk that was added, or that is to be emptied, or that came back. */
const LOOK_MS = 5_000;
/** How long a disk that failed takes no pack, while others do. */
const FAILED_MS = 30_000;
const FREE_MS = 2_000;

export interface Disks extends LogDisks {
  /** Sees what changed in the database and on the machine. */
  look(): Promise<void>;
  /** Told when one is not there any more, before any that came is used. */
  onLost(listener: () => Promise<void>): void;
  /** The one of these with the most free space. */
  roomiest(numbers: number[]): Promise<number>;
}

/**
 * The directories of packs beside the data directory's, each on a disk of its own. One is taken for a store by the identity that lies in it, wherever it is
 * mounted; one that is not there is missing: what lies on it cannot be read, and all others go on.
 */
export async function openDisks(context: PacksContext): Promise<Disks> {
  const { registry, settings, stores, opened, logger, clock, dataDirectory, instanceId, random, disk, first, ours } = context;
  const home = join(dataDirectory, 'packs');
  const freeOf = context.free ?? systemFree;
  const directories = new Map<number, string>();
  const told = new Set<string>();
  const failedAt = new Map<number, number>();
  let started = false;
  let lost = async (): Promise<void> => undefined;
  let active = new Set<number>([0]);
  let free: { atMs: number; bytes: Map<number, number> } = { atMs: Number.NEGATIVE_INFINITY, bytes: new Map() };

  function warn(key: string, fields: object, message: string): void {
    if (!told.has(key)) logger.warn(fields, message);
    told.add(key);
  }

  /** A store that is in this directory; null: none that the database knows. @throws unavailable, corrupt */
  async function connect(directory: string, mayEnter: boolean): Promise<RegisteredStore | null> {
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    if ((await readIdentityOf(directory)) === null && !mayEnter) return null;
    const blobs = await createLocalDisk({ directory, disk, tidy: first, make: false });
    try {
      const location = localLocation(directory);
      const found = await recognize({
        blobs,
        kind: 'local',
        location,
        setting: 'pack-dirs',
        instance: instanceId,
        registry,
        random,
        expected: null,
        packs: () => somePacks(blobs, join(directory, OPEN_DIRECTORY)),
      });
      if (found.number === 0)
        throw new CloudStoreError('unavailable', `${directory} is the data directory's own store of packs.`);
      if (directories.has(found.number)) {
        await blobs.close();
        return found;
      }
      // At the start the log does this for all; later, other processes may be writing there already.
      const packs = { disk, clock, random, directory, instance: instanceId, process: ours.process, store: found.number };
      if (started && (await disk.stat(join(directory, OPEN_DIRECTORY))) !== null) await recoverOpenPacks(packs, 'own');
      stores.set(found.number, blobs);
      directories.set(found.number, directory);
      for (const key of [...told]) if (key.includes(directory) || key === `missing ${found.number}`) told.delete(key);
      logger.info({ store: found.number, directory }, 'a disk for packs is connected');
      opened.defer(() => blobs.close());
      return found;
    } catch (error) {
      await blobs.close();
      throw error;
    }
  }

  async function readIdentityOf(directory: string): Promise<unknown> {
    const blobs = await createLocalDisk({ directory, disk, tidy: false, make: false });
    try {
      return await readIdentity(blobs);
    } finally {
      await blobs.close();
    }
  }

  /**
   * A disk that was taken away or swapped while it was in use is missing: nothing is written to whatever is mounted there now, and what lies on the disk is out
   * of reach, not lost.
   */
  async function disconnect(rows: RegisteredStore[]): Promise<void> {
    for (const [number, directory] of [...directories]) {
      const identity = rows.find((row) => row.number === number)?.identity;
      if (identity === undefined || (await liesIn(directory, identity))) continue;
      directories.delete(number);
      stores.delete(number);
      await lost(); // a pack that is open there ends where it is
    }
  }

  async function look(): Promise<void> {
    let rows = await registry.list();
    await disconnect(rows);
    const places = [
      ...settings['pack-dirs'],
      ...rows
        .filter(({ number, kind, state }) => number > 0 && kind === 'local' && state !== 'removed')
        .map(({ location }) => pathOf(location)),
    ];
    const unknown: string[] = [];
    for (const directory of new Set(places)) {
      if (directory === home || [...directories.values()].includes(directory)) continue;
      await connect(directory, false).then(
        (found) => found === null && unknown.push(directory),
        (err: unknown) =>
          warn(`at ${directory}`, { err, directory }, 'a directory for packs cannot be used; is its disk mounted?'),
      );
    }
    const missing = (): RegisteredStore[] =>
      rows.filter(({ number, kind, state }) => number > 0 && kind === 'local' && state !== 'removed' && !directories.has(number));
    for (const directory of unknown) {
      // An empty directory where a disk is missing is most likely its mount point.
      if (missing().length > 0 || !settings['pack-dirs'].includes(directory)) {
        warn(
          `at ${directory}`,
          { directory },
          'a directory for packs is none that the database knows, while one is missing; is its disk mounted?',
        );
        continue;
      }
      await connect(directory, true).catch((err: unknown) =>
        warn(`at ${directory}`, { err, directory }, 'a directory for packs cannot be used'),
      );
      rows = await registry.list();
    }
    for (const { number, location } of missing())
      warn(
        `missing ${number}`,
        { store: number, location },
        'a disk with packs is missing: what lies on it cannot be read until it is back',
      );
    for (const { number, state } of rows) {
      if (state !== 'removed' || !directories.has(number)) continue;
      directories.delete(number);
      stores.delete(number);
    }
    active = new Set(
      [0, ...directories.keys()].filter((number) => (rows.find((row) => row.number === number)?.state ?? 'active') === 'active'),
    );
    free.atMs = Number.NEGATIVE_INFINITY;
  }

  /** Free bytes of each disk that takes packs. */
  async function freeBytes(): Promise<Map<number, number>> {
    if (Math.abs(clock.now() - free.atMs) < FREE_MS) return free.bytes;
    const bytes = new Map<number, number>();
    for (const number of active) {
      const directory = number === 0 ? home : directories.get(number);
      const found = directory === undefined ? null : await freeOf(directory).catch(() => null);
      if (found !== null) bytes.set(number, found);
    }
    free = { atMs: clock.now(), bytes };
    return bytes;
  }

  await look();
  started = true;
  const timer = setInterval(
    () => void look().catch((err: unknown) => logger.warn({ err }, 'the disks for packs cannot be looked at')),
    LOOK_MS,
  );
  opened.defer(() => clearInterval(timer));
  return {
    look,
    onLost(listener) {
      lost = listener;
    },
    async roomiest(numbers) {
      const bytes = await freeBytes();
      return [...numbers].sort((a, b) => (bytes.get(b) ?? 0) - (bytes.get(a) ?? 0))[0] ?? 0;
    },
    others: () => directories,
    async choose() {
      if (directories.size === 0) return 0;
      const all = [...(await freeBytes())].sort(([, a], [, b]) => b - a);
      const sound = all.filter(
        ([number]) => Math.abs(clock.now() - (failedAt.get(number) ?? Number.NEGATIVE_INFINITY)) > FAILED_MS,
      );
      const [best] = sound.length > 0 ? sound : all;
      if (best === undefined) throw new CloudStoreError('unavailable', 'No disk takes packs: all are to be emptied, or missing.');
      return best[0];
    },
    failed(number) {
      failedAt.set(number, clock.now());
    },
  };
}

/** A fault of the disk says nothing of which one it is. */
async function liesIn(directory: string, identity: string): Promise<boolean> {
  try {
    return parseIdentity(await readFile(join(directory, IDENTITY_NAME), 'utf8'))?.store === identity;
  } catch (error) {
    return codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR';
  }
}

async function systemFree(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** Of the note in the database, which says the machine too. */
export function pathOf(location: string): string {
  return /^(.*) on \S+$/.exec(location)?.[1] ?? location;
}
