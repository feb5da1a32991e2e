import type pg from 'pg';
import type { Logger } from '#contracts/observability';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { type Connection, openDatabase, translate } from '../database.ts';
import { migrate } from '../migrate.ts';
import { MIGRATIONS } from '../migrations.ts';
import { beginNewTime } from '../new-time.ts';
import type { DumpHead, DumpTable } from './blocks.ts';
import { copyIn } from './copy.ts';
import type { DumpRun, OpenDump } from './read.ts';
import { CHANGED_PREFIX, DUMPED, TIP_SETTING } from './tables.ts';

export interface RestoreOptions {
  /** An empty database. */
  connection: Connection;
  /** A base, then the dumps of changes that go on from it, oldest first. Each is opened when its turn comes. */
  chain: readonly (() => Promise<OpenDump>)[];
  clock: Clock;
  log: Logger;
}

export interface Restored {
  head: DumpHead;
  /** Rows of each table. */
  rows: Record<string, number>;
}

/**
 * Brings a dump back into an empty database of any major version, then up to this version's schema. All or nothing but for empty tables.
 * @throws conflict when the database is not empty, corrupt for a dump that is not whole, invalid_argument for one of a newer CloudStore
 */
export async function restoreDump({ connection, chain, clock, log }: RestoreOptions): Promise<Restored> {
  const database = openDatabase({ connection, poolSize: 2, log });
  const client = database.dedicated();
  client.on('error', () => undefined); // shows as the failing statement
  try {
    await client.connect();
    await assertEmpty(client);
    const tip = await headOf(chain.at(-1));
    await migrate(database, connection, knownMigrations(tip));
    await client.query('BEGIN');
    await client.query('SET LOCAL enable_hashjoin = on; SET LOCAL enable_seqscan = on; SET LOCAL statement_timeout = 0');
    await assertEmpty(client);
    const tables = await existing(client);
    const constraints = await loosen(client, tables);
    const sequences = await applyChain(client, chain, tip);
    await beginAnew(client, tables, sequences, clock.now());
    await fasten(client, constraints, tables);
    await nameAnew(client);
    const rows = await countRows(client, tables);
    await client.query('COMMIT');
    await migrate(database, connection);
    await client.query('ANALYZE');
    return { head: tip, rows };
  } catch (error) {
    throw error instanceof CloudStoreError ? error : translate(error);
  } finally {
    await client.end().catch(() => undefined);
    await database.close();
  }
}

async function headOf(open: (() => Promise<OpenDump>) | undefined): Promise<DumpHead> {
  if (open === undefined) throw new CloudStoreError('internal', 'There is no dump to restore.');
  const dump = await open();
  await dump.close();
  return dump.head;
}

function knownMigrations({ schema }: DumpHead): readonly string[] {
  const unknown = schema.find((name) => MIGRATIONS.every((one) => one.name !== name));
  if (unknown === undefined) return schema;
  throw new CloudStoreError(
    'invalid_argument',
    `The dump was made by a newer CloudStore (schema ${unknown}); restore it with that one.`,
  );
}

async function assertEmpty(client: pg.Client): Promise<void> {
  const { rows } = await client.query({ text: `SELECT to_regclass('settings')::text`, rowMode: 'array' });
  if (rows[0]?.[0] === null) return;
  const some = await client.query({
    text: 'SELECT EXISTS (SELECT 1 FROM settings) OR EXISTS (SELECT 1 FROM principals) OR EXISTS (SELECT 1 FROM versions)',
    rowMode: 'array',
  });
  if (some.rows[0]?.[0] === true)
    throw new CloudStoreError('conflict', 'The database is not empty: it holds another CloudStore.');
}

/** Of the tables that this version dumps, those that the dump's schema has. */
async function existing(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<[string]>({
    text: 'SELECT x.t FROM unnest($1::text[]) AS x(t) WHERE to_regclass(x.t) IS NOT NULL',
    values: [Object.keys(DUMPED)],
    rowMode: 'array',
  });
  return rows.map(([name]) => name);
}

interface Constraint {
  table: string;
  name: string;
  definition: string;
}

/** Rows come table by table: nothing may look at another table meanwhile, or write down what changes. */
async function loosen(client: pg.Client, tables: readonly string[]): Promise<Constraint[]> {
  const { rows } = await client.query<[string, string, string]>({
    text: `SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
            WHERE contype = 'f' AND conrelid = ANY($1::text[]::regclass[]) ORDER BY 1, 2`,
    values: [tables],
    rowMode: 'array',
  });
  const constraints = rows.map(([table, name, definition]) => ({ table, name, definition }));
  for (const { table, name } of constraints) await client.query(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`);
  for (const table of tables) await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
  return constraints;
}

async function fasten(client: pg.Client, constraints: Constraint[], tables: readonly string[]): Promise<void> {
  for (const table of tables) await client.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
  for (const { table, name, definition } of constraints) {
    await client.query(`ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`);
  }
}

/** Search goes by words that no dump carries, and that triggers see to otherwise. An older schema has none yet. */
async function nameAnew(client: pg.Client): Promise<void> {
  const { rows } = await client.query({ text: `SELECT to_regproc('cs_name_all')::text`, rowMode: 'array' });
  if (rows[0]?.[0] !== null) await client.query('SELECT cs_name_all()');
}

/** Gives the sequences of the last dump. */
async function applyChain(client: pg.Client, chain: RestoreOptions['chain'], tip: DumpHead): Promise<Record<string, number>> {
  let sequences: Record<string, number> = {};
  let parent: string | null = null;
  for (const open of chain) {
    const dump = await open();
    try {
      if (dump.head.parent !== parent || dump.head.schema.join() !== tip.schema.join()) {
        throw new CloudStoreError('corrupt', 'The dumps do not go on from each other.');
      }
      const last = dump.head.id === tip.id;
      for await (const run of dump.runs()) await apply(client, run, last);
      sequences = dump.end().sequences;
      parent = dump.head.id;
    } finally {
      await dump.close();
    }
  }
  return sequences;
}

async function apply(client: pg.Client, { kind, table, tuples }: DumpRun, last: boolean): Promise<void> {
  if (DUMPED[table.name] === undefined || (table.carries === 'all' && !last)) {
    for await (const _ of tuples); // a later dump has it, or this version has no such table any more
    return;
  }
  if (kind === 'rows') await copyIn(client, `${table.name} (${table.columns.map(({ name }) => name).join()})`, tuples);
  else await drop(client, table, tuples);
}

async function drop(client: pg.Client, { name, key }: DumpTable, tuples: AsyncIterable<Buffer>): Promise<void> {
  const list = key.join();
  await client.query(`CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT ${list} FROM ${name} WITH NO DATA`);
  await copyIn(client, `gone (${list})`, tuples);
  await client.query('ANALYZE gone');
  await client.query(`DELETE FROM ${name} t USING gone g WHERE ${key.map((one) => `t.${one} = g.${one}`).join(' AND ')}`);
  await client.query('DROP TABLE gone');
}

/** What must not be taken for the time after the dump, which is gone: see docs/adr/0013. */
async function beginAnew(
  client: pg.Client,
  tables: readonly string[],
  sequences: Record<string, number>,
  now: number,
): Promise<void> {
  await client.query('DELETE FROM journal j WHERE NOT EXISTS (SELECT 1 FROM buckets b WHERE b.id = j.bucket_id)');
  await beginNewTime((text, values) => client.query(text, values), sequences, now);
  // What was on its way went through gateways that are not of this database.
  if (tables.includes('link_rooms')) await client.query('UPDATE link_rooms SET gateway = -gateway');
  await client.query('UPDATE chunks SET condemned_ms = NULL WHERE condemned_ms IS NOT NULL');
  await client.query('UPDATE leaves SET condemned_ms = NULL WHERE condemned_ms IS NOT NULL');
  await client.query('DELETE FROM settings WHERE name = $1', [TIP_SETTING]);
  for (const name of tables) {
    if (DUMPED[name]?.how === 'changes') await client.query(`DELETE FROM ${CHANGED_PREFIX}${name}`);
  }
}

async function countRows(client: pg.Client, tables: readonly string[]): Promise<Record<string, number>> {
  const out: Record<string, number> = {};
  for (const name of tables) {
    const { rows } = await client.query({ text: `SELECT count(*)::text FROM ${name}`, rowMode: 'array' });
    out[name] = Number(rows[0]?.[0]);
  }
  return out;
}
