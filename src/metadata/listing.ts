import type { BriefPage, BriefRow, ListEntry, ListPage, ListQuery } from '#contracts/metadata-store';
import { afterPrefix, compareKeys } from '#core/address';
import { CloudStoreError } from '#core/errors';
import type { BareLevels } from './bare-levels.ts';
import type { Database } from './database.ts';
import { briefEntries } from './listing-brief.ts';
import { DELIMITED, delimitedValues } from './listing-delimited.ts';
import { levelStatements, type PageRange, readTogether } from './listing-level.ts';
import { PACKED_SLOT, packedDirectory, packedReader } from './rows.ts';

const LIMIT_MAX = 100_000;

const SELECT = `SELECT s.key, ${PACKED_SLOT} FROM slots s WHERE s.bucket_id = $1 AND s.live`;
/** `after` exclusive, or the prefix itself inclusive; with an end of the range or without. */
const FLAT = {
  after: { name: 'list-after', text: `${SELECT} AND s.key > $2 ORDER BY s.key LIMIT $3` },
  afterTo: { name: 'list-after-to', text: `${SELECT} AND s.key > $2 AND s.key < $4 ORDER BY s.key LIMIT $3` },
  from: { name: 'list-from', text: `${SELECT} AND s.key >= $2 ORDER BY s.key LIMIT $3` },
  fromTo: { name: 'list-from-to', text: `${SELECT} AND s.key >= $2 AND s.key < $4 ORDER BY s.key LIMIT $3` },
};
const EXISTS = { name: 'list-bucket', text: 'SELECT 1 FROM buckets WHERE id = $1 AND removed_ms IS NULL' };

/**
 * One page, in one statement: a range scan without a delimiter; with `/` the folders of a level and what lies between them
 * (listing-level.ts); with any other a scan that seeks past runs (cs_list).
 */
export async function list(database: Database, query: ListQuery): Promise<ListPage> {
  const limit = limitOf(query);
  const entries = await full(database, query, rangeOf(query), limit + 1);
  if (entries.length === 0) await requireBucket(database, query);
  return pageOf(entries, limit);
}

/** As `list`, where each entry is shown as it comes. */
export async function listBrief(
  database: Database,
  query: ListQuery,
  begin: () => (row: BriefRow) => void,
  levels: BareLevels | null,
): Promise<Omit<BriefPage, 'etag'>> {
  if (levels === null || query.delimiter !== '/') return briefPage(database, query, begin, false);
  if (levels.covers(query)) return briefPage(database, query, begin, true);
  const reading = levels.reading(query);
  const watched = (): ((row: BriefRow) => void) => {
    const show = begin();
    return (row) => {
      reading.shown(row);
      show(row);
    };
  };
  try {
    const page = await briefPage(database, query, watched, false);
    reading.read(page.next);
    return page;
  } finally {
    reading.end();
  }
}

/** @param bare no file lies directly in the level */
async function briefPage(
  database: Database,
  query: ListQuery,
  begin: () => (row: BriefRow) => void,
  bare: boolean,
): Promise<Omit<BriefPage, 'etag'>> {
  const limit = limitOf(query);
  let count = 0;
  let last = '';
  const counted = (): ((row: BriefRow) => void) => {
    const show = begin();
    count = 0;
    return (row) => {
      if (++count > limit) return;
      if (count === limit) last = row.bytes.toString('utf8', row.nameAt, row.nameEnd);
      show(row);
    };
  };
  await briefEntries(database, query, rangeOf(query), { limit: limit + 1, bare }, counted);
  if (count === 0) await requireBucket(database, query);
  return count > limit ? { count: limit, next: last } : { count, next: null };
}

function limitOf({ limit }: ListQuery): number {
  if (!Number.isInteger(limit) || limit < 1) throw new CloudStoreError('invalid_argument', 'A page has at least one entry.');
  return Math.min(limit, LIMIT_MAX);
}

async function requireBucket(database: Database, { bucket }: ListQuery): Promise<void> {
  const exists = await database.read(EXISTS, [bucket]);
  if (exists.length === 0) throw new CloudStoreError('bucket_not_found', 'No such bucket.');
}

/** Where a page of a query lies. */
export function rangeOf({ prefix, after }: ListQuery): PageRange {
  const inclusive = compareKeys(after, prefix) < 0 || after === '';
  return { start: inclusive ? prefix : after, inclusive, end: afterPrefix(prefix) };
}

/** A page of up to `limit`, of which one more was asked for. */
export function pageOf<Entry extends { kind: 'object'; info: { key: string } } | { kind: 'prefix'; prefix: string }>(
  entries: Entry[],
  limit: number,
): { entries: Entry[]; next: string | null } {
  const more = entries.length > limit;
  if (more) entries.length = limit;
  const last = entries.at(-1);
  return { entries, next: more && last !== undefined ? (last.kind === 'object' ? last.info.key : last.prefix) : null };
}

function full(database: Database, query: ListQuery, range: PageRange, limit: number): Promise<ListEntry[]> {
  const { delimiter } = query;
  const read = delimiter === '' ? flat : delimiter === '/' ? level : delimited;
  return read(database, query, range, limit);
}

async function flat(database: Database, { bucket }: ListQuery, range: PageRange, limit: number): Promise<ListEntry[]> {
  const { start, inclusive, end } = range;
  const statement = inclusive ? (end === null ? FLAT.from : FLAT.fromTo) : end === null ? FLAT.after : FLAT.afterTo;
  const values = end === null ? [bucket, start, limit] : [bucket, start, limit, end];
  const rows = await database.read<[string, string]>(statement, values);
  const read = packedReader();
  return rows.map(([key, packed]) => ({ kind: 'object', info: read(bucket, key, packed) }));
}

/** An object's key and what is packed of it; or a common prefix, and its directory where it was asked for. */
type Row = [key: string, packed: string, prefix: null] | [key: null, packed: string | null, prefix: string];

async function level(database: Database, query: ListQuery, range: PageRange, limit: number): Promise<ListEntry[]> {
  const { together, rows, values } = levelStatements(query, range, limit);
  if (together !== null) {
    const [page] = await database.read<[number, string | null]>(together, values);
    const entries = page === undefined ? null : readTogether(query.bucket, ...page);
    if (entries !== null) return entries;
  }
  return entriesOf(query.bucket, await database.read<Row>(rows, values));
}

async function delimited(database: Database, query: ListQuery, range: PageRange, limit: number): Promise<ListEntry[]> {
  return entriesOf(query.bucket, await database.read<Row>(DELIMITED, delimitedValues(query, range, limit)));
}

function entriesOf(bucket: number, rows: Row[]): ListEntry[] {
  const read = packedReader();
  return rows.map(([key, packed, prefix]) => {
    if (key !== null) return { kind: 'object', info: read(bucket, key, packed) };
    return { kind: 'prefix', prefix, directory: packed === null ? null : packedDirectory(bucket, prefix, packed) };
  });
}
