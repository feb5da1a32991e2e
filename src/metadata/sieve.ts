import PQueue from 'p-queue';
import type { Condition, Sieve, SieveQuery, SortedBy } from '#contracts/sieve';
import { CloudStoreError } from '#core/errors';
import type { EntryInfo } from '#core/object';
import type { Database } from './database.ts';
import { endOf, PACKED_DIRECTORY, PACKED_SLOT, packedDirectory, packedReader } from './rows.ts';
import { unlessGone } from './unless-gone.ts';

/** How a row of each table says what is asked about. */
type Columns = Record<SortedBy, string> & {
  key: string;
  properties: string;
  node: string;
  directory: string;
  kind: 'object' | 'directory';
};

const OBJECTS: Columns = {
  kind: 'object',
  key: 's.key',
  name: `split_part(s.key, '/', -1)`,
  type: `(s.attributes ->> 'contentType')`,
  mtime: 's.mtime_ms',
  modified: 's.modified_ms',
  created: 's.created_ms',
  size: 's.size',
  properties: 's.properties',
  node: 's.node_id',
  directory: 'NULL::bigint',
};
const DIRECTORIES: Columns = {
  kind: 'directory',
  key: 'd.path',
  name: `nullif(split_part(d.path, '/', -2), '')`,
  type: 'NULL::text',
  mtime: 'd.modified_ms',
  modified: 'd.modified_ms',
  created: 'd.created_ms',
  size: 'd.bytes',
  properties: 'd.properties',
  node: 'NULL::bigint',
  directory: 'd.id',
};

/** Each looks at all rows below: so many at once, and so many that wait for their turn. */
const AT_ONCE_MAX = 2;
const WAITING_MAX = 50;

/** Not prepared for the next time: each question may have a shape of its own, and connections keep what is prepared. */
const UNNAMED = '';

/** The contract is Sieve. */
export function createSieve(database: Database): Sieve {
  const turns = new PQueue({ concurrency: AT_ONCE_MAX });
  return {
    async find(query, signal) {
      if (turns.size >= WAITING_MAX)
        throw new CloudStoreError('rate_limited', 'Many search; try again in a moment.', { details: { retryAfterSeconds: 5 } });
      return turns.add(() => look(query, signal), { signal });
    },
  };

  async function look(query: SieveQuery, signal: AbortSignal): Promise<EntryInfo[]> {
    const { text, values } = statementOf(query);
    const rows = await database.transaction((session) =>
      unlessGone(database, session, signal, () =>
        session.query<[key: string, object: string | null, directory: string | null]>({ name: UNNAMED, text }, values),
      ),
    );
    const read = packedReader();
    return rows.map(([key, object, directory]) =>
      object === null ? packedDirectory(query.bucket, key, directory ?? '') : read(query.bucket, key, object),
    );
  }
}

function statementOf({ bucket, prefix, deep, where, order, limit }: SieveQuery): { text: string; values: unknown[] } {
  const values: unknown[] = [bucket, prefix, endOf(prefix), limit];
  const place = (value: unknown): string => `$${values.push(value)}`;
  const range = ({ key }: Columns): string =>
    `bucket_id = $1 AND ${key} > $2 AND ($3::text IS NULL OR ${key} < $3)` +
    (deep ? '' : ` AND strpos(rtrim(substr(${key}, char_length($2) + 1), '/'), '/') = 0`);
  const sorted = (columns: Columns): string => order.map(({ by }, n) => `, ${columns[by]} AS o${n}`).join('');
  // Each half ends where it has enough: by key alone the first that are found are the first of all.
  const ends = (key: string): string => `ORDER BY ${by}${key} LIMIT $4`;
  const by = order.map(({ descending }, n) => `o${n} ${descending ? 'DESC' : 'ASC'} NULLS LAST, `).join('');
  const text = `
SELECT key, (SELECT ${PACKED_SLOT} FROM slots s WHERE s.id = found.object), (SELECT ${PACKED_DIRECTORY} FROM directories d WHERE d.id = found.directory)
  FROM (SELECT * FROM (
    (SELECT s.key, s.id AS object, NULL::bigint AS directory${sorted(OBJECTS)} FROM slots s
      WHERE ${range(OBJECTS)} AND s.live AND right(s.key, 1) <> '/' AND ${sqlOf(where, OBJECTS, place)} ${ends('s.key')})
    UNION ALL
    (SELECT d.path, NULL, d.id${sorted(DIRECTORIES)} FROM directories d
      WHERE ${range(DIRECTORIES)} AND ${sqlOf(where, DIRECTORIES, place)} ${ends('d.path')})
  ) AS halves ${ends('key')}) AS found ${ends('key')}`;
  return { text, values };
}

/** Every value is a parameter; what is written into the text comes from this file alone. Three-valued logic ends at each condition. */
function sqlOf(condition: Condition, columns: Columns, place: (value: unknown) => string): string {
  if ('all' in condition) return joined(condition.all, 'AND', columns, place);
  if ('any' in condition) return joined(condition.any, 'OR', columns, place);
  if ('not' in condition) return `NOT ${sqlOf(condition.not, columns, place)}`;
  if ('kind' in condition) return condition.kind === columns.kind ? 'true' : 'false';
  if ('like' in condition) return `(${columns[condition.like]} ILIKE ${place(condition.pattern)}::text) IS TRUE`;
  if ('compare' in condition)
    return `(${columns[condition.compare]} ${OPERATORS[condition.is]} ${place(condition.value)}::bigint) IS TRUE`;
  if ('property' in condition)
    return `(${columns.properties} IS NOT NULL AND strpos(${columns.properties} ->> ${place(condition.property)}::text, ${place(`>${condition.says}<`)}::text) > 0) IS TRUE`;
  if ('node' in condition) return `(${columns.node} = ${place(condition.node)}::bigint) IS TRUE`;
  return `(${columns.directory} = ${place(condition.directory)}::bigint) IS TRUE`;
}

const OPERATORS = { '<': '<', '<=': '<=', '>': '>', '>=': '>=', '=': '=' } as const;

function joined(
  conditions: readonly Condition[],
  word: 'AND' | 'OR',
  columns: Columns,
  place: (value: unknown) => string,
): string {
  if (conditions.length === 0) return word === 'AND' ? 'true' : 'false';
  return `(${conditions.map((one) => sqlOf(one, columns, place)).join(` ${word} `)})`;
}
