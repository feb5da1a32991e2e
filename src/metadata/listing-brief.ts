import type { BriefEntry, BriefInfo, ListEntry, ListQuery } from '#contracts/metadata-store';
import type { Database } from './database.ts';
import { delimitedValues } from './listing-delimited.ts';
import { END, levelText, levelValues, type PageRange } from './listing-level.ts';
import { SEPARATOR } from './rows.ts';

/** Its parts are of a bounded length, so a page may come as one text; and nothing is made text that is not shown. */
const BRIEF = `concat_ws(E'\\x1f', s.key, s.size, s.etag, s.modified_ms, coalesce(s.attributes #>> '{checksum,algorithm}', ''),
  coalesce(s.attributes #>> '{checksum,type}', ''),
  CASE WHEN s.attributes ? 'extra' THEN coalesce(s.attributes #>> '{extra,s3.storageClass}', '') ELSE '' END)`;
const BRIEF_PARTS = 7;
/** Of a prefix, behind an empty part. */
const PREFIX_PARTS = 2;

/** More are asked for one by one: the text of a page has a bound. */
const ENTRIES_MAX = 2_000;

const TOGETHER = `SELECT count(*)::int, string_agg(e.packed, E'\\x1e')`;

function flatText(range: string): string {
  return `${TOGETHER} FROM (SELECT ${BRIEF} AS packed FROM slots s WHERE s.bucket_id = $1 AND s.live AND ${range} ORDER BY s.key LIMIT $3) e`;
}

const FLAT = {
  after: { name: 'brief-after', text: flatText('s.key > $2') },
  afterTo: { name: 'brief-after-to', text: flatText('s.key > $2 AND s.key < $4') },
  from: { name: 'brief-from', text: flatText('s.key >= $2') },
  fromTo: { name: 'brief-from-to', text: flatText('s.key >= $2 AND s.key < $4') },
};
const LEVEL = {
  name: 'brief-level',
  text: `${TOGETHER} FROM (${levelText(`concat_ws(E'\\x1f', '', d.path)`, BRIEF)}) AS e (key, packed, path)`,
};

/** By any other delimiter; a function's rows come in its order. */
const DELIMITED = {
  name: 'brief-delimited',
  text: `${TOGETHER} FROM (SELECT CASE WHEN s.common IS NULL THEN ${BRIEF} ELSE concat_ws(E'\\x1f', '', s.common) END AS packed
    FROM cs_list($1, $2, $3, $4, $5, $6, $7, $8) s) e`,
};

/** The entries of a page as one text. null: it must be read in full (one of its names holds what parts it, or it is long). */
export async function briefEntries(
  database: Database,
  query: ListQuery,
  range: PageRange,
  limit: number,
): Promise<BriefEntry[] | null> {
  if (limit > ENTRIES_MAX) return null;
  const { start, inclusive, end } = range;
  if (query.delimiter === '/') return readBrief(await database.read(LEVEL, levelValues(query, range, limit)));
  if (query.delimiter !== '') return readBrief(await database.read(DELIMITED, delimitedValues(query, range, limit)));
  const statement = inclusive ? (end === null ? FLAT.from : FLAT.fromTo) : end === null ? FLAT.after : FLAT.afterTo;
  const values = end === null ? [query.bucket, start, limit] : [query.bucket, start, limit, end];
  return readBrief(await database.read(statement, values));
}

/** What is brief of a full one. */
export function inBrief(entry: ListEntry): BriefEntry {
  if (entry.kind === 'prefix') return { kind: 'prefix', prefix: entry.prefix };
  const { key, size, etag, modified, attributes } = entry.info;
  const { checksum, extra } = attributes;
  const sum = checksum === undefined ? null : { algorithm: checksum.algorithm, type: checksum.type };
  return { kind: 'object', info: { key, size, etag, modified, checksum: sum, storageClass: extra?.['s3.storageClass'] ?? null } };
}

function readBrief([row]: [number, string | null][]): BriefEntry[] | null {
  const [count = 0, text = null] = row ?? [];
  const texts = text === null ? [] : text.split(END);
  if (texts.length !== count) return null;
  const entries: BriefEntry[] = [];
  let checksum: BriefInfo['checksum'] = null;
  for (const entry of texts) {
    const parts = entry.split(SEPARATOR);
    const [key = '', size, etag = '', modified, algorithm = '', type, storageClass = ''] = parts;
    if (key === '') {
      if (parts.length !== PREFIX_PARTS) return null;
      entries.push({ kind: 'prefix', prefix: parts[1] as string });
      continue;
    }
    if (parts.length !== BRIEF_PARTS) return null;
    // Neighbours mostly have the same.
    if (algorithm === '') checksum = null;
    else if (checksum?.algorithm !== algorithm || checksum.type !== type)
      checksum = { algorithm, type } as NonNullable<BriefInfo['checksum']>;
    const info = {
      key,
      size: Number(size),
      etag,
      modified: Number(modified),
      checksum,
      storageClass: storageClass === '' ? null : storageClass,
    };
    entries.push({ kind: 'object', info });
  }
  return entries;
}
