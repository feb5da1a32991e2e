import type { BriefRow, ListQuery } from '#contracts/metadata-store';
import { beginsWith, int8, NULL } from './binary-row.ts';
import type { Database, Statement } from './database.ts';
import { delimitedValues } from './listing-delimited.ts';
import { gapsText, IN_GAP, LEVEL_OF, levelValues, type PageRange } from './listing-level.ts';
import type { OnRow } from './row-stream.ts';

/** Of all but what differs from key to key only what is shown. */
const SHOWN = `s.size, s.etag, s.modified_ms, s.attributes #>> '{checksum,algorithm}', s.attributes #>> '{checksum,type}',
  CASE WHEN s.attributes ? 'extra' THEN s.attributes #>> '{extra,s3.storageClass}' END`;

function flatText(range: string): string {
  return `SELECT s.key, ${SHOWN} FROM slots s WHERE s.bucket_id = $1 AND s.live AND ${range} ORDER BY s.key LIMIT $3`;
}

const FLAT = {
  after: { name: 'brief-after', text: flatText('s.key > $2') },
  afterTo: { name: 'brief-after-to', text: flatText('s.key > $2 AND s.key < $4') },
  from: { name: 'brief-from', text: flatText('s.key >= $2') },
  fromTo: { name: 'brief-from-to', text: flatText('s.key >= $2 AND s.key < $4') },
};

/**
 * A folder has a name and no size, and goes before the keys of the gap behind it. Where none lies in the page's range it is a bare range of keys, which is not sorted again; of the two only
 * that one is run which is of use.
 */
const LEVEL = {
  name: 'brief-level',
  text: `${gapsText('NULL')},
deeper AS MATERIALIZED (
  SELECT FROM directories d WHERE d.bucket_id = $1 AND ${LEVEL_OF} = $2 AND d.path > $3 AND d.path < $4 LIMIT 1)
(SELECT s.key, ${SHOWN} FROM slots s
  WHERE s.bucket_id = $1 AND s.live AND s.key >= $5 AND s.key < $4 AND s.key <> $6 AND NOT EXISTS (SELECT FROM deeper)
  ORDER BY s.key LIMIT $7)
UNION ALL
(SELECT e.*
   FROM gaps g CROSS JOIN LATERAL (
     SELECT g.path, NULL::bigint, NULL, NULL::bigint, NULL, NULL, NULL WHERE g.path <> ''
     UNION ALL
     (SELECT s.key, ${SHOWN} FROM slots s WHERE ${IN_GAP} ORDER BY s.key LIMIT $7)
   ) AS e (name)
  WHERE EXISTS (SELECT FROM deeper)
  ORDER BY g.path, e.name LIMIT $7)`,
};

/** Of a level of which it is known that no file lies directly in it. */
const BARE = {
  name: 'brief-bare',
  text: `SELECT d.path, NULL::bigint FROM directories d
   WHERE d.bucket_id = $1 AND ${LEVEL_OF} = $2 AND d.path > $3 AND d.path < $4 ORDER BY d.path LIMIT $5`,
};

/** By any other delimiter; a function's rows come in its order. */
const DELIMITED = {
  name: 'brief-delimited',
  text: `SELECT coalesce(s.common, s.key), CASE WHEN s.common IS NULL THEN s.size END, ${SHOWN.slice('s.size, '.length)} FROM cs_list($1, $2, $3, $4, $5, $6, $7, $8) s`,
};

/**
 * Shows the entries of a page, each while the server makes the next ones; what `begin` gives takes them from the first one on. `bare`, by `/` only: no file
 * lies directly in the level.
 */
export function briefEntries(
  database: Database,
  query: ListQuery,
  range: PageRange,
  { limit, bare }: { limit: number; bare: boolean },
  begin: () => (row: BriefRow) => void,
): Promise<void> {
  const read = (statement: Statement, values: unknown[]): Promise<void> =>
    database.readRows(statement, values, () => briefReader(begin()));
  const { start, inclusive, end } = range;
  if (query.delimiter === '/') {
    const values = levelValues(query, range, limit);
    return bare ? read(BARE, [...values.slice(0, 4), limit]) : read(LEVEL, values);
  }
  if (query.delimiter !== '') return read(DELIMITED, delimitedValues(query, range, limit));
  const statement = inclusive ? (end === null ? FLAT.from : FLAT.fromTo) : end === null ? FLAT.after : FLAT.afterTo;
  return read(statement, end === null ? [query.bucket, start, limit] : [query.bucket, start, limit, end]);
}

/** Reads the columns where they lie, into one row that is used for all. */
function briefReader(show: (row: BriefRow) => void): OnRow {
  const nothing = Buffer.alloc(0);
  const row: BriefRow = { ...{ bytes: nothing, prefix: false, nameAt: 0, nameEnd: 0, etagAt: 0, etagEnd: 0 }, ...NO_OBJECT };
  /** The last three columns as they were: neighbours mostly have the same. */
  let kind = nothing;
  return (bytes, at) => {
    row.bytes = bytes;
    row.nameAt = at + 6;
    row.nameEnd = row.nameAt + bytes.readInt32BE(at + 2);
    const size = row.nameEnd + 4;
    row.prefix = bytes.readInt32BE(row.nameEnd) === NULL;
    if (row.prefix) return show(row);
    row.size = int8(bytes, size);
    row.etagAt = size + 12;
    row.etagEnd = row.etagAt + bytes.readInt32BE(size + 8);
    row.modified = int8(bytes, row.etagEnd + 4);
    const behind = row.etagEnd + 12;
    if (!beginsWith(bytes, behind, kind)) {
      const columns = textsAt(bytes, behind, 3);
      kind = Buffer.from(bytes.subarray(behind, columns.end));
      const [algorithm, type, storageClass] = columns.texts;
      row.checksum = algorithm ? ({ algorithm, type } as BriefRow['checksum']) : null;
      row.storageClass = storageClass || null;
    }
    show(row);
  };
}

const NO_OBJECT = { size: 0, modified: 0, checksum: null, storageClass: null };

function textsAt(bytes: Buffer, at: number, count: number): { texts: (string | null)[]; end: number } {
  const texts: (string | null)[] = [];
  let end = at;
  for (let i = 0; i < count; i++) {
    const length = bytes.readInt32BE(end);
    const from = end + 4;
    end = from + Math.max(0, length);
    texts.push(length === NULL ? null : bytes.toString('utf8', from, end));
  }
  return { texts, end };
}
