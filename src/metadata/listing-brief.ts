import type { BriefEntry, BriefInfo, ListQuery } from '#contracts/metadata-store';
import type { Database, Statement } from './database.ts';
import { delimitedValues } from './listing-delimited.ts';
import { levelText, levelValues, type PageRange } from './listing-level.ts';
import { SEPARATOR } from './rows.ts';

/** One text, the key last: it alone may hold what parts them. Of all but numbers and names of kinds nothing is made text that is not shown. */
const BRIEF = `s.size || E'\\x1f' || s.etag || E'\\x1f' || s.modified_ms || E'\\x1f' || coalesce(s.attributes #>> '{checksum,algorithm}', '') || E'\\x1f' ||
  coalesce(s.attributes #>> '{checksum,type}', '') || E'\\x1f' ||
  CASE WHEN s.attributes ? 'extra' THEN coalesce(s.attributes #>> '{extra,s3.storageClass}', '') ELSE '' END || E'\\x1f' || s.key`;
/** Of a prefix, which has no size. */
const PREFIX = `E'\\x1f' ||`;

function flatText(range: string): string {
  return `SELECT ${BRIEF} FROM slots s WHERE s.bucket_id = $1 AND s.live AND ${range} ORDER BY s.key LIMIT $3`;
}

const FLAT = {
  after: { name: 'brief-after', text: flatText('s.key > $2') },
  afterTo: { name: 'brief-after-to', text: flatText('s.key > $2 AND s.key < $4') },
  from: { name: 'brief-from', text: flatText('s.key >= $2') },
  fromTo: { name: 'brief-from-to', text: flatText('s.key >= $2 AND s.key < $4') },
};
const LEVEL = {
  name: 'brief-level',
  text: `SELECT e.packed FROM (${levelText(`${PREFIX} d.path`, BRIEF)}) AS e (key, packed, path)`,
};

/** By any other delimiter; a function's rows come in its order. */
const DELIMITED = {
  name: 'brief-delimited',
  text: `SELECT CASE WHEN s.common IS NULL THEN ${BRIEF} ELSE ${PREFIX} s.common END FROM cs_list($1, $2, $3, $4, $5, $6, $7, $8) s`,
};

/** What `turn` makes of the entries of a page, of each while the server makes the next ones. */
export function briefEntries<T>(
  database: Database,
  query: ListQuery,
  range: PageRange,
  limit: number,
  turn: (entry: BriefEntry, index: number) => T,
): Promise<T[]> {
  const read = briefReader();
  const each = (statement: Statement, values: unknown[]): Promise<T[]> =>
    database.readEach<[string], T>(statement, values, ([packed], index) => turn(read(packed), index));
  const { start, inclusive, end } = range;
  if (query.delimiter === '/') return each(LEVEL, levelValues(query, range, limit));
  if (query.delimiter !== '') return each(DELIMITED, delimitedValues(query, range, limit));
  const statement = inclusive ? (end === null ? FLAT.from : FLAT.fromTo) : end === null ? FLAT.after : FLAT.afterTo;
  return each(statement, end === null ? [query.bucket, start, limit] : [query.bucket, start, limit, end]);
}

/** Looks for what parts them in place of a list of the parts, which would be most of the work. */
function briefReader(): (packed: string) => BriefEntry {
  let checksum: NonNullable<BriefInfo['checksum']> | null = null;
  return (packed) => {
    const size = packed.indexOf(SEPARATOR);
    if (size === 0) return { kind: 'prefix', prefix: packed.slice(1) };
    const etag = packed.indexOf(SEPARATOR, size + 1);
    const modified = packed.indexOf(SEPARATOR, etag + 1);
    const algorithm = packed.indexOf(SEPARATOR, modified + 1);
    const type = packed.indexOf(SEPARATOR, algorithm + 1);
    const storageClass = packed.indexOf(SEPARATOR, type + 1);
    const [sum, kind] = [packed.slice(modified + 1, algorithm), packed.slice(algorithm + 1, type)];
    // Neighbours mostly have the same.
    if (sum !== '' && (checksum?.algorithm !== sum || checksum.type !== kind))
      checksum = { algorithm: sum, type: kind } as NonNullable<BriefInfo['checksum']>;
    const info = {
      key: packed.slice(storageClass + 1),
      size: Number(packed.slice(0, size)),
      etag: packed.slice(size + 1, etag),
      modified: Number(packed.slice(etag + 1, modified)),
      checksum: sum === '' ? null : checksum,
      storageClass: storageClass === type + 1 ? null : packed.slice(type + 1, storageClass),
    };
    return { kind: 'object', info };
  };
}
