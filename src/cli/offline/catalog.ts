import { DatabaseSync } from 'node:sqlite';
import type { ChunkIndex } from '#contracts/chunk-index';
import type { KeyStore } from '#contracts/keyring';
import type { PackReader } from '#contracts/pack-reader';
import type { RegisteredStore } from '#contracts/store-registry';
import { type ContentRef, decodeContentRef } from '#core/content-ref';
import { decodeLeaf } from '#engine/manifest';
import type { OpenDump } from '#metadata/dump/read';
import { bytesOf, loadDumps, textOf, type WantedTable } from './dump-tables.ts';
import { chunksIn, type PackFault, RECORDS_TABLE, takePacks } from './pack-records.ts';

/**
 * What a snapshot says of files, and where the packs have their chunks, in a file of SQLite, which comes with Node: any number of rows in little
 * memory, and a start over that finds what was done.
 */
export interface Catalog {
  /** What `load` was given; null: not loaded (wholly) yet. */
  snapshot(): string | null;
  /** Takes in a chain of dumps and the indexes of all packs, all or nothing. `packs` is asked once it is known which stores there are. */
  load(
    snapshot: string,
    chain: readonly (() => Promise<OpenDump>)[],
    packs: (stores: RegisteredStore[]) => Promise<PackReader>,
  ): Promise<PackFault[]>;
  /** Takes in the indexes of all packs anew: some may be there by now that were not. */
  look(packs: PackReader): Promise<PackFault[]>;
  /** Those that the snapshot knows. */
  stores(): RegisteredStore[];
  /** A setting of the installation, parsed; null when it has none of that name. */
  setting(name: string): unknown;
  buckets(): CatalogBucket[];
  /** Live objects in byte order of their keys. */
  objects(bucket: number): Generator<CatalogObject>;
  hasBelow(bucket: number, key: string): boolean;
  keys: Pick<KeyStore, 'find'>;
  /** Where chunks are. `other`: the last place in place of the first, where a chunk is stored more than once. */
  chunks(other: boolean): Pick<ChunkIndex, 'places' | 'leaves'>;
  /** Versions that name a chunk which is in no pack, or a leaf that is nowhere. */
  incomplete(): Generator<{ bucket: string; key: string; current: boolean }>;
  done: Done;
  close(): void;
}

export interface CatalogBucket {
  id: number;
  name: string;
  kind: string;
}

export interface CatalogObject {
  slot: number;
  key: string;
  version: string;
  size: number;
  etag: string;
  mtime: number;
  modified: number;
  content: Buffer | null;
  contentHash: Buffer | null;
  /** Under a key that only its client has. */
  sealed: boolean;
}

/** What became of each object. */
export interface Done {
  find(slot: number): { path: string | null; why: string | null } | null;
  add(
    slot: number,
    bucket: string,
    object: Omit<CatalogObject, 'content' | 'contentHash' | 'sealed'>,
    path: string | null,
    why: string | null,
  ): void;
  all(): Generator<{
    bucket: string;
    key: string;
    path: string | null;
    size: number;
    mtime: number;
    etag: string;
    version: string;
    why: string | null;
  }>;
  forgetFailures(): void;
}

/** The columns that are wanted of each table, and its key. */
const WANTED: Record<string, WantedTable> = {
  settings: { columns: ['name', 'value'], key: 'name', whole: true },
  domains: { columns: ['id', 'wrapped'], key: 'id', whole: true },
  buckets: { columns: ['id', 'name', 'kind'], later: ['removed_ms'], key: 'id', whole: true },
  slots: { columns: ['id', 'bucket_id', 'key', 'live', 'version_id'], key: 'id' },
  versions: {
    columns: ['id', 'slot_id', 'size', 'etag', 'modified_ms', 'mtime_ms', 'content', 'content_hash', 'attributes'],
    key: 'id',
  },
  leaves: { columns: ['domain', 'id', 'entries'], key: 'domain, id' },
  stores: { columns: ['number', 'kind', 'identity', 'location', 'state'], key: 'number', whole: true },
};

const DONE = `CREATE TABLE IF NOT EXISTS done (slot INTEGER PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL, size INTEGER NOT NULL,
  mtime INTEGER NOT NULL, etag TEXT NOT NULL, path TEXT, why TEXT) STRICT`;

export function openCatalog(path: string): Catalog {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; PRAGMA temp_store = FILE');
  database.exec('CREATE TABLE IF NOT EXISTS loaded (snapshot TEXT NOT NULL) STRICT');
  const has = (table: string): boolean => database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(table) !== undefined;
  if (has('versions')) database.exec(DONE);

  function snapshot(): string | null {
    const row = database.prepare('SELECT snapshot FROM loaded').get();
    // One of an earlier CloudStore is loaded again: it lacks what is asked for since.
    if (database.prepare("SELECT 1 FROM pragma_table_info('versions') WHERE name = 'attributes'").get() === undefined)
      return null;
    return row === undefined ? null : String(row.snapshot);
  }

  function stores(): RegisteredStore[] {
    return database
      .prepare('SELECT number, kind, identity, location, state FROM stores ORDER BY number')
      .all()
      .map(({ number, kind, identity, location, state }) => ({
        number: Number(number),
        kind: String(kind) as RegisteredStore['kind'], // the database's own check
        identity: String(identity),
        location: String(location),
        state: String(state) as RegisteredStore['state'],
      }));
  }

  async function load(...[name, chain, packs]: Parameters<Catalog['load']>): Promise<PackFault[]> {
    database.exec('BEGIN');
    try {
      await loadDumps(database, WANTED, chain);
      database.exec(RECORDS_TABLE);
      database.exec(`DROP TABLE IF EXISTS done; ${DONE}`);
      database.exec(
        'CREATE INDEX slots_key ON slots (bucket_id, key) WHERE live; CREATE INDEX records_id ON records (domain, id)',
      );
      const faults = await takePacks(database, await packs(stores()));
      database.exec('DELETE FROM loaded');
      database.prepare('INSERT INTO loaded VALUES (?)').run(name);
      database.exec('COMMIT');
      return faults;
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  }

  return {
    snapshot,
    load,
    async look(packs) {
      database.exec('BEGIN; DELETE FROM records');
      try {
        const faults = await takePacks(database, packs);
        database.exec('COMMIT');
        return faults;
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
    stores,
    setting(name) {
      const row = database.prepare('SELECT value FROM settings WHERE name = ?').get(name);
      return row === undefined ? null : JSON.parse(String(row.value));
    },
    buckets: () =>
      database
        .prepare('SELECT id, name, kind FROM buckets WHERE removed_ms IS NULL ORDER BY name')
        .all()
        .map(({ id, name, kind }) => ({ id: Number(id), name: String(name), kind: String(kind) })),
    *objects(bucket) {
      const rows = database
        .prepare(
          `SELECT s.id AS slot, s.key, s.version_id, v.size, v.etag, v.mtime_ms, v.modified_ms, v.content, v.content_hash,
                  v.attributes->'customerKey' IS NOT NULL AS sealed
             FROM slots s LEFT JOIN versions v ON v.id = s.version_id WHERE s.bucket_id = ? AND s.live ORDER BY s.key`,
        )
        .iterate(bucket);
      for (const row of rows) {
        yield {
          slot: Number(row.slot),
          key: String(row.key),
          version: Buffer.from(row.version_id as Uint8Array).toString('hex'), // a BLOB of SQLite
          size: Number(row.size ?? 0),
          etag: String(row.etag ?? ''),
          mtime: Number(row.mtime_ms ?? 0),
          modified: Number(row.modified_ms ?? 0),
          content: bytesOf(row.content),
          contentHash: bytesOf(row.content_hash),
          sealed: row.sealed === 1,
        };
      }
    },
    hasBelow: (bucket, key) =>
      database
        .prepare('SELECT 1 FROM slots WHERE bucket_id = ? AND live AND key > ? AND key < ? LIMIT 1')
        .get(bucket, `${key}/`, `${key}0`) !== undefined,
    keys: {
      find: async (id) => bytesOf(database.prepare('SELECT wrapped FROM domains WHERE id = ?').get(id)?.wrapped),
    },
    chunks: (other) => chunksIn(database, other),
    *incomplete() {
      const rows = database
        .prepare(
          `SELECT v.content, s.key, b.name, s.live AND s.version_id = v.id AS current FROM versions v
             LEFT JOIN slots s ON s.id = v.slot_id LEFT JOIN buckets b ON b.id = s.bucket_id WHERE v.content IS NOT NULL`,
        )
        .iterate();
      const record = database.prepare('SELECT 1 FROM records WHERE domain = ? AND id = ?');
      const leaf = database.prepare('SELECT entries FROM leaves WHERE domain = ? AND id = ?');
      const whole = (content: ContentRef): boolean => {
        const { domain } = content;
        if (content.kind === 'inline') return true;
        if (content.kind === 'chunk') return record.get(domain, content.id) !== undefined;
        return content.leaves.every(({ id, size }) => {
          const entries = bytesOf(leaf.get(domain, id)?.entries);
          return entries !== null && decodeLeaf(entries, size).every((chunk) => record.get(domain, chunk.id) !== undefined);
        });
      };
      for (const { content, key, name, current } of rows) {
        const bytes = bytesOf(content);
        if (bytes === null || whole(decodeContentRef(bytes))) continue;
        yield { bucket: textOf(name) ?? '?', key: textOf(key) ?? '?', current: current === 1 };
      }
    },
    done: {
      find(slot) {
        const row = database.prepare('SELECT path, why FROM done WHERE slot = ?').get(slot);
        return row === undefined ? null : { path: textOf(row.path), why: textOf(row.why) };
      },
      add(slot, bucket, { key, version, size, mtime, etag }, path, why) {
        database
          .prepare('INSERT OR REPLACE INTO done VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
          .run(slot, bucket, key, version, size, mtime, etag, path, why);
      },
      *all() {
        for (const row of database.prepare('SELECT * FROM done ORDER BY bucket, key').iterate()) {
          const { bucket, key, version, size, mtime, etag } = row;
          yield {
            bucket: String(bucket),
            key: String(key),
            path: textOf(row.path),
            size: Number(size),
            mtime: Number(mtime),
            etag: String(etag),
            version: String(version),
            why: textOf(row.why),
          };
        }
      },
      forgetFailures: () => void database.exec('DELETE FROM done WHERE why IS NOT NULL'),
    },
    close() {
      if (database.isOpen) database.close();
    },
  };
}
