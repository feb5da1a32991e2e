/**
 * Pages of 1,000 of a million keys, or of more: S3 through its door against the bare statement that reads the same rows, by turns, over
 * loopback and the same database socket, from one process that is neither of the two.
 *   node test/bench/listing.ts [flat nested] [--keys=1000000] [--rounds=60]
 * Ten million keys, of one of the two alone, take about 10 GB of disk and some minutes to be made.
 * It waits until the gateway rests after that, and goes through all pages in each round. Prints a row a page: the medians of ours and the statement's, their ratio (target: at most 1.5), that of the fastest, which a busy machine
 * disturbs less, ours to the statement's whose rows stay text, and the gateway's own CPU time for one page.
 */

import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { flag } from './common.ts';
import { cpuOf } from './cpu.ts';
import { fill, KEYS_PER_PREFIX, prefixOf } from './listing-rows.ts';
import { median } from './load.ts';

const ROUNDS = Number(flag('rounds') ?? 60);
/** Before each page, that both sides have compiled and planned. */
const WARM_ROUNDS = ROUNDS;
const PREFIXES = Math.max(3, Math.round(Number(flag('keys') ?? 1_000_000) / KEYS_PER_PREFIX));
/** Of many keys longer than from one snapshot to the next. */
const SETTLED_SECONDS = PREFIXES > 1000 ? 270 : 10;
const SETTLE_MS_MAX = 30 * 60_000;
const AGENT = new Agent({ keepAlive: true });

/** As a plain client would write it: the columns that S3 shows, rows as arrays, planned once. */
const RANGE = `SELECT s.key, s.size, s.etag, s.modified_ms, s.attributes FROM slots s
  WHERE s.bucket_id = $1 AND s.live AND s.key > $2 ORDER BY s.key LIMIT 1001`;
/** The best we know with common prefixes: the folders of the table `directories`, and one seek behind each for keys beside them. */
const FOLDERS = `SELECT g.path, s.* FROM (
    SELECT d.path, left(d.path, -1) || '0' AS start, lead(d.path, 1, 'zzz') OVER (ORDER BY d.path) AS ending FROM directories d
     WHERE d.bucket_id = $1 AND d.path > $2 AND strpos(d.path, '/') = length(d.path)) g
  LEFT JOIN LATERAL (SELECT s.key, s.size, s.etag, s.modified_ms, s.attributes FROM slots s
    WHERE s.bucket_id = $1 AND s.live AND s.key >= g.start AND s.key < g.ending ORDER BY s.key LIMIT 1001) s ON true
  ORDER BY g.path, s.key LIMIT 1001`;
/** Without that table: from each prefix to the next by a seek. Shows no keys beside the prefixes, so it is less than a page. */
const SKIP = `WITH RECURSIVE r(p) AS (
    (SELECT left(s.key, strpos(s.key, '/')) FROM slots s WHERE s.bucket_id = $1 AND s.live AND s.key > $2 ORDER BY s.key LIMIT 1)
    UNION ALL
    SELECT (SELECT left(s.key, strpos(s.key, '/')) FROM slots s WHERE s.bucket_id = $1 AND s.live AND s.key >= left(r.p, -1) || '0'
             ORDER BY s.key LIMIT 1) FROM r WHERE r.p IS NOT NULL)
  SELECT p FROM r WHERE p IS NOT NULL LIMIT 1001`;

const STATEMENTS = [RANGE, FOLDERS, SKIP];

interface Page {
  what: string;
  query: Record<string, string>;
  sql: string;
  after: string;
  entries: number;
  /** The same page each time, as the gateway keeps it; else one that it was never asked for. */
  again: boolean;
}

/** Times in ms. */
interface Measured {
  page: Page;
  ours: number[];
  theirs: number[];
  unparsed: number[];
  cpu: number;
}

/** With a page of entries behind it, exactly where it is the last. */
const MIDDLE = `${prefixOf(Math.floor(PREFIXES / 2), PREFIXES)}-f000.bin`;
const LAST = `${prefixOf(PREFIXES - 2, PREFIXES)}-f999.bin`;
const SHOWN = Math.min(1000, PREFIXES);
const HALF = Math.min(1000, Math.ceil(PREFIXES / 2));

const FLAT: Page[] = [
  ...['', MIDDLE, LAST].flatMap((after) => [
    page(`v2 after "${after}"`, { 'list-type': '2', 'start-after': after }, RANGE, after),
    page(`v1 after "${after}"`, { marker: after }, RANGE, after),
  ]),
  page(`versions after "${MIDDLE}"`, { versions: '', 'key-marker': MIDDLE }, RANGE, MIDDLE),
  { ...page(`v2 after "${MIDDLE}", asked for again`, { 'list-type': '2', 'start-after': MIDDLE }, RANGE, MIDDLE), again: true },
];
const NESTED: Page[] = [
  page(`v2, delimiter, ${SHOWN} prefixes`, { 'list-type': '2', delimiter: '/' }, FOLDERS, '', SHOWN),
  page(`v1, delimiter, ${SHOWN} prefixes`, { delimiter: '/' }, FOLDERS, '', SHOWN),
  page(`v2, delimiter, ${HALF} prefixes to the end`, behind(PREFIXES - HALF), FOLDERS, nameOf(PREFIXES - HALF - 1), HALF),
  page(`v2, delimiter, ${SHOWN} prefixes, against the skip scan`, { 'list-type': '2', delimiter: '/' }, SKIP, '', SHOWN),
  {
    ...page(`v2, delimiter, ${SHOWN} prefixes, asked for again`, { 'list-type': '2', delimiter: '/' }, FOLDERS, '', SHOWN),
    again: true,
  },
  page('v2, delimiter, in one prefix', { 'list-type': '2', delimiter: '/', prefix: nameOf(HALF) }, RANGE, nameOf(HALF)),
];

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const gateway = await startGateway();
const socket = { host: join(gateway.dataDir, 'postgres-socket'), port: 5432, user: 'cloudstore', database: 'cloudstore' };
const client = new pg.Client(socket);
/** Leaves every column as its text: what moving the rows alone costs. */
const textClient = new pg.Client({ ...socket, types: { getTypeParser: () => (text: string) => text } });
try {
  await client.connect();
  await textClient.connect();
  if (wanted.length === 0 || wanted.includes('flat')) await measureAll('flat', '-', FLAT);
  if (wanted.length === 0 || wanted.includes('nested')) await measureAll('nested', '/', NESTED);
} finally {
  AGENT.destroy();
  await client.end();
  await textClient.end();
  await gateway.stop();
}

async function measureAll(name: string, separator: '/' | '-', pages: Page[]): Promise<void> {
  const made = await fetch(s3Url(gateway, 'PUT', name, {}), { method: 'PUT' });
  if (!made.ok) throw new Error(await made.text());
  const found = await client.query<{ bucket_id: string }>('SELECT bucket_id FROM bucket_names WHERE scope = 0 AND name = $1', [
    name,
  ]);
  const bucket = Number(found.rows[0]?.bucket_id);
  const begun = performance.now();
  await fill(client, bucket, separator, PREFIXES);
  console.log(`${name}: ${PREFIXES * KEYS_PER_PREFIX} keys made in ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  await settled();
  const measured = pages.map((one): Measured => ({ page: one, ours: [], theirs: [], unparsed: [], cpu: 0 }));
  for (let round = 0; round < WARM_ROUNDS + ROUNDS; round++) for (const one of measured) await measure(name, bucket, one, round);
  for (const one of measured) report(name, one);
}

/** Until the gateway and its database rest: what came by SQL alone goes into a snapshot, and that of ten million takes minutes. */
async function settled(): Promise<void> {
  const begun = performance.now();
  await client.query('CHECKPOINT');
  for (let quiet = 0; quiet < SETTLED_SECONDS && performance.now() - begun < SETTLE_MS_MAX; ) {
    const before = cpuOf(gateway.pid);
    await sleep(1000);
    const after = cpuOf(gateway.pid);
    quiet = after.own + after.database - before.own - before.database < 0.1 ? quiet + 1 : 0;
  }
  console.log(`at rest after ${((performance.now() - begun) / 1000).toFixed(0)} s`);
}

/** One round: our page, the statement, and the statement whose rows stay text. */
async function measure(name: string, bucket: number, measured: Measured, round: number): Promise<void> {
  const { what, query, sql, after, entries, again } = measured.page;
  const used = cpuMs(gateway.pid);
  const url = s3Url(gateway, 'GET', name, again ? query : { ...query, ...justBehind(query, round) });
  const begun = performance.now();
  const body = await download(url);
  const answered = performance.now();
  const statement = { name: `bench-${STATEMENTS.indexOf(sql)}`, text: sql, values: [bucket, after], rowMode: 'array' as const };
  const { rows } = await client.query(statement);
  const read = performance.now();
  await textClient.query(statement);
  const moved = performance.now();
  const shown = body.match(/<(Contents|Version|CommonPrefixes)>/g)?.length ?? 0;
  if (shown !== entries || rows.length < entries) throw new Error(`${what}: ${shown} entries, ${rows.length} rows`);
  if (round < WARM_ROUNDS) return;
  measured.ours.push(answered - begun);
  measured.theirs.push(read - answered);
  measured.unparsed.push(moved - read);
  measured.cpu += cpuMs(gateway.pid) - used;
}

function report(name: string, { page: { what }, ours, theirs, unparsed, cpu }: Measured): void {
  const [a, b] = [median(ours), median(theirs)];
  const best = Math.min(...ours) / Math.min(...theirs);
  console.log(
    `${name}, ${what}: ${a.toFixed(1)} ms; SQL ${b.toFixed(1)} ms; time ratio ${(a / b).toFixed(2)}, of the fastest ${best.toFixed(2)}; to unparsed rows ${(a / median(unparsed)).toFixed(2)}; gateway's CPU ${(cpu / ROUNDS).toFixed(1)} ms`,
  );
}

function page(what: string, query: Record<string, string>, sql: string, after: string, entries = 1000): Page {
  return { what, query, sql, after, entries, again: false };
}

/** The same page under a name of its own: from behind the same key, and what no key begins with. */
function justBehind(query: Record<string, string>, round: number): Record<string, string> {
  const parameter = 'versions' in query ? 'key-marker' : query['list-type'] === '2' ? 'start-after' : 'marker';
  return { [parameter]: `${query[parameter] ?? query.prefix ?? ''}!${round}` };
}

function nameOf(index: number): string {
  return `${prefixOf(index, PREFIXES)}/`;
}

/** All prefixes from one on. */
function behind(index: number): Record<string, string> {
  return { 'list-type': '2', delimiter: '/', 'start-after': nameOf(index - 1) };
}

function download(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: AGENT }, (res) => {
      const pieces: Buffer[] = [];
      res.on('data', (piece: Buffer) => pieces.push(piece));
      res.once('error', reject);
      res.once('end', () => {
        const body = Buffer.concat(pieces).toString();
        if (res.statusCode === 200) resolve(body);
        else reject(new Error(`${res.statusCode} ${body}`));
      });
    }).once('error', reject);
  });
}

function s3Url(gateway: TestGateway, method: string, bucket: string, query: Record<string, string>): string {
  const url = new URL(`${gateway.s3Url.replace(/\/$/, '')}/${bucket}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return presign(method, url.href, gateway, new Date());
}

/** User and system time of a process so far, in units of a hundredth of a second (proc(5), stat, 14 and 15). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
