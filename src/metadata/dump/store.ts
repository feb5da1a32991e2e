import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { ChainState, DumpPlan, DumpStore, DumpTip } from '#contracts/dump-store';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { type Database, translate } from '../database.ts';
import { type DumpHead, encodeEnd, encodeHead, encodeKeys, encodeRows, encodeTable } from './blocks.ts';
import { type Column, readColumns, readSchema, readSequences } from './catalog.ts';
import { copyOut } from './copy.ts';
import { CHANGED_PREFIX, DUMPED, type DumpedTable, JOURNAL_MS, TIP_SETTING } from './tables.ts';
import { eachTuple } from './tuples.ts';

/** One dump at a time in the whole database. */
const ADVISORY_LOCK = 7_261_504_312;
const BEGIN =
  'BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0';
/** What a scan of whole tables wants. Changes are looked up row by row, for which the connection is set already. */
const SCANS = 'SET LOCAL enable_seqscan = on; SET LOCAL enable_bitmapscan = on';

interface StoredTip extends DumpTip {
  /** Of the tables that go whole into every dump. */
  digest: string;
  schema: string[];
}

/** The contract is DumpStore. */
export function createDumpStore({ database, clock, random }: { database: Database; clock: Clock; random: Random }): DumpStore {
  async function tip(): Promise<StoredTip | null> {
    const rows = await database.read<[string]>(TIP, [TIP_SETTING]);
    return rows[0] ? JSON.parse(rows[0][0]) : null;
  }

  return {
    async tip() {
      const stored = await tip();
      if (stored === null) return null;
      const { digest: _, schema: __, ...rest } = stored;
      return rest;
    },
    async take(plan, write) {
      const client = database.dedicated();
      client.on('error', () => undefined); // shows as the failing statement
      try {
        await client.connect();
        await client.query(`SELECT pg_advisory_lock(${ADVISORY_LOCK})`);
        await client.query(BEGIN);
        const done = await takeIn({ client, clock, random }, plan, write);
        await client.query('COMMIT');
        return done;
      } catch (error) {
        throw error instanceof CloudStoreError ? error : translate(error);
      } finally {
        // Ends the lock, and a COPY that was not read to its end.
        await client.end().catch(() => undefined);
      }
    },
  };
}

const TIP = { name: 'dump-tip', text: 'SELECT value FROM settings WHERE name = $1' };

interface Taking {
  client: pg.Client;
  clock: Clock;
  random: Random;
}

async function takeIn(
  taking: Taking,
  plan: Parameters<DumpStore['take']>[0],
  write: Parameters<DumpStore['take']>[1],
): Promise<DumpTip | null> {
  const { client, clock, random } = taking;
  const columns = await readColumns(client);
  const schema = await readSchema(client);
  const last = await readTip(client);
  // A migration may have changed rows in ways that no trigger saw.
  const tip = last !== null && last.schema.join() === schema.join() ? last : null;
  const digest = await digestOfWhole(client, columns);
  const state: ChainState = { tip, changed: tip === null || tip.digest !== digest || (await anyChanged(client)) };
  const wanted = plan(state);
  if (wanted === null) return null;
  if (wanted.kind === 'changes' && tip === null) {
    throw new CloudStoreError('internal', 'A dump of changes has nothing to go on from.');
  }
  if (wanted.kind === 'base') await client.query(SCANS);
  const head: DumpHead = {
    format: 1,
    kind: wanted.kind,
    id: random(16).toString('hex'),
    parent: wanted.kind === 'changes' ? (tip?.id ?? null) : null,
    number: wanted.number,
    takenMs: clock.now(),
    schema,
    postgres: String((await client.query({ text: 'SHOW server_version', rowMode: 'array' })).rows[0]?.[0]),
  };
  const { id, parent, number, takenMs } = head;
  const { bytes } = await write({ id, parent, number, takenMs, bytes: blocksOf(taking, head, columns) });
  const next = goOn(head, wanted, tip, bytes);
  await markCarried(client, { ...next, digest, schema });
  return next;
}

function goOn({ id, number, takenMs, kind }: DumpHead, { keyCheck }: DumpPlan, tip: DumpTip | null, bytes: number): DumpTip {
  const common = { id, number, takenMs, keyCheck };
  if (kind === 'base' || tip === null) return { ...common, base: id, length: 1, baseBytes: bytes, changesBytes: 0 };
  const { base, length, baseBytes, changesBytes } = tip;
  return { ...common, base, length: length + 1, baseBytes, changesBytes: changesBytes + bytes };
}

async function* blocksOf(
  { client, clock }: Taking,
  head: DumpHead,
  columns: ReadonlyMap<string, Column[]>,
): AsyncGenerator<Buffer> {
  yield encodeHead(head);
  const rows: Record<string, number> = {};
  const keys: Record<string, number> = {};
  for (const [name, table] of Object.entries(DUMPED)) {
    const own = columns.get(name) ?? [];
    const key = table.how === 'changes' ? [...table.key] : [];
    yield encodeTable({ name, carries: carries(table, head.kind), columns: own, key });
    if (table.how === 'changes' && head.kind === 'changes') {
      keys[name] = 0;
      for await (const tuples of copyOut(client, `SELECT DISTINCT ${key.join()} FROM ${CHANGED_PREFIX}${name}`)) {
        keys[name] += count(tuples);
        yield encodeKeys(tuples);
      }
    }
    rows[name] = 0;
    for await (const tuples of copyOut(client, rowsQuery(name, table, head.kind, own, clock.now()))) {
      rows[name] += count(tuples);
      yield encodeRows(tuples);
    }
  }
  yield encodeEnd({ rows, keys, sequences: await readSequences(client, columns) });
}

function carries(table: DumpedTable, kind: 'base' | 'changes') {
  if (table.how === 'whole') return 'all';
  if (kind === 'base') return 'rows';
  return table.how === 'changes' ? 'changes' : 'more';
}

function rowsQuery(name: string, table: DumpedTable, kind: 'base' | 'changes', columns: Column[], now: number): string {
  const list = columns.map((column) => `t.${column.name}`).join();
  if (table.how === 'whole')
    return `SELECT ${list} FROM ${name} t${name === 'settings' ? ` WHERE t.name <> '${TIP_SETTING}'` : ''}`;
  if (table.how === 'journal') {
    const since = kind === 'base' ? `t.at_ms > ${now - JOURNAL_MS}` : 't.seq > coalesce(d.seq, 0)';
    const heads = 'bucket_heads h LEFT JOIN dump_heads d ON d.bucket_id = h.bucket_id';
    if (kind === 'base') return `SELECT ${list} FROM ${name} t WHERE ${since}`;
    return `SELECT ${list} FROM ${heads} JOIN ${name} t ON t.bucket_id = h.bucket_id AND ${since} WHERE h.seq > coalesce(d.seq, 0)`;
  }
  if (kind === 'base') return `SELECT ${list} FROM ${name} t`;
  const key = table.key.join();
  return `SELECT ${list} FROM (SELECT DISTINCT ${key} FROM ${CHANGED_PREFIX}${name}) c JOIN ${name} t USING (${key})`;
}

async function readTip(client: pg.Client): Promise<StoredTip | null> {
  const { rows } = await client.query({
    text: 'SELECT value::text FROM settings WHERE name = $1',
    values: [TIP_SETTING],
    rowMode: 'array',
  });
  return rows[0] ? JSON.parse(String(rows[0][0])) : null;
}

/** Of the tables that no trigger watches: small, and read anyway when there is something to dump. */
async function digestOfWhole(client: pg.Client, columns: ReadonlyMap<string, Column[]>): Promise<string> {
  const hash = createHash('sha256');
  for (const [name, table] of Object.entries(DUMPED)) {
    if (table.how !== 'whole') continue;
    hash.update(`${name}\n`);
    for await (const tuples of copyOut(client, rowsQuery(name, table, 'base', columns.get(name) ?? [], 0))) hash.update(tuples);
  }
  return hash.digest('hex');
}

async function anyChanged(client: pg.Client): Promise<boolean> {
  const watched = Object.entries(DUMPED).filter(([, { how }]) => how === 'changes');
  const any = watched.map(([name]) => `EXISTS (SELECT 1 FROM ${CHANGED_PREFIX}${name})`).join(' OR ');
  const { rows } = await client.query({ text: `SELECT ${any}`, rowMode: 'array' });
  return rows[0]?.[0] === true;
}

/** In the dump's own transaction: what its snapshot saw, and nothing that came since. */
async function markCarried(client: pg.Client, tip: StoredTip): Promise<void> {
  for (const [name, { how }] of Object.entries(DUMPED)) {
    if (how === 'changes') await client.query(`DELETE FROM ${CHANGED_PREFIX}${name}`);
  }
  await client.query(`DELETE FROM dump_heads d WHERE NOT EXISTS (SELECT 1 FROM bucket_heads h WHERE h.bucket_id = d.bucket_id)`);
  await client.query(
    `INSERT INTO dump_heads AS d (bucket_id, seq) SELECT bucket_id, seq FROM bucket_heads
     ON CONFLICT (bucket_id) DO UPDATE SET seq = excluded.seq WHERE d.seq <> excluded.seq`,
  );
  await client.query(
    'INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    [TIP_SETTING, JSON.stringify(tip)],
  );
}

function count(tuples: Buffer): number {
  let total = 0;
  for (const _ of eachTuple(tuples)) total++;
  return total;
}
