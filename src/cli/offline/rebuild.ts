import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createLocalDisk } from '#blob/local-disk';
import { readIdentity, writeIdentity } from '#blob/store-identity';
import type { DiskOps } from '#contracts/disk-ops';
import type { Logger } from '#contracts/observability';
import type { Shelf } from '#contracts/shelf';
import type { RegisteredStore } from '#contracts/store-registry';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { chunkOfLabel } from '#engine/record-format';
import { type Finding, type FoundChunk, type Mended, mendPlaces } from '#metadata/dump/places';
import type { DumpRun, OpenDump } from '#metadata/dump/read';
import { type Restored, restoreDump } from '#metadata/dump/restore';
import { startEmbeddedPostgres } from '#metadata/embedded-postgres';
import { clusterVersion } from '#metadata/embedded-postgres/cluster';
import { inspectDatabase } from '#metadata/embedded-postgres/inspect';
import { stopSurvivor } from '#metadata/embedded-postgres/survivor';
import { localLocation } from '../../known-store.ts';
import { findGoodChain, openersOf, type SnapshotFile, untilAborted } from '../../snapshots.ts';
import { backupPaths } from './backup-list.ts';
import { copyPack } from './pack-copy.ts';
import type { PackStores, UnreachedStore } from './pack-stores.ts';

export interface RebuildOptions {
  /** Of the embedded database; the caller holds its lock. */
  dataDirectory: string;
  /** The owner's Postgres, which must be empty; null: the embedded one. */
  databaseUrl: string | null;
  shelf: Shelf;
  packs: PackStores;
  masterKey: Buffer;
  atMs: number | null;
  /** A database that works is put aside. */
  force: boolean;
  /** On another machine than before: what was not brought along is no store of this installation any more. */
  moved?: boolean;
  disk: DiskOps;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Ends it before the new database takes its place. */
  signal?: AbortSignal;
  /** Told when a database server was started for it, and when that has ended: it would outlive a thread. */
  database?(runs: boolean): void;
}

export interface RebuildReport extends Mended {
  /** When the snapshot was taken, ISO. */
  snapshot: string;
  skipped: { name: string; why: string }[];
  rows: Record<string, number>;
  /** Where the database of before is. */
  aside: string | null;
  /** Packs that could not be read. */
  packs: { pack: string; why: string }[];
  /** Whose packs could not be looked through; what lies there is as the snapshot says. */
  stores: UnreachedStore[];
  /** Packs that lay in no store and were copied into the data directory. */
  brought: number;
}

/** A database grows here and is renamed when it is complete. */
const STAGING = 'rebuild.new';

/**
 * Makes the database anew from the last good snapshot, and its places of chunks right by the packs. Whatever happens, the database of before stays
 * as it is until the new one is complete.
 * @throws conflict when a database is there that works, not_found without a snapshot
 */
export async function rebuildDatabase(options: RebuildOptions): Promise<RebuildReport> {
  const { dataDirectory, databaseUrl, shelf, masterKey, atMs, clock, random, log } = options;
  const { chain, skipped } = await findGoodChain(shelf, masterKey, atMs);
  if (databaseUrl !== null) return rebuildIn(options, { url: databaseUrl }, chain, skipped);
  const cluster = join(dataDirectory, 'postgres');
  if (!options.force) await assertUnusable(options, cluster);
  const staging = join(dataDirectory, STAGING);
  // Of a run that was killed; it would write where it is being removed.
  await stopSurvivor(join(staging, 'postgres'), log);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { mode: 0o700 });
  let report: RebuildReport;
  options.database?.(true);
  try {
    const server = await startEmbeddedPostgres({ dataDirectory: staging, clock, random, log, endsWithUs: true });
    try {
      report = await rebuildIn(options, server.connection, chain, skipped);
    } finally {
      await server.stop();
    }
  } finally {
    options.database?.(false);
  }
  options.signal?.throwIfAborted();
  const aside = (await stat(cluster).catch(() => null)) === null ? null : `${cluster}.before-${clock.now()}`;
  if (aside !== null) await rename(cluster, aside);
  await rename(join(staging, 'postgres'), cluster);
  await options.disk.syncDirectory(dataDirectory);
  await rm(staging, { recursive: true, force: true });
  return { ...report, aside };
}

async function rebuildIn(
  options: RebuildOptions,
  connection: Parameters<typeof mendPlaces>[0],
  chain: SnapshotFile[],
  skipped: RebuildReport['skipped'],
): Promise<RebuildReport> {
  const { shelf, masterKey, packs, clock, log, signal, moved = false } = options;
  const openers = openersOf(shelf, chain, masterKey).map((open) => stoppable(open, signal));
  const restored: Restored = await restoreDump({ connection, chain: openers, clock, log });
  const faults: RebuildReport['packs'] = [];
  let unreached: UnreachedStore[] = [];
  let brought = 0;
  const look = async (rows: RegisteredStore[]): Promise<Finding> => {
    unreached = await packs.know(rows);
    const reached = packs.reached();
    const others = rows.map(({ number }) => number).filter((number) => !reached.includes(number));
    return {
      found: untilAborted(chunksIn(packs, faults), signal),
      stores: moved ? [...reached, ...others] : reached,
      left: moved ? others : null,
      taken: () => packs.take(),
      home: () => homeOf(options),
      async bring(ids) {
        brought = await bringHome(options, ids);
      },
    };
  };
  const mended = await mendPlaces(connection, { look, log });
  const snapshot = new Date(restored.head.takenMs).toISOString();
  const stores = moved ? [] : unreached;
  return { ...mended, snapshot, skipped, rows: restored.rows, aside: null, packs: faults, stores, brought };
}

/** A dump whose reading ends when nobody wants it any more. */
function stoppable(open: () => Promise<OpenDump>, signal: AbortSignal | undefined): () => Promise<OpenDump> {
  return async () => {
    signal?.throwIfAborted();
    const dump = await open();
    async function* runs(): AsyncGenerator<DumpRun> {
      for await (const run of dump.runs()) yield { ...run, tuples: untilAborted(run.tuples, signal) };
    }
    return { ...dump, runs };
  };
}

/** Every record of every pack. */
async function* chunksIn(packs: PackStores, faults: RebuildReport['packs']): AsyncGenerator<FoundChunk> {
  for (const pack of await packs.list()) {
    const store = packs.storeOf(pack);
    try {
      const { records } = await packs.contents(pack);
      for (const { offset, length, label } of records) {
        const chunk = chunkOfLabel(label);
        if (chunk !== null) yield { domain: chunk.domain, id: chunk.id, pack: pack.id, offset, length, open: pack.open, store };
      }
    } catch (error) {
      if (!isCloudStoreError(error)) throw error;
      faults.push({ pack: pack.id, why: error.message });
    }
  }
}

/** Copies packs of a backup or of another directory to where the gateway reads them. One that was open there is sealed by the next start. */
async function bringHome({ packs, dataDirectory, disk }: RebuildOptions, ids: readonly string[]): Promise<number> {
  const here = backupPaths(dataDirectory);
  const wanted = new Set(ids);
  for (const pack of (await packs.list()).filter(({ id }) => wanted.has(id))) {
    const bytes = pack.open ? (await packs.verify(pack)).end : pack.size;
    const to = join(pack.open ? here.openPacks : here.packs, `${pack.id}.pack`);
    if (!(await copyPack(disk, packs, pack.id, to, bytes)))
      throw new CloudStoreError(
        'unavailable',
        `The pack ${pack.id} went away while it was to be copied. Give the command again.`,
      );
  }
  return wanted.size;
}

/** Of the data directory's own store, which gets an identity where it never had one: packs lay elsewhere from the beginning. */
async function homeOf({ dataDirectory, disk, random, packs }: RebuildOptions): Promise<{ identity: string; location: string }> {
  const directory = join(dataDirectory, 'packs');
  const blobs = await createLocalDisk({ directory, disk, tidy: false });
  try {
    const there = await readIdentity(blobs);
    const instance = there?.instance ?? (await instanceOf(packs));
    const identity = there ?? (await writeIdentity(blobs, { instance, store: random(16).toString('hex') }));
    return { identity: identity.store, location: localLocation(directory) };
  } finally {
    await blobs.close();
  }
}

/** Every pack says by its header of which installation it is. */
async function instanceOf(packs: PackStores): Promise<string> {
  for (const { id } of await packs.list()) {
    const header = await packs.read(id, 0, 40);
    return header.toString('hex', 24, 40);
  }
  throw new CloudStoreError('internal', 'There are places in packs, and no packs.');
}

/** What works is not replaced by what is older. */
async function assertUnusable({ dataDirectory, clock, random, log }: RebuildOptions, cluster: string): Promise<void> {
  if ((await stat(cluster).catch(() => null)) === null) return;
  try {
    if ((await clusterVersion(cluster)) === null) return;
    const server = await startEmbeddedPostgres({ dataDirectory, clock, random, log });
    try {
      await inspectDatabase(server.connection);
    } finally {
      await server.stop();
    }
  } catch (error) {
    log.warn({ err: error }, 'the database that is there cannot be used; it is put aside');
    return;
  }
  throw new CloudStoreError(
    'conflict',
    `There is a database in ${cluster}, and it starts. A snapshot is older than it; to go back to one all the same, say --force: the database is kept beside it.`,
  );
}
