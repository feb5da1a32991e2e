import type { ListEntry, ListPage, ListQuery } from '#contracts/metadata-store';
import { afterPrefix, compareKeys } from '#core/address';
import { CloudStoreError } from '#core/errors';
import type { DirectoryInfo } from '#core/object';
import type { Database } from './database.ts';
import { DIRECTORY_COLUMNS, type DirectoryRow, directoryOf, objectOf, SLOT_COLUMNS, type SlotRow } from './rows.ts';

const LIMIT_MAX = 100_000;

const SELECT = `SELECT ${SLOT_COLUMNS} FROM slots s WHERE s.bucket_id = $1 AND s.live`;
/** `after` exclusive, or the prefix itself inclusive; with an end of the range or without. */
const FLAT = {
  after: { name: 'list-after', text: `${SELECT} AND s.key > $2 ORDER BY s.key LIMIT $3` },
  afterTo: { name: 'list-after-to', text: `${SELECT} AND s.key > $2 AND s.key < $4 ORDER BY s.key LIMIT $3` },
  from: { name: 'list-from', text: `${SELECT} AND s.key >= $2 ORDER BY s.key LIMIT $3` },
  fromTo: { name: 'list-from-to', text: `${SELECT} AND s.key >= $2 AND s.key < $4 ORDER BY s.key LIMIT $3` },
};
const DELIMITED = {
  name: 'list-delimited',
  text: `SELECT common, key, version_id, visibility, node_id, size, etag, modified_ms, mtime_ms, created_ms, attributes, properties
           FROM cs_list($1, $2, $3, $4, $5, $6, $7, $8)`,
};
const DIRECTORIES = {
  name: 'list-directories',
  text: `SELECT ${DIRECTORY_COLUMNS} FROM unnest($2::text[]) AS x(path) JOIN directories d ON d.bucket_id = $1 AND d.path = x.path`,
};
const EXISTS = { name: 'list-bucket', text: 'SELECT 1 FROM buckets WHERE id = $1' };

/** One page: a range scan without a delimiter; with one, a scan that seeks past runs (cs_list). One statement, one more for directories. */
export async function list(database: Database, query: ListQuery): Promise<ListPage> {
  const { bucket, prefix, delimiter, after } = query;
  if (!Number.isInteger(query.limit) || query.limit < 1)
    throw new CloudStoreError('invalid_argument', 'A page has at least one entry.');
  const limit = Math.min(query.limit, LIMIT_MAX);
  const fromStart = compareKeys(after, prefix) < 0 || after === '';
  const start = fromStart ? prefix : after;
  const end = afterPrefix(prefix);
  const entries =
    delimiter === ''
      ? await flat(database, query, start, fromStart, end, limit + 1)
      : await delimited(database, query, start, fromStart, end, limit + 1);
  if (entries.length === 0) {
    const exists = await database.read(EXISTS, [bucket]);
    if (exists.length === 0) throw new CloudStoreError('bucket_not_found', 'No such bucket.');
  }
  const more = entries.length > limit;
  if (more) entries.length = limit;
  const last = entries.at(-1);
  if (query.directories === true && delimiter === '/') await addDirectories(database, bucket, entries);
  return { entries, next: more && last ? (last.kind === 'object' ? last.info.key : last.prefix) : null };
}

async function flat(
  database: Database,
  { bucket }: ListQuery,
  start: string,
  inclusive: boolean,
  end: string | null,
  limit: number,
): Promise<ListEntry[]> {
  const statement = inclusive ? (end === null ? FLAT.from : FLAT.fromTo) : end === null ? FLAT.after : FLAT.afterTo;
  const values = end === null ? [bucket, start, limit] : [bucket, start, limit, end];
  const rows = await database.read<SlotRow>(statement, values);
  return rows.map((row) => ({ kind: 'object', info: objectOf(bucket, row) }));
}

async function delimited(
  database: Database,
  { bucket, prefix, delimiter }: ListQuery,
  start: string,
  inclusive: boolean,
  end: string | null,
  limit: number,
): Promise<ListEntry[]> {
  const values = [bucket, prefix, end, delimiter, afterPrefix(delimiter), start, inclusive, limit];
  const rows = await database.read<[string | null, ...SlotRow]>(DELIMITED, values);
  return rows.map(([common, ...row]) =>
    common === null ? { kind: 'object', info: objectOf(bucket, row) } : { kind: 'prefix', prefix: common, directory: null },
  );
}

async function addDirectories(database: Database, bucket: number, entries: ListEntry[]): Promise<void> {
  const prefixes = entries.filter((entry) => entry.kind === 'prefix');
  if (prefixes.length === 0) return;
  const rows = await database.read<DirectoryRow>(DIRECTORIES, [bucket, prefixes.map((entry) => entry.prefix)]);
  const found = new Map<string, DirectoryInfo>(rows.map((row) => [row[0], directoryOf(bucket, row)]));
  for (const entry of prefixes) entry.directory = found.get(entry.prefix) ?? null;
}
