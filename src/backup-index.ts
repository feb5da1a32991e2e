import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createPackReader } from '#blob/pack-reader';
import { createShelf } from '#blob/shelf';
import type { DiskOps } from '#contracts/disk-ops';
import type { Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { openDump } from '#metadata/dump/read';
import { type BackupList, backupPaths, holds } from './cli/offline/backup-list.ts';
import { loadDumps, type WantedTable } from './cli/offline/dump-tables.ts';
import { RECORDS_TABLE, takePacks } from './cli/offline/pack-records.ts';
import { chainTo, snapshotFiles } from './snapshots.ts';

/** Of another layout: made anew. */
export const INDEX_VERSION = 2;

export interface BuildOptions {
  /** The directory of backups. */
  from: string;
  list: BackupList;
  /** The file that is made; there is none of this name before it is complete. */
  to: string;
  masterKey: Buffer;
  disk: DiskOps;
  random: Random;
  signal?: AbortSignal;
  /** Bytes of snapshots read, and a little for each pack, of all. */
  progress?(done: number, total: number): void;
}

/** What is read of a backup; columns that came later than the first schema may be missing in it. */
export const INDEXED_TABLES: Readonly<Record<string, WantedTable>> = {
  settings: { columns: ['name', 'value'], key: 'name', whole: true },
  domains: { columns: ['id', 'wrapped'], key: 'id', whole: true },
  buckets: { columns: ['id', 'name', 'kind'], later: ['removed_ms'], key: 'id', whole: true },
  directories: { columns: ['id', 'bucket_id', 'path', 'properties'], later: ['bytes'], key: 'id' },
  slots: { columns: ['id', 'bucket_id', 'key', 'live', 'version_id', 'properties'], key: 'id' },
  versions: {
    columns: [
      ...['id', 'slot_id', 'seq', 'delete_marker', 'size', 'etag', 'modified_ms', 'mtime_ms', 'superseded_ms'],
      ...['attributes', 'content', 'content_hash'],
    ],
    later: ['properties'],
    key: 'id',
  },
  leaves: { columns: ['domain', 'id', 'entries'], key: 'domain, id' },
};

const INDEXES = `
  CREATE INDEX slots_key ON slots (bucket_id, key) WHERE live;
  CREATE INDEX slots_any ON slots (bucket_id, key);
  CREATE INDEX versions_slot ON versions (slot_id, seq);
  CREATE INDEX directories_path ON directories (bucket_id, path);
  CREATE INDEX records_id ON records (domain, id)`;

/** https://www.sqlite.org/rescode.html#full */
const SQLITE_FULL = 13;

/** Of a pack's index, beside the snapshots' bytes: what reading it counts for. */
const PACK_WEIGHT = 64 << 10;

/**
 * Reads what a backup says of files into one file of SQLite, once, so that any of millions of them is found without reading the rest: the snapshots to
 * their end, which authenticates them, and the packs' own indexes. All or nothing.
 * @throws corrupt, not_found: one sentence; the signal's reason
 */
export async function buildBackupIndex({
  from,
  list,
  to,
  masterKey,
  disk,
  random,
  signal,
  progress,
}: BuildOptions): Promise<void> {
  const paths = backupPaths(from);
  const shelf = createShelf({ directory: paths.snapshots, disk });
  const chain = chainTo(snapshotFiles(await shelf.list()), list.tip);
  if (chain === null)
    throw new CloudStoreError('corrupt', `A snapshot of this backup is missing in ${paths.snapshots}; it cannot be opened.`);
  const total = chain.reduce((sum, { bytes }) => sum + bytes, 0) + list.packs.length * PACK_WEIGHT;
  let done = 0;
  const passed = (bytes: number): void => {
    signal?.throwIfAborted();
    done = Math.min(total, done + bytes);
    progress?.(done, total);
  };
  async function* counted(name: string): AsyncGenerator<Buffer> {
    for await (const piece of shelf.read(name)) {
      passed(piece.length);
      yield piece;
    }
  }
  const packs = createPackReader({ directories: [paths.packs], disk });
  // Two may make it at once, a gateway and a command.
  const temporary = `${to}.${random(8).toString('hex')}.new`;
  // SQLite would make it readable for all.
  await (await disk.open(temporary, 'w', 0o600)).close();
  const database = new DatabaseSync(temporary);
  try {
    database.exec(
      'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; PRAGMA temp_store = FILE; BEGIN',
    );
    await loadDumps(
      database,
      INDEXED_TABLES,
      chain.map(
        ({ name }) =>
          () =>
            openDump(counted(name), masterKey),
      ),
    );
    database.exec(RECORDS_TABLE);
    const missing = missingOf(list, await packs.list());
    await takePacks(database, packs, () => passed(PACK_WEIGHT));
    signal?.throwIfAborted();
    completeIndex(database, list.takenMs, missing);
    database.exec('COMMIT');
    database.close();
    const file = await disk.open(temporary, 'r+');
    await file.sync();
    await file.close();
    await rename(temporary, to);
  } catch (error) {
    if (database.isOpen) database.close();
    await rm(temporary, { force: true });
    throw told(error, to);
  } finally {
    await packs.close();
  }
}

/** What makes an index of tables and records, once they are in it. */
export function completeIndex(database: DatabaseSync, takenMs: number, missing: readonly string[]): void {
  database.exec(INDEXES);
  database.exec('CREATE TABLE about (version INTEGER, taken_ms INTEGER, missing TEXT)');
  database.prepare('INSERT INTO about VALUES (?, ?, ?)').run(INDEX_VERSION, takenMs, JSON.stringify(missing));
}

/** Packs of the backup that are not whole: what lies in them cannot be had. */
export function missingOf(list: BackupList, there: Awaited<ReturnType<ReturnType<typeof createPackReader>['list']>>): string[] {
  const byId = new Map(there.map((pack) => [pack.id, pack]));
  return list.packs.filter((entry) => !holds(byId.get(entry.id), entry)).map(({ id }) => id);
}

function told(error: unknown, to: string): unknown {
  if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_FULL)
    return new CloudStoreError(
      'insufficient_storage',
      `The disk of ${dirname(to)} is full; what a backup says of files does not fit. Make room, and open it again.`,
      { cause: error },
    );
  if (isCloudStoreError(error, 'corrupt'))
    return new CloudStoreError('corrupt', `A snapshot of this backup cannot be read. ${error.message}`, { cause: error });
  return error;
}
