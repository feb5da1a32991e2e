/**
 * What grows with the number of objects: PUT, a look-up, a page, a step of collection and the start, at ten thousand objects and at many more.
 *   node test/bench/growth.ts [--objects=10000000] [--few=10000] [--seconds=5]
 * Beside the time, the CPU time of gateway and database and the blocks of the database that each costs are told: other work on the same cores shows in the first, hardly in
 * the second, and not at all in the third.
 * Rows are made by SQL, as many SDKs would have left them, each with a chunk of its own that lies in no pack: they are listed and looked up, not read. They go in in the
 * order of their keys, with the other indexes made afterwards: ten million take some minutes and 10 GB of disk.
 */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Dump, DumpPlan } from '#contracts/dump-store';
import type { Logger } from '#contracts/observability';
import type { Signals } from '#contracts/signals';
import { CloudStoreError } from '#core/errors';
import { createCollectionStore } from '#metadata/collection';
import { type Connection, openDatabase } from '#metadata/database';
import { HOLDS, seal } from '#metadata/dump/container';
import { createDumpStore } from '#metadata/dump/store';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { flag, target, url } from './common.ts';
import { cpuOf } from './cpu.ts';
import { median, type WrkResult, wrk } from './load.ts';

const FEW = Number(flag('few') ?? 10_000);
const MANY = Number(flag('objects') ?? 10_000_000);
const SECONDS = Number(flag('seconds') ?? 5);
const KEYS_PER_PREFIX = 1000;
const STEPS = 30;
const FILL_ROWS = 500_000;
/** Ids of chunks are random: as many at a time as sort in memory. */
const CHUNK_ROWS = 5_000_000;

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => quiet };

/** Of one: seconds on the wall, seconds of CPU, blocks of 8 KiB that were looked at. */
interface Cost {
  wall: number;
  cpu: number | null;
  blocks: number | null;
}
type Costs = Record<string, Cost>;

const directory = mkdtempSync(join(tmpdir(), 'cloudstore-growth-'));
const dataDir = join(directory, 'data');
try {
  const few = await measure(FEW, 0);
  const many = await measure(MANY, FEW);
  console.log(`At ${FEW} and ${MANY} objects (target: at most 1.5 times as much; the start not more):`);
  for (const [name, cost] of Object.entries(many)) {
    const before = few[name]!;
    const line = [`${ms(before.wall)}, ${ms(cost.wall)}; ratio ${(cost.wall / before.wall).toFixed(2)}`];
    if (cost.cpu !== null && before.cpu !== null)
      line.push(`CPU ${ms(before.cpu)}, ${ms(cost.cpu)}; ratio ${(cost.cpu / before.cpu).toFixed(2)}`);
    if (cost.blocks !== null && before.blocks !== null)
      line.push(
        `blocks ${before.blocks.toFixed(1)}, ${cost.blocks.toFixed(1)}; ratio ${(cost.blocks / before.blocks).toFixed(2)}`,
      );
    console.log(`  ${name}: ${line.join('; ')}`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function measure(count: number, there: number): Promise<Costs> {
  let gateway = await startGateway({ dataDir });
  const client = new pg.Client({ host: join(dataDir, 'postgres-socket'), user: 'cloudstore', database: 'cloudstore' });
  await client.connect();
  await fill(client, gateway.bucket, there, count);
  const steps = await otherWork();
  await client.end();
  await gateway.stop();
  const starts: number[] = [];
  for (let round = 0; round < 3; round++) {
    gateway = await startGateway({ dataDir });
    starts.push(gateway.readyAfterMs / 1e3);
    if (round < 2) await gateway.stop();
  }
  try {
    await jobsAtRest();
    return { ...(await requests(gateway, count)), ...steps, start: { wall: median(starts), cpu: null, blocks: null } };
  } finally {
    await gateway.stop();
  }
}

/** What one request costs, with 16 clients. */
async function requests(gateway: TestGateway, count: number): Promise<Costs> {
  const common = { directory, connections: 16, seconds: SECONDS };
  const spread = (n: number): number => Math.floor((n * 7_919_777) % count);
  let round = 0;
  const puts = () => {
    round++;
    return Array.from({ length: 40_000 }, (_, n) => target(url(gateway, 'PUT', `${keyOf(spread(n))}-new-${round}-${n}`)));
  };
  // As many at both sizes, from all over: what is asked for again and again is answered from memory, and how much of it there is at a time does not grow with the whole.
  const lookups = Array.from({ length: FEW }, (_, n) => `/dav/${gateway.bucket}/${keyOf(spread(n))}`);
  const Authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
  const pages = Array.from({ length: 200 }, (_, n) => {
    const query = { 'list-type': '2', 'start-after': keyOf(spread(n)) };
    return target(url(gateway, 'GET', '', query));
  });
  const costs: Costs = {};
  let seen = await blocksSeen();
  const measured = async (name: string, load: () => Promise<WrkResult>): Promise<void> => {
    const cold = await load();
    const before = cpuOf(gateway.pid);
    const { requestsPerSecond, requests, errors } = await load();
    const after = cpuOf(gateway.pid);
    if (cold.errors + errors > 0) console.log(`  errors: ${cold.errors + errors}`);
    const cpu = after.own + after.database - before.own - before.database;
    const until = await blocksSeen();
    costs[name] = { wall: 1 / requestsPerSecond, cpu: cpu / requests, blocks: (until - seen) / (cold.requests + requests) };
    seen = until;
  };
  await measured('PUT', () => wrk(gateway.s3Url, puts(), { ...common, method: 'PUT', bodyBytes: 1024 }));
  const asked = { ...common, method: 'PROPFIND', headers: { Authorization, Depth: '0' } };
  await measured('PROPFIND of one', () => wrk(gateway.webUrl, lookups, asked));
  await measured('page', () => wrk(gateway.s3Url, pages, { ...common, connections: 1, threads: 1 }));
  return costs;
}

/** All that were looked at in the database so far, in its memory or not. An idle backend tells its own after ten seconds. */
async function blocksSeen(afterMs = 11_000): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  return withClient(async (client) => {
    const { rows } = await client.query<{ seen: string }>(
      'SELECT blks_hit + blks_read AS seen FROM pg_stat_database WHERE datname = current_database()',
    );
    return Number(rows[0]!.seen);
  });
}

/** What is due after a start, such as a base of a snapshot, would be counted as the requests'. */
async function jobsAtRest(): Promise<void> {
  const running = () =>
    withClient(
      async (client) =>
        (await client.query('SELECT 1 FROM jobs WHERE holder IS NOT NULL AND name <> $1', ['notifications'])).rows.length,
    );
  for (let rests = 0; rests < 8; rests = (await running()) === 0 ? rests + 1 : 0)
    await new Promise((resolve) => setTimeout(resolve, 1_000));
}

async function withClient<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ host: join(dataDir, 'postgres-socket'), user: 'cloudstore', database: 'cloudstore' });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function ms(seconds: number): string {
  return `${(seconds * 1e3).toFixed(2)} ms`;
}

/** What one step costs of each kind that goes through all there is, and the base of a snapshot, whole. */
async function otherWork(): Promise<Costs> {
  const connection = {
    socketDirectory: join(dataDir, 'postgres-socket'),
    port: 5432,
    user: 'cloudstore',
    database: 'cloudstore',
  };
  const signals: Signals = { publish: async () => {}, subscribe: () => () => {} };
  const costs: Costs = {};
  type Store = ReturnType<typeof createCollectionStore>;
  const walk = async (name: string, step: (store: Store, after: string | null) => Promise<{ next: string | null }>) => {
    const database = openDatabase({ connection, poolSize: 1, log: quiet });
    const store = createCollectionStore({ database, signals });
    const times: number[] = [];
    const seen = await blocksSeen(0);
    for (let after: string | null = null; times.length < STEPS; ) {
      const begun = performance.now();
      ({ next: after } = await step(store, after));
      times.push((performance.now() - begun) / 1e3);
      if (after === null) break;
    }
    await database.close(); // its backend tells then what it has seen
    costs[name] = { wall: median(times), cpu: null, blocks: ((await blocksSeen(500)) - seen) / times.length };
  };
  await walk('gc step, references', (store, after) => store.references(after));
  await walk('gc step, chunks', (store, after) => store.chunks(after, Number.MAX_SAFE_INTEGER));
  await baseOfSnapshot(connection);
  return costs;
}

/** Grows with the number of objects, as it must; as long as it takes less than five minutes, no more than that is at stake (docs/adr/0013). */
async function baseOfSnapshot(connection: Connection): Promise<void> {
  const database = openDatabase({ connection, poolSize: 1, log: quiet });
  const dumps = createDumpStore({ database, clock: Date, random: randomBytes });
  const plan: DumpPlan = { kind: 'base', number: 1, keyCheck: '' };
  const begun = performance.now();
  let bytes = 0;
  const read = async (dump: Dump): Promise<never> => {
    const sealed = seal(dump.bytes, { masterKey: randomBytes(32), random: randomBytes, holds: HOLDS.dump });
    for await (const piece of sealed) bytes += piece.length;
    throw new CloudStoreError('unavailable', 'It was to be timed, and not to be kept.');
  };
  await dumps.take(() => plan, read).catch(() => undefined);
  await database.close();
  console.log(`  a base of a snapshot: ${((performance.now() - begun) / 1e3).toFixed(1)} s, ${(bytes / 2 ** 20).toFixed(0)} MiB`);
}

/** The objects number `from` to `to`. */
async function fill(client: pg.Client, name: string, from: number, to: number): Promise<void> {
  const { rows } = await client.query<{ id: number; domain: number; owner: number }>(
    'SELECT id, domain, owner FROM buckets WHERE name = $1',
    [name],
  );
  const { id: bucket, domain, owner } = rows[0]!;
  const began = performance.now();
  await client.query(
    `SET session_replication_role = replica; SET synchronous_commit = off; SET work_mem = '1GB'; SET maintenance_work_mem = '1GB'`,
  );
  await client.query(`ALTER SYSTEM SET max_wal_size = '8GB'`);
  await client.query('SELECT pg_reload_conf()');
  const indexes = await dropIndexes(client);
  const firsts: { at: number; end: number; first: string }[] = [];
  for (let at = from; at < to; at += FILL_ROWS) {
    const end = Math.min(to, at + FILL_ROWS) - 1;
    const key = `'d' || lpad((n / ${KEYS_PER_PREFIX})::text, 6, '0') || '/f' || lpad((n % ${KEYS_PER_PREFIX})::text, 3, '0') || '.bin'`;
    const first = (
      await client.query<{ first: string }>(
        `SELECT setval('object_ids', last_value + 4096 * (1 + ${2 * FILL_ROWS} / 4096)) - 4096 * (1 + ${2 * FILL_ROWS} / 4096) + 1 AS first FROM object_ids`,
      )
    ).rows[0]!.first;
    await client.query('BEGIN');
    await client.query(`
      INSERT INTO slots (id, bucket_id, key, live, version_id, visibility, delete_marker, node_id, size, etag, modified_ms, mtime_ms, created_ms, attributes)
      SELECT ${first} + n - ${at}, ${bucket}, ${key}, true, uuid_send(uuidv7()), 'null', false, ${first} + ${FILL_ROWS} + n - ${at}, 5000, md5(n::text),
             1767225600000 + n, 1767225600000 + n, 1767225600000 + n, '{"contentType": "application/octet-stream"}'
        FROM generate_series(${at}::bigint, ${end}) AS n`);
    await client.query(`
      INSERT INTO versions (id, slot_id, seq, node_id, visibility, delete_marker, size, etag, modified_ms, mtime_ms, created_ms, attributes, content)
      SELECT version_id, id, id, node_id, visibility, false, size, etag, modified_ms, mtime_ms, created_ms, attributes,
             '\\x0102'::bytea || int4send(${domain}) || int8send(5000) || sha256(int8send(id))
        FROM slots WHERE bucket_id = ${bucket} AND id BETWEEN ${first} AND ${first} + ${end - at}`);
    firsts.push({ at, end, first });
    await client.query(`
      INSERT INTO directories (bucket_id, path, explicit, revision, modified_ms, created_ms)
      SELECT ${bucket}, 'd' || lpad(n::text, 6, '0') || '/', false, 1, 1767225600000, 1767225600000
        FROM generate_series(${Math.floor(at / KEYS_PER_PREFIX)}, ${Math.floor(end / KEYS_PER_PREFIX)}) AS n ON CONFLICT DO NOTHING`);
    await client.query('COMMIT');
    if (to > FEW) console.log(`  ${end + 1} objects after ${Math.round((performance.now() - began) / 1e3)} s`);
  }
  const batches = Math.max(1, Math.floor(CHUNK_ROWS / FILL_ROWS));
  for (let n = 0; n < firsts.length; n += batches) {
    const values = firsts.slice(n, n + batches).map((one) => `(${one.at}::bigint, ${one.end}::bigint, ${one.first}::bigint)`);
    await client.query(`
      INSERT INTO chunks (domain, id, size, store, pack, pack_offset, length)
      SELECT ${domain}, sha256(int8send(f.first + n - f.at)), 5000, 0, decode(md5((n / 60000)::text), 'hex'), (n % 60000) * 5200 + 80, 5112
        FROM (VALUES ${values.join(', ')}) AS f(at, until, first), LATERAL generate_series(f.at, f.until) AS n ORDER BY 2`);
  }
  for (const definition of indexes) await client.query(definition);
  await client.query(`INSERT INTO packs (id, store, live_chunks, live_bytes) SELECT pack, 0, count(*), sum(length) FROM chunks GROUP BY pack
    ON CONFLICT (id) DO UPDATE SET live_chunks = excluded.live_chunks, live_bytes = excluded.live_bytes`);
  await client.query(
    `UPDATE space SET chunks = (SELECT count(*) FROM chunks), versions = (SELECT count(*) FROM versions) WHERE domain = ${domain} AND shard = 1`,
  );
  await client.query(`UPDATE bucket_heads SET revision = revision + 1, seq = seq + ${to - from}, floor_seq = seq + ${to - from}, objects = objects + ${to - from},
    bytes = bytes + ${5000 * (to - from)} WHERE bucket_id = ${bucket}`);
  await client.query(
    `INSERT INTO usage AS u (principal, bytes) VALUES (${owner}, ${5000 * (to - from)}) ON CONFLICT (principal) DO UPDATE SET bytes = u.bytes + excluded.bytes`,
  );
  await client.query('SET session_replication_role = origin');
  for (const table of ['slots', 'versions', 'chunks', 'directories']) await client.query(`VACUUM ANALYZE ${table}`);
  await client.query('CHECKPOINT');
}

/** Those that no constraint needs. Gives what makes them again. */
async function dropIndexes(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string; definition: string }>(
    `SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
      WHERE i.indrelid IN ('slots'::regclass, 'versions'::regclass, 'chunks'::regclass)
        AND NOT i.indisunique AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)`,
  );
  for (const { name } of rows) await client.query(`DROP INDEX ${name}`);
  return rows.map(({ definition }) => definition);
}

function keyOf(n: number): string {
  return `d${String(Math.floor(n / KEYS_PER_PREFIX)).padStart(6, '0')}/f${String(n % KEYS_PER_PREFIX).padStart(3, '0')}.bin`;
}
