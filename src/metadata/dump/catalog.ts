import type pg from 'pg';
import { CloudStoreError } from '#core/errors';
import { COLUMN_TYPES, type ColumnType, DUMPED, SEQUENCES } from './tables.ts';

export interface Column {
  name: string;
  type: ColumnType;
}

/** The columns of every table that is dumped, as the database has them now. @throws internal for a type that no dump may hold */
export async function readColumns(client: pg.Client): Promise<Map<string, Column[]>> {
  const { rows } = await client.query<[string, string, string]>({
    text: `SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
             FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.oid = ANY($1::text[]::regclass[]) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            ORDER BY c.relname, a.attnum`,
    values: [Object.keys(DUMPED)],
    rowMode: 'array',
  });
  const out = new Map<string, Column[]>();
  for (const [table, name, type] of rows) {
    const known = COLUMN_TYPES.find((one) => one === type);
    if (known === undefined)
      throw new CloudStoreError('internal', `${table}.${name} is of type ${type}, which no dump can hold.`);
    out.set(table, [...(out.get(table) ?? []), { name, type: known }]);
  }
  return out;
}

/** The sequences behind the ids of what is dumped, with the last value that each gave out; 0 for none yet. */
export async function readSequences(client: pg.Client, columns: ReadonlyMap<string, Column[]>): Promise<Record<string, number>> {
  const owned = [...columns].flatMap(([table, list]) => list.map(({ name }) => ({ table, name })));
  const { rows } = await client.query<[string]>({
    text: `SELECT DISTINCT pg_get_serial_sequence(x.t, x.c)::regclass::text FROM unnest($1::text[], $2::text[]) AS x(t, c)
            WHERE pg_get_serial_sequence(x.t, x.c) IS NOT NULL
           UNION SELECT x.s FROM unnest($3::text[]) AS x(s) WHERE to_regclass(x.s) IS NOT NULL ORDER BY 1`,
    values: [owned.map(({ table }) => table), owned.map(({ name }) => name), SEQUENCES],
    rowMode: 'array',
  });
  const out: Record<string, number> = {};
  for (const [name] of rows) {
    const read = await client.query({
      text: `SELECT CASE WHEN is_called THEN last_value ELSE 0 END::text FROM ${name}`,
      rowMode: 'array',
    });
    out[name] = Number(read.rows[0]?.[0]);
  }
  return out;
}

export async function readSchema(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query({ text: 'SELECT name FROM knex_migrations ORDER BY id', rowMode: 'array' });
  return rows.map(([name]) => String(name));
}
