import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { createPackReader } from '#blob/pack-reader';
import type { BackedUpEntry, BackedUpFile, BackedUpVersion } from '#contracts/backups';
import type { DiskOps } from '#contracts/disk-ops';
import type { Random } from '#core/clock';
import { decodeContentRef } from '#core/content-ref';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ObjectAttributes } from '#core/object';
import type { Bytes } from '#core/stream';
import { createContentReader } from '#engine/content-reader';
import { createKeyring } from '#engine/keyring';
import { INDEX_VERSION } from './backup-index.ts';
import { backupPaths } from './cli/offline/backup-list.ts';
import { bytesOf, textOf } from './cli/offline/dump-tables.ts';
import { chunksIn } from './cli/offline/pack-records.ts';
import { WAS_PLAIN } from './storage.ts';

/** What is in one backup, by the index that was made of it. Every call reads what it is asked for and no more. */
export interface BackupFiles {
  /** When it was taken, ms since the epoch. */
  takenMs: number;
  /** Packs that are not there, or not whole. */
  missing: string[];
  buckets(): string[];
  /** A folder's files and folders in byte order. @throws not_found for a bucket that it does not have */
  page(bucket: string, folder: string, after: string | null, limit: number): { entries: BackedUpEntry[]; next: string | null };
  /** All that is live below a prefix, in byte order. */
  below(bucket: string, prefix: string, after: string, limit: number): BackedUpFile[];
  /** How much that is; told window by window, so that nobody waits for a count of millions. */
  count(bucket: string, prefix: string, signal?: AbortSignal): Promise<{ files: number; bytes: number }>;
  /** The versions that are kept of a file, also of one that was deleted; the latest first, and of more than a thousand those. @throws not_found */
  versions(bucket: string, key: string): BackedUpVersion[];
  /** @param version null: the one of then. @throws not_found, version_not_found */
  file(bucket: string, key: string, version: string | null): BackedUpFile;
  /** Folders at and below one that have dead properties. */
  notedFolders(bucket: string, folder: string): Generator<{ path: string; properties: Record<string, string> }>;
  /** Its bytes, each authenticated; the whole is compared with its hash before the end. @throws corrupt: what is missing or damaged */
  read(file: BackedUpFile): Bytes;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Of the index. */
  path: string;
  /** The directory of backups. */
  from: string;
  masterKey: Buffer;
  disk: DiskOps;
  random: Random;
}

const WINDOW = 20_000;
const VERSIONS_MAX = 1_000;
const FILE_COLUMNS = `s.key, v.id, v.size, v.etag, v.modified_ms, v.mtime_ms, v.attributes, v.content, v.content_hash`;

/** null: there is no such index, or one that is not ours. */
export function openBackupFiles({ path, from, masterKey, disk, random }: OpenOptions): BackupFiles | null {
  const opened = openIndex(path);
  if (opened === null) return null;
  const { database, about } = opened;
  const packs = createPackReader({ directories: [backupPaths(from).packs], disk });
  const missing: string[] = JSON.parse(String(about.missing));
  const keyring = createKeyring({
    masterKey,
    random,
    keys: {
      find: async (id) => bytesOf(one('SELECT wrapped FROM domains WHERE id = ?', id)?.wrapped),
      insert: readOnly,
      replace: readOnly,
      list: readOnly,
    },
  });
  const wasPlain = async (): Promise<boolean> => one('SELECT value FROM settings WHERE name = ?', WAS_PLAIN)?.value === 'true';
  const readers = [false, true].map((other) =>
    createContentReader({
      keyring,
      chunks: chunksIn(database, other),
      random,
      wasPlain,
      read: ({ pack, offset }, at, length, into) => packs.read(pack, offset + at, length, into),
    }),
  );

  function one(sql: string, ...values: SQLInputValue[]): Record<string, unknown> | undefined {
    return database.prepare(sql).get(...values);
  }

  function bucketOf(name: string): number {
    const found = one('SELECT id FROM buckets WHERE name = ? AND removed_ms IS NULL', name);
    if (found === undefined) throw new CloudStoreError('not_found', `The backup has no bucket ${name}.`);
    return Number(found.id);
  }

  /** Live rows from a key on, within a prefix. */
  function rowsFrom(bucket: number, prefix: string, key: string, limit: number): Record<string, unknown>[] {
    const end = endOf(prefix);
    return database
      .prepare(
        `SELECT ${FILE_COLUMNS}, s.properties FROM slots s LEFT JOIN versions v ON v.id = s.version_id
          WHERE s.bucket_id = ? AND s.live AND s.key >= ? ${end === null ? '' : 'AND s.key < ?'} ORDER BY s.key LIMIT ?`,
      )
      .all(bucket, key, ...(end === null ? [] : [end]), limit);
  }

  async function* read({ key, content, contentHash, size }: BackedUpFile): Bytes {
    if (content === null) throw new CloudStoreError('corrupt', `The backup does not have the bytes of ${key}.`);
    const ref = decodeContentRef(content);
    const hasher = contentHash === null ? null : readers[0]!.hasher();
    let given = 0;
    for (let turn = 0, stuck = 0; given < ref.size; turn++) {
      const before = given;
      try {
        for await (const bytes of readers[turn % readers.length]!.read(ref, { start: given, end: ref.size - 1 })) {
          hasher?.update(bytes);
          given += bytes.length;
          yield bytes;
        }
        break;
      } catch (error) {
        const hurt = isCloudStoreError(error, 'corrupt') || isCloudStoreError(error, 'not_found');
        if (!hurt) throw error;
        // Where chunks are stored twice, the other places go on from where these broke, by turns.
        stuck = given === before ? stuck + 1 : 0;
        if (stuck === readers.length) throw damaged(key, error.message, missing);
      }
    }
    if (given !== size || given !== ref.size) throw damaged(key, 'it has another length than it should have', []);
    if (hasher !== null && contentHash !== null && !hasher.digest().equals(contentHash))
      throw damaged(key, 'it does not have the hash that it was stored with', []);
  }

  return {
    takenMs: Number(about.taken_ms),
    missing,
    buckets: () =>
      database
        .prepare("SELECT name FROM buckets WHERE kind = 'standard' AND removed_ms IS NULL ORDER BY name")
        .all()
        .map(({ name }) => String(name)),
    page(name, folder, after, limit) {
      const bucket = bucketOf(name);
      const entries: BackedUpEntry[] = [];
      let from = after === null ? folder : after.endsWith('/') ? `${after.slice(0, -1)}0` : behind(after);
      while (entries.length <= limit) {
        const rows = rowsFrom(bucket, folder, from, limit + 2);
        if (rows.length === 0) break;
        let inside: string | null = null;
        for (const row of rows) {
          const key = String(row.key);
          from = behind(key);
          if (key === folder) continue;
          const slash = key.indexOf('/', folder.length);
          if (slash === -1) entries.push({ kind: 'file', ...shownOf(fileOf(row)) });
          else {
            inside = key.slice(0, slash + 1);
            break;
          }
          if (entries.length > limit) break;
        }
        if (inside === null) continue;
        const bytes = one('SELECT bytes FROM directories WHERE bucket_id = ? AND path = ?', bucket, inside)?.bytes;
        entries.push({ kind: 'folder', key: inside, bytes: typeof bytes === 'number' ? bytes : null });
        from = `${inside.slice(0, -1)}0`;
      }
      if (entries.length <= limit) return { entries, next: null };
      const shown = entries.slice(0, limit);
      return { entries: shown, next: shown.at(-1)?.key ?? null };
    },
    below: (name, prefix, after, limit) =>
      rowsFrom(bucketOf(name), prefix, after === '' ? prefix : behind(after), limit).map(fileOf),
    async count(name, prefix, signal) {
      const bucket = bucketOf(name);
      const end = endOf(prefix);
      const sum = { files: 0, bytes: 0 };
      for (let from = prefix; ; ) {
        signal?.throwIfAborted();
        const row = one(
          `SELECT count(*) AS files, sum(size) AS bytes, max(key) AS last FROM (
             SELECT s.key, v.size FROM slots s LEFT JOIN versions v ON v.id = s.version_id
              WHERE s.bucket_id = ? AND s.live AND s.key >= ? ${end === null ? '' : 'AND s.key < ?'} ORDER BY s.key LIMIT ${WINDOW})`,
          bucket,
          from,
          ...(end === null ? [] : [end]),
        );
        sum.files += Number(row?.files ?? 0);
        sum.bytes += Number(row?.bytes ?? 0);
        if (Number(row?.files ?? 0) < WINDOW) return sum;
        from = behind(String(row?.last));
        await new Promise(setImmediate);
      }
    },
    versions(name, key) {
      const rows = database
        .prepare(
          `SELECT ${FILE_COLUMNS}, v.delete_marker, v.superseded_ms, s.live AND s.version_id = v.id AS current
             FROM slots s JOIN versions v ON v.slot_id = s.id WHERE s.bucket_id = ? AND s.key = ? ORDER BY v.seq DESC, v.id DESC LIMIT ${VERSIONS_MAX}`,
        )
        .all(bucketOf(name), key);
      if (rows.length === 0) throw new CloudStoreError('not_found', `The backup has no ${name}/${key}.`);
      return rows.map((row) => ({
        ...shownOf(fileOf(row)),
        current: row.current === 1,
        deleted: row.delete_marker === 1,
        superseded: row.superseded_ms === null ? null : Number(row.superseded_ms),
      }));
    },
    file(name, key, version) {
      const bucket = bucketOf(name);
      const row =
        version === null
          ? one(
              `SELECT ${FILE_COLUMNS}, s.properties FROM slots s JOIN versions v ON v.id = s.version_id WHERE s.bucket_id = ? AND s.key = ? AND s.live`,
              bucket,
              key,
            )
          : one(
              `SELECT ${FILE_COLUMNS}, CASE WHEN s.live AND s.version_id = v.id THEN s.properties ELSE v.properties END AS properties
                 FROM slots s JOIN versions v ON v.slot_id = s.id WHERE s.bucket_id = ? AND s.key = ? AND v.id = ? AND NOT v.delete_marker`,
              bucket,
              key,
              /^[0-9a-f]{32}$/.test(version) ? Buffer.from(version, 'hex') : null,
            );
      if (row !== undefined) return fileOf(row);
      if (version !== null) throw new CloudStoreError('version_not_found', `The backup has no such version of ${name}/${key}.`);
      throw new CloudStoreError('not_found', `The backup has no file ${name}/${key}.`);
    },
    *notedFolders(name, folder) {
      const bucket = bucketOf(name);
      const end = endOf(folder);
      const next = database.prepare(
        `SELECT path, properties FROM directories WHERE bucket_id = ? AND path >= ? ${end === null ? '' : 'AND path < ?'}
            AND properties IS NOT NULL ORDER BY path LIMIT 1`,
      );
      for (let from = folder; ; ) {
        const row = next.get(bucket, from, ...(end === null ? [] : [end]));
        if (row === undefined) return;
        const path = String(row.path);
        const properties = propertiesOf(row.properties);
        if (properties !== null) yield { path, properties };
        from = behind(path);
      }
    },
    read,
    async close() {
      if (database.isOpen) database.close();
      await packs.close();
    },
  };
}

/** Whether its bytes are of any use outside of a bucket. @throws customer_key_needed */
export function assertReadable({ key, attributes }: Pick<BackedUpFile, 'key' | 'attributes'>): void {
  if (attributes.customerKey === undefined) return;
  throw new CloudStoreError(
    'customer_key_needed',
    `The bytes of ${key} lie under a key that only the client has: bring it back into a bucket, and read it there.`,
  );
}

function openIndex(path: string): { database: DatabaseSync; about: Record<string, unknown> } | null {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path, { readOnly: true });
  } catch {
    return null;
  }
  try {
    const about = database.prepare('SELECT version, taken_ms, missing FROM about').get();
    if (about?.version === INDEX_VERSION) return { database, about };
  } catch {
    // no index, or one that is damaged
  }
  database.close();
  return null;
}

function fileOf(row: Record<string, unknown>): BackedUpFile {
  const id = bytesOf(row.id);
  return {
    key: String(row.key),
    version: id?.toString('hex') ?? '',
    size: Number(row.size ?? 0),
    etag: String(row.etag ?? ''),
    modified: Number(row.modified_ms ?? 0),
    mtime: Number(row.mtime_ms ?? 0),
    attributes: JSON.parse(textOf(row.attributes) ?? '{}') as ObjectAttributes, // as the gateway wrote them
    properties: propertiesOf(row.properties),
    content: bytesOf(row.content),
    contentHash: bytesOf(row.content_hash),
  };
}

function shownOf({ key, version, size, modified, mtime, attributes }: BackedUpFile) {
  return { key, version, size, modified, mtime, contentType: attributes.contentType ?? null };
}

function propertiesOf(text: unknown): Record<string, string> | null {
  const found = textOf(text);
  return found === null || found === '{}' ? null : JSON.parse(found);
}

/** The first key behind one: no key holds a NUL, so nothing lies between. */
function behind(key: string): string {
  return `${key}\u0001`;
}

/** The end (exclusive) of what begins with a prefix that ends in `/`; null: no end. */
function endOf(prefix: string): string | null {
  return prefix === '' ? null : `${prefix.slice(0, -1)}0`;
}

function damaged(key: string, why: string, missing: readonly string[]): CloudStoreError {
  const packs =
    missing.length === 0 ? '' : ` ${missing.length} packs of this backup are missing or cut short, the first is ${missing[0]}.`;
  return new CloudStoreError('corrupt', `${key} cannot be had whole: ${why.replace(/\.$/, '')}.${packs}`);
}

async function readOnly(): Promise<never> {
  throw new CloudStoreError('internal', 'Reading a backup makes no keys.');
}
