import type { FolderPage, FolderQuery, FolderRow, FolderTeller } from '#contracts/metadata-store';
import type { BucketId } from '#core/address';
import type { DirectoryInfo, ObjectAttributes, ShownObject } from '#core/object';
import { beginsWith, int8, NULL } from './binary-row.ts';
import type { Database } from './database.ts';
import { rangeOf } from './listing.ts';
import { gapsText, IN_GAP, LEVEL_OF, levelValues } from './listing-level.ts';
import type { OnRow } from './row-stream.ts';
import { attributesReader, propertiesOf } from './rows.ts';

/** Of a file, a time that is its mtime too is left out, as most are: a column that is null costs the server less. */
const FILE = `s.key, s.node_id, s.size, s.etag, s.mtime_ms, nullif(s.modified_ms, s.mtime_ms), nullif(s.created_ms, s.mtime_ms), s.attributes, s.properties`;
/** In the columns of a file: without a size, the bytes below in place of its mtime, attributes only where it is explicit. */
const directoryOf = (d: string): string =>
  `${d}.path, ${d}.id, NULL::bigint, encode(uuid_send(${d}.identity), 'hex') || '-' || ${d}.revision, ${d}.bytes, ${d}.modified_ms, ${d}.created_ms,
   CASE WHEN ${d}.explicit THEN '{}'::jsonb END, ${d}.properties`;
/** Pages are no longer than that. */
const LIMIT_MAX = 2_000;

/**
 * A folder's row and a page of what is in it. One statement is one moment: what is listed is of the ETag that comes with it. Where no folder lies in it (from the
 * page's start on), the page is a bare range of keys, which takes half the work of a level with gaps (listing-level.ts); of the two only that one is run which is of use.
 */
const FOLDER = {
  name: 'list-folder',
  text: `
WITH folder (path, id, size, etag) AS MATERIALIZED (
  SELECT ${directoryOf('d')} FROM directories d
   WHERE d.bucket_id = $1 AND d.path = $8 AND NOT EXISTS (SELECT FROM slots s WHERE s.bucket_id = $1 AND s.live AND s.key = $10)),
deeper AS MATERIALIZED (
  SELECT FROM directories d WHERE d.bucket_id = $1 AND ${LEVEL_OF} = $2 AND d.path > $3 AND d.path < $4 LIMIT 1)
SELECT f.* FROM folder f
UNION ALL
(SELECT ${FILE} FROM slots s
  WHERE s.bucket_id = $1 AND s.live AND s.key >= $5 AND s.key < $4 AND s.key <> $6
    AND (SELECT etag FROM folder) <> $9 AND NOT EXISTS (SELECT FROM deeper)
  ORDER BY s.key LIMIT $7)
UNION ALL
SELECT l.*
  FROM (${gapsText('d AS directory')}
        SELECT e.*
          FROM gaps g CROSS JOIN LATERAL (
            SELECT ${directoryOf('(g.directory)')} WHERE g.path <> ''
            UNION ALL
            (SELECT ${FILE} FROM slots s WHERE ${IN_GAP} ORDER BY s.key LIMIT $7)
          ) AS e (name)
         ORDER BY g.path, e.name LIMIT $7) l
 WHERE (SELECT etag FROM folder) <> $9 AND EXISTS (SELECT FROM deeper)`,
};

/** Tells the folder and each entry while the server makes the next ones. */
export async function listFolder(database: Database, query: FolderQuery, begin: () => FolderTeller): Promise<FolderPage> {
  const { bucket, folder: path, after, unless = '', fileFirst = false } = query;
  const limit = Math.min(query.limit, LIMIT_MAX);
  const level = { bucket, prefix: path, delimiter: '/', after, limit, directories: true };
  // No key is empty, so no file goes before the root.
  const values = [...levelValues(level, rangeOf(level), limit + 1), path, unless, fileFirst ? path.slice(0, -1) : ''];
  let reader = pageReader(bucket, limit, begin);
  await database.readRows(FOLDER, values, () => {
    reader = pageReader(bucket, limit, begin);
    return reader.onRow;
  });
  const page = reader.page();
  return page.folder !== null && page.folder.etag === unless ? { ...page, count: null } : page;
}

/** The folder's row goes before all others; one entry more than the page has tells that there is another page. */
function pageReader(bucket: BucketId, limit: number, begin: () => FolderTeller): { onRow: OnRow; page(): FolderPage } {
  const read = rowReader(bucket);
  let teller: FolderTeller | null = null;
  let folder: DirectoryInfo | null = null;
  let count = 0;
  let last = '';
  return {
    onRow(bytes, at) {
      const row = read.at(bytes, at);
      if (teller === null) {
        teller = begin();
        folder = read.directory();
        return teller.folder(folder);
      }
      if (++count > limit) return;
      if (count === limit) last = row.bytes.toString('utf8', row.keyAt, row.keyEnd);
      if (read.isFile()) teller.file(row);
      else teller.directory(read.directory());
    },
    page: () => ({ folder, count: Math.min(count, limit), next: count > limit ? last : null }),
  };
}

/** Reads the columns where they lie, into one row that is used for all. */
class Row implements FolderRow {
  bytes: Buffer = Buffer.alloc(0);
  keyAt = 0;
  keyEnd = 0;
  etagAt = 0;
  etagEnd = 0;
  nodeId = 0;
  size = 0;
  modified = 0;
  mtime = 0;
  created = 0;
  attributes: ObjectAttributes = {};
  properties: Record<string, string> | null = null;
  readonly bucket: BucketId;

  constructor(bucket: BucketId) {
    this.bucket = bucket;
  }

  get key(): string {
    return this.bytes.toString('utf8', this.keyAt, this.keyEnd);
  }

  get etag(): string {
    return this.bytes.toString('utf8', this.etagAt, this.etagEnd);
  }

  object(): ShownObject {
    const { bucket, key, nodeId, size, etag, modified, mtime, created, attributes, properties } = this;
    return { kind: 'object', bucket, key, nodeId, size, etag, modified, mtime, created, attributes, properties };
  }
}

function rowReader(bucket: BucketId): { at(bytes: Buffer, at: number): Row; isFile(): boolean; directory(): DirectoryInfo } {
  const row = new Row(bucket);
  const attributes = attributesReader();
  /** The column as it was: neighbours mostly have the same. */
  let kind = Buffer.alloc(0);
  let file = false;
  /** As they are of a directory. */
  let [bytesBelow, explicit] = [null as number | null, false];
  return {
    at(bytes, at) {
      row.bytes = bytes;
      row.keyAt = at + 6;
      row.keyEnd = row.keyAt + bytes.readInt32BE(at + 2);
      row.nodeId = int8(bytes, row.keyEnd + 4);
      let next = row.keyEnd + 12;
      file = bytes.readInt32BE(next) !== NULL;
      if (file) row.size = int8(bytes, next + 4);
      next += file ? 12 : 4;
      row.etagAt = next + 4;
      row.etagEnd = row.etagAt + bytes.readInt32BE(next);
      next = row.etagEnd;
      const number = (): number | null => {
        const from = next + 4;
        if (bytes.readInt32BE(next) === NULL) {
          next = from;
          return null;
        }
        next = from + 8;
        return int8(bytes, from);
      };
      bytesBelow = number();
      row.mtime = bytesBelow ?? 0;
      row.modified = number() ?? row.mtime;
      row.created = number() ?? row.mtime;
      const length = bytes.readInt32BE(next);
      explicit = length !== NULL;
      const end = next + 4 + Math.max(0, length);
      if (file && !beginsWith(bytes, next, kind)) {
        kind = Buffer.from(bytes.subarray(next, end));
        row.attributes = attributes(jsonbAt(bytes, next + 4, end));
      }
      const properties = bytes.readInt32BE(end);
      row.properties = properties === NULL ? null : propertiesOf(jsonbAt(bytes, end + 4, end + 4 + properties));
      return row;
    },
    isFile: () => file,
    directory: () => ({
      kind: 'directory',
      bucket,
      key: row.key,
      directoryId: row.nodeId,
      explicit,
      etag: row.etag,
      modified: row.modified,
      created: row.created,
      properties: row.properties,
      bytes: bytesBelow,
    }),
  };
}

/** Behind the number of its format. */
function jsonbAt(bytes: Buffer, from: number, end: number): string {
  return bytes.toString('utf8', from + 1, end);
}
