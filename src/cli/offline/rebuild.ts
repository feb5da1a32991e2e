import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import type { Logger } from '#contracts/observability';
import type { PackReader } from '#contracts/pack-reader';
import type { Shelf } from '#contracts/shelf';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { chunkOfLabel } from '#engine/record-format';
import { type FoundChunk, type Mended, mendPlaces } from '#metadata/dump/places';
import { type Restored, restoreDump } from '#metadata/dump/restore';
import { startEmbeddedPostgres } from '#metadata/embedded-postgres';
import { clusterVersion } from '#metadata/embedded-postgres/cluster';
import { inspectDatabase } from '#metadata/embedded-postgres/inspect';
import { findGoodChain, openersOf, type SnapshotFile } from '../../snapshots.ts';

export interface RebuildOptions {
  /** Of the embedded database; the caller holds its lock. */
  dataDirectory: string;
  /** The owner's Postgres, which must be empty; null: the embedded one. */
  databaseUrl: string | null;
  shelf: Shelf;
  packs: PackReader;
  masterKey: Buffer;
  atMs: number | null;
  /** A database that works is put aside. */
  force: boolean;
  clock: Clock;
  random: Random;
  log: Logger;
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
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { mode: 0o700 });
  const server = await startEmbeddedPostgres({ dataDirectory: staging, clock, random, log });
  let report: RebuildReport;
  try {
    report = await rebuildIn(options, server.connection, chain, skipped);
  } finally {
    await server.stop();
  }
  const aside = (await stat(cluster).catch(() => null)) === null ? null : `${cluster}.before-${clock.now()}`;
  if (aside !== null) await rename(cluster, aside);
  await rename(join(staging, 'postgres'), cluster);
  await nodeDiskOps().syncDirectory(dataDirectory);
  await rm(staging, { recursive: true, force: true });
  return { ...report, aside };
}

async function rebuildIn(
  { shelf, masterKey, packs, clock, log }: RebuildOptions,
  connection: Parameters<typeof mendPlaces>[0],
  chain: SnapshotFile[],
  skipped: RebuildReport['skipped'],
): Promise<RebuildReport> {
  const restored: Restored = await restoreDump({ connection, chain: openersOf(shelf, chain, masterKey), clock, log });
  const faults: RebuildReport['packs'] = [];
  const mended = await mendPlaces(connection, { found: chunksIn(packs, faults), stores: [0], log });
  const snapshot = new Date(restored.head.takenMs).toISOString();
  return { ...mended, snapshot, skipped, rows: restored.rows, aside: null, packs: faults };
}

/** Every record of every pack. */
async function* chunksIn(packs: PackReader, faults: RebuildReport['packs']): AsyncGenerator<FoundChunk> {
  for (const pack of await packs.list()) {
    try {
      const { records } = await packs.contents(pack);
      for (const { offset, length, label } of records) {
        const chunk = chunkOfLabel(label);
        if (chunk !== null) yield { domain: chunk.domain, id: chunk.id, pack: pack.id, offset, length, open: pack.open };
      }
    } catch (error) {
      if (!isCloudStoreError(error)) throw error;
      faults.push({ pack: pack.id, why: error.message });
    }
  }
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
