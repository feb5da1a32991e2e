import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { CloudStoreError } from '#core/errors';
import type { DumpRun, OpenDump } from '#metadata/dump/read';
import { decodeTuple, eachTuple, type Field } from '#metadata/dump/tuples';

/** What is wanted of a dump's table. */
export interface WantedTable {
  columns: string[];
  /** Columns that schemas of before do not have: null there. */
  later?: string[];
  key: string;
  /** Every dump of a chain has all of it. */
  whole?: true;
}

/** Takes a chain of dumps into tables of SQLite, made anew: whoever calls has begun a transaction. @throws corrupt */
export async function loadDumps(
  database: DatabaseSync,
  wanted: Readonly<Record<string, WantedTable>>,
  chain: readonly (() => Promise<OpenDump>)[],
): Promise<void> {
  for (const [table, { columns, later = [], key }] of Object.entries(wanted)) {
    database.exec(`DROP TABLE IF EXISTS ${table}`);
    database.exec(`CREATE TABLE ${table} (${[...columns, ...later].join()}, PRIMARY KEY (${key})) WITHOUT ROWID`);
  }
  for (const open of chain) {
    const dump = await open();
    for (const [table, { whole }] of Object.entries(wanted)) if (whole === true) database.exec(`DELETE FROM ${table}`);
    try {
      for await (const run of dump.runs()) await take(database, wanted[run.table.name], run);
    } finally {
      await dump.close();
    }
  }
}

async function take(database: DatabaseSync, wanted: WantedTable | undefined, { kind, table, tuples }: DumpRun): Promise<void> {
  if (wanted === undefined) {
    for await (const _ of tuples);
    return;
  }
  const { columns: first, later = [], key } = wanted;
  const columns = kind === 'rows' ? table.columns : table.columns.filter(({ name }) => table.key.includes(name));
  const types = (kind === 'rows' ? columns : table.key.map((name) => columns.find((column) => column.name === name)!)).map(
    ({ type }) => type,
  );
  const names = kind === 'rows' ? [...first, ...later] : key.split(', ');
  const from = kind === 'rows' ? columns.map(({ name }) => name) : table.key;
  const picked = names.map((name) => from.indexOf(name));
  if (picked.some((at, index) => at === -1 && !later.includes(names[index] ?? '')))
    throw new CloudStoreError('corrupt', `A dump lacks a column of ${table.name}.`);
  const statement = database.prepare(
    kind === 'rows'
      ? `INSERT OR REPLACE INTO ${table.name} VALUES (${names.map(() => '?').join()})`
      : `DELETE FROM ${table.name} WHERE ${names.map((name) => `${name} = ?`).join(' AND ')}`,
  );
  for await (const batch of tuples) {
    for (const tuple of eachTuple(batch)) {
      const fields = decodeTuple(tuple, types);
      statement.run(...picked.map((at) => inputOf(at === -1 ? null : (fields[at] ?? null))));
    }
  }
}

function inputOf(field: Field): SQLInputValue {
  return typeof field === 'boolean' ? Number(field) : field;
}

/** A view over SQLite's bytes, as a Buffer. */
export function bytesOf(value: unknown): Buffer | null {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : null;
}

export function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}
