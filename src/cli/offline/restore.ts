import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '#blob/disk-error';
import { createPackReader } from '#blob/pack-reader';
import { createShelf } from '#blob/shelf';
import { IDENTITY_NAME, readIdentity } from '#blob/store-identity';
import type { DiskOps } from '#contracts/disk-ops';
import type { Logger } from '#contracts/observability';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { describeS3Location, parseS3Location } from '#core/s3-location';
import { writeDurably } from '../../data-directory.ts';
import { SNAPSHOTS_DIRECTORY, untilAborted } from '../../snapshots.ts';
import { backupPaths, type ChosenBackup, holds } from './backup-list.ts';
import { copyFile } from './pack-copy.ts';
import { openPackStores, type PackStoresOptions } from './pack-stores.ts';
import { type RebuildReport, rebuildDatabase } from './rebuild.ts';
import { verifyBackup } from './verify-backup.ts';

export interface RestoreOptions {
  /** The caller holds its lock. */
  dataDirectory: string;
  databaseUrl: string | null;
  from: string;
  backup: ChosenBackup;
  masterKey: Buffer;
  /** Where packs go here. */
  settings: PackStoresOptions['settings'];
  /** Restore what can be had of a backup that is not whole. */
  force: boolean;
  /** The chunk store of the settings was that of an installation that is gone for good: it becomes this one's. */
  takeOver: boolean;
  disk: DiskOps;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Bytes of packs that were read and then copied; of all. When it is told that all are done, what is left is to make the database. */
  progress?(done: number, total: number): void;
  /** What is there then is gone on with by the same call. */
  signal?: AbortSignal;
  /** As RebuildOptions has it. */
  database?(runs: boolean): void;
}

export interface RestoreReport extends RebuildReport {
  backup: string;
  packsCopied: number;
  faults: string[];
}

/** While it lies there, the data directory is half a restore. */
const MARKER = 'restoring.json';
/** What a data directory has before anything was stored in it. */
const HARMLESS = new Set(['lock', 'serving', 'owner.json', 'master.key', 'master-key.json', MARKER]);

/**
 * Makes a data directory from a backup: checks all of it, copies the packs and snapshots, makes the database. What was cut short goes on with the same command.
 * @throws conflict when the data directory holds anything, corrupt when the backup is not whole
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { dataDirectory, databaseUrl, from, backup, masterKey, disk, clock, random, log } = options;
  const { signal, progress } = options;
  const { name, list } = backup;
  await assertRestorable(dataDirectory, name);
  if (!options.takeOver) await assertNobodys(options);
  const told = (done: number, total: number): void => {
    signal?.throwIfAborted();
    progress?.(done, total * 2);
  };
  const { faults } = await verifyBackup({ from, masterKey, disk, progress: told, ...(signal && { signal }) }, list);
  if (faults.length > 0 && !options.force) {
    throw new CloudStoreError(
      'corrupt',
      `The backup ${name} is not whole: ${faults[0]}${faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''} Restore what is there with --force, or an older one with --at.`,
    );
  }
  await writeDurably(join(dataDirectory, MARKER), `${JSON.stringify({ backup: name })}\n`);
  const packsCopied = await copyPacks(options);
  const paths = backupPaths(from);
  const snapshots = createShelf({ directory: join(dataDirectory, SNAPSHOTS_DIRECTORY), disk });
  const kept = createShelf({ directory: paths.snapshots, disk });
  for (const one of list.snapshots) await snapshots.put(one.name, untilAborted(kept.read(one.name), signal));
  await copyFile(disk, join(from, 'master-key.json'), join(dataDirectory, 'master-key.json'), null);
  // With the key in the backup, the gateway is to find it; never over one that is there.
  if ((await disk.stat(join(dataDirectory, 'master.key'))) === null) {
    await copyFile(disk, join(from, 'master.key'), join(dataDirectory, 'master.key'), null);
  }
  const packs = openPackStores({
    dataDirectory,
    settings: options.settings,
    more: [],
    lastSeen: false,
    takeOver: options.takeOver,
    disk,
    random,
  });
  try {
    const common = {
      dataDirectory,
      databaseUrl,
      masterKey,
      disk,
      clock,
      random,
      log,
      ...(signal && { signal }),
      ...(options.database && { database: options.database }),
    };
    const report = await rebuildDatabase({ ...common, shelf: snapshots, packs, atMs: null, force: false, moved: true });
    await rm(join(dataDirectory, MARKER), { force: true });
    return { ...report, backup: name, packsCopied, faults, skipped: [...backup.skipped, ...report.skipped] };
  } finally {
    await packs.close();
  }
}

async function copyPacks({ dataDirectory, from, backup, disk, progress, signal }: RestoreOptions): Promise<number> {
  const paths = backupPaths(from);
  const here = backupPaths(dataDirectory);
  const source = createPackReader({ directories: [paths.packs], disk });
  const target = createPackReader({ directories: [here.packs], disk });
  try {
    await disk.mkdir(here.openPacks, 0o700);
    await copyFile(disk, join(paths.packs, IDENTITY_NAME), join(here.packs, IDENTITY_NAME), null);
    const theirs = new Map((await source.list()).map((pack) => [pack.id, pack]));
    const ours = new Map((await target.list()).map((pack) => [pack.id, pack]));
    const total = backup.list.packs.reduce((sum, { bytes }) => sum + bytes, 0);
    let copied = 0;
    let passed = 0;
    for (const entry of backup.list.packs) {
      signal?.throwIfAborted();
      progress?.(total + passed, total * 2);
      passed += entry.bytes;
      const pack = theirs.get(entry.id);
      if (pack === undefined || holds(ours.get(entry.id), entry)) continue;
      // One that was sealed since is taken whole: what comes behind is nobody's, and collection finds it.
      const to = join(pack.open ? here.openPacks : here.packs, `${pack.id}.pack`);
      await copyFile(disk, pack.path, to, pack.open ? Math.min(entry.bytes, pack.size) : pack.size, signal);
      copied++;
    }
    progress?.(total * 2, total * 2);
    return copied;
  } finally {
    await source.close();
    await target.close();
  }
}

/** Two installations in one store would each take the other's packs for garbage. @throws conflict */
async function assertNobodys({ settings, random }: RestoreOptions): Promise<void> {
  const url = settings['chunks-url'];
  if (url === null) return;
  const { createS3Store } = await import('#blob/s3'); // the client is only loaded where it is used
  const location = parseS3Location(url);
  const blobs = createS3Store({ location, random });
  try {
    if ((await readIdentity(blobs)) === null) return;
  } finally {
    await blobs.close();
  }
  throw new CloudStoreError(
    'conflict',
    `The chunk store ${describeS3Location(location)} belongs to an installation that may still run, and would lose packs to this one. ` +
      'Leave CLOUDSTORE_CHUNKS_URL (chunks-url) out, or name an empty one, for a copy beside it; if that installation is gone for good, say --take-over.',
  );
}

/** Nothing lies there, or what a restore of the same backup left that was cut short. @throws conflict, unavailable */
export async function assertRestorable(dataDirectory: string, backup: string): Promise<void> {
  const names = await readdir(dataDirectory).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [] as string[];
    throw new CloudStoreError('unavailable', `${dataDirectory} cannot be read (${codeOf(error)}).`, { cause: error });
  });
  if (names.includes(MARKER) && !names.includes('postgres')) {
    const begun = await begunWith(join(dataDirectory, MARKER));
    if (begun === null || begun === backup) return;
    throw new CloudStoreError(
      'conflict',
      `In ${dataDirectory} a restore of another backup (${begun}) was cut short. Go on with that one, or restore ${backup} into an empty directory.`,
    );
  }
  const something = names.find((name) => !HARMLESS.has(name));
  if (something === undefined) return;
  throw new CloudStoreError(
    'conflict',
    `The data directory ${dataDirectory} holds something already (${something}). Restore ${backup} into an empty one: --data-dir or CLOUDSTORE_DATA_DIR.`,
  );
}

/** null: the note of it is not whole; then nothing else was written yet, for it comes first. */
async function begunWith(marker: string): Promise<string | null> {
  try {
    const { backup }: { backup?: unknown } = JSON.parse(await readFile(marker, 'utf8'));
    return typeof backup === 'string' ? backup : null;
  } catch {
    return null;
  }
}
