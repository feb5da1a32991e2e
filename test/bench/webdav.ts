/**
 * The WebDAV door against nginx (dav-ext) over loopback, load from other processes.
 *   node test/bench/webdav.ts [propfind first get put large sync move locks cost nextcloudcmd] [--entries=100000] [--locks=10000] [--mib=100,1024] [--files=2000]
 * Prints one row a measurement: ours, theirs or the limit, ratio. Needs nginx with dav-ext, wrk, curl and nextcloudcmd. Folders are made as rows (webdav-rows.ts). `cost` is CPU a request, which
 * other work on the machine disturbs less than the clock.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { flag, writeRandomFile } from './common.ts';
import { cpuOf } from './cpu.ts';
import { curlSeconds, curlSecondsEach, median, run, wrk } from './load.ts';
import { type Nginx, startNginx } from './nginx.ts';
import { connect, fillFolder } from './webdav-rows.ts';

const SIZES = [100, 1_000, 10_000];

interface Bench {
  gateway: TestGateway;
  nginx: Nginx;
  directory: string;
  authorization: string;
}

const measurements: Record<string, (bench: Bench) => Promise<void>> = {
  propfind,
  first,
  get,
  put,
  large,
  sync,
  move,
  locks,
  cost,
  nextcloudcmd,
};

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const entries = Number(flag('entries') ?? 100_000);
const directory = mkdtempSync(join(tmpdir(), 'cloudstore-bench-webdav-'));
const nginx = await startNginx(directory);
const gateway = await startGateway();
const authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
try {
  for (const [name, measure] of Object.entries(measurements)) {
    if (wanted.length === 0 || wanted.includes(name)) await measure({ gateway, nginx, directory, authorization });
  }
} finally {
  await gateway.stop();
  await nginx.stop();
  rmSync(directory, { recursive: true, force: true });
}

/**
 * Depth 1 of a whole folder, allprop, by turns with nginx: the first call after a file in it was put, one of which nothing changed since the one before, and one that is
 * worded as none before and so is listed anew. Each on a connection of its own, and on one that is kept, as clients do.
 */
async function propfind({ gateway, nginx, authorization }: Bench): Promise<void> {
  const client = await connect(gateway);
  for (const size of SIZES) {
    const name = `folder-${size}`;
    mkdirSync(join(nginx.root, name));
    for (let i = 0; i < size; i++) writeFileSync(join(nginx.root, name, `file-${i}.txt`), 'x'.repeat(16));
    await fillFolder(client, gateway, name, size);
    const ours = url(gateway, `${name}/`);
    const login = ['-H', `Authorization: ${authorization}`];
    const asked = ['-X', 'PROPFIND', '-H', 'Depth: 1'];
    const list = [...asked, ...login, ours];
    const put = (text: string): string[] => [...login, '-X', 'PUT', '--data-binary', text, `${ours}file-0.txt`];
    const words = (text: string): string => `<propfind xmlns="DAV:"><allprop/><!-- ${text} --></propfind>`;
    const times: Record<string, number[]> = {};
    const add = (what: string, seconds = 0): void => void (times[what] ??= []).push(seconds);
    // A gateway that has just started runs its code for the first time: that is not what is measured here.
    for (let n = 0; n < Math.min(150, 150_000 / size); n++) {
      const headers = { authorization, depth: '1' };
      for (const body of [words(String(n)), null]) await (await fetch(ours, { method: 'PROPFIND', headers, body })).arrayBuffer();
      await fetch(`${ours}file-0.txt`, { method: 'PUT', headers: { authorization }, body: String(n) });
    }
    for (let round = 0; round < 21; round++) {
      await curlSeconds(put(String(round)));
      add('first', await curlSeconds(list));
      add('again', await curlSeconds(list));
      add('anew', await curlSeconds(['--data-binary', words(`own ${round}`), ...list]));
      add('nginx', await curlSeconds([...asked, `${nginx.dav}/${name}/`]));
      const kept = await curlSecondsEach([put(`kept ${round}`), list, list, ['--data-binary', words(`kept ${round}`), ...list]]);
      for (const [n, what] of ['first', 'again', 'anew'].entries()) add(`kept ${what}`, kept[n + 1]);
      const theirs = [...asked, `${nginx.dav}/${name}/`];
      add('kept nginx', (await curlSecondsEach([theirs, theirs]))[1]);
    }
    const found = (await run('curl', ['-sS', ...list])).split('<d:response>').length - 2;
    if (found !== size) throw new Error(`${found} entries were listed, not ${size}`);
    for (const how of ['', 'kept ']) {
      const at = (what: string): number => median(times[how + what] ?? []);
      const told = ['first', 'again', 'anew'].map((what) => {
        const ratio = (at(what) / at('nginx')).toFixed(2);
        return `${what} ${(at(what) * 1e3).toFixed(2)} ms (${ratio})`;
      });
      const where = how === '' ? 'each on a connection of its own' : 'on a kept connection';
      console.log(`PROPFIND depth 1 of ${size}, ${where}: ${told.join(', ')}; nginx ${(at('nginx') * 1e3).toFixed(2)} ms`);
    }
  }
  await client.end();
}

/** CPU of a listing of which nothing is remembered but the folder itself: each is worded otherwise, so none is of use to the next. By turns with nginx. */
async function first({ gateway, nginx, authorization }: Bench): Promise<void> {
  const client = await connect(gateway);
  for (const size of SIZES) {
    const name = `first-${size}`;
    mkdirSync(join(nginx.root, name));
    for (let i = 0; i < size; i++) writeFileSync(join(nginx.root, name, `file-${i}.txt`), 'x'.repeat(16));
    await fillFolder(client, gateway, name, size);
    const list = async (target: string, headers: Record<string, string>, words: string | null): Promise<void> => {
      const answer = await fetch(target, { method: 'PROPFIND', headers: { depth: '1', ...headers }, body: words });
      await answer.arrayBuffer();
      if (answer.status !== 207) throw new Error(`PROPFIND: ${answer.status}`);
    };
    const times = Math.max(5, Math.min(100, 20_000 / size));
    const spent: { own: number[]; database: number[]; theirs: number[] } = { own: [], database: [], theirs: [] };
    for (let round = 0; round < 5; round++) {
      const before = cpuOf(gateway.pid);
      for (let i = 0; i < times; i++) {
        const words = `<propfind xmlns="DAV:"><allprop/><!-- ${round} ${i} --></propfind>`;
        await list(url(gateway, `${name}/`), { authorization }, words);
      }
      const after = cpuOf(gateway.pid);
      const beforeTheirs = cpuOf(nginx.pid);
      for (let i = 0; i < times; i++) await list(`${nginx.dav}/${name}/`, {}, null);
      // The first round warms both.
      if (round === 0) continue;
      spent.own.push(((after.own - before.own) / times) * 1e3);
      spent.database.push(((after.database - before.database) / times) * 1e3);
      spent.theirs.push(((cpuOf(nginx.pid).own - beforeTheirs.own) / times) * 1e3);
    }
    const [own, database, theirs] = [median(spent.own), median(spent.database), median(spent.theirs)];
    console.log(
      `PROPFIND depth 1 of ${size}, first: ${own.toFixed(2)} ms of CPU and ${database.toFixed(2)} of the database; nginx ${theirs.toFixed(2)} ms`,
    );
  }
  await client.end();
}

async function get({ gateway, nginx, directory, authorization }: Bench): Promise<void> {
  writeFileSync(join(nginx.root, 'small'), 'x'.repeat(1024));
  await curlSeconds(['-T', join(nginx.root, 'small'), '-H', `Authorization: ${authorization}`, url(gateway, 'small')]);
  const load = { directory, connections: 16, seconds: 4 };
  const { origin, pathname } = new URL(url(gateway, 'small'));
  const ours = await wrk(origin, [pathname], { ...load, headers: { Authorization: authorization } });
  const theirs = await wrk(nginx.plain, ['/small'], load);
  row('GET 1 KiB, 16 clients', ours, theirs);
}

async function put({ gateway, nginx, directory, authorization }: Bench): Promise<void> {
  const targets = (prefix: string): string[] => Array.from({ length: 50_000 }, (_, i) => `${prefix}put-${i}`);
  const load = { directory, connections: 16, seconds: 4, method: 'PUT', bodyBytes: 1024 };
  const { origin, pathname } = new URL(url(gateway, ''));
  const ours = await wrk(origin, targets(pathname), { ...load, headers: { Authorization: authorization } });
  const theirs = await wrk(nginx.dav, targets('/'), load);
  row('PUT 1 KiB, 16 clients, ours durable', ours, theirs);
}

/** One stream each way, by default of 100 MiB and of 1 GiB. */
async function large({ gateway, nginx, directory, authorization }: Bench): Promise<void> {
  for (const mebibytes of (flag('mib') ?? '100,1024').split(',').map(Number)) {
    const path = join(directory, 'large');
    const times: Record<string, number[]> = { putOurs: [], putTheirs: [], getOurs: [], getTheirs: [] };
    const login = ['-H', `Authorization: ${authorization}`];
    for (let round = 0; round < 5; round++) {
      // Other bytes and another name each time: the same again would be found to be there, and nginx would have to free what lies in its place.
      const name = `large-${mebibytes}-${round}`;
      await writeRandomFile(path, mebibytes * 2 ** 20);
      times.putOurs?.push(await curlSeconds([...login, '-T', path, url(gateway, name)]));
      times.putTheirs?.push(await curlSeconds(['-T', path, `${nginx.dav}/${name}`]));
      // What we write goes past the page cache, and nginx's does not: the first read of each is not compared.
      for (const source of [[...login, url(gateway, name)], [`${nginx.best}/${name}`]]) await curlSeconds(source);
      times.getOurs?.push(await curlSeconds([...login, url(gateway, name)]));
      times.getTheirs?.push(await curlSeconds([`${nginx.best}/${name}`]));
      rmSync(join(nginx.root, name));
    }
    const rate = (name: string): number => mebibytes / median(times[name] ?? []);
    for (const verb of ['PUT', 'GET']) {
      const [a, b] = [rate(`${verb.toLowerCase()}Ours`), rate(`${verb.toLowerCase()}Theirs`)];
      console.log(`${verb} ${mebibytes} MiB: ${a.toFixed(0)} MiB/s; nginx ${b.toFixed(0)} MiB/s; ratio ${(a / b).toFixed(2)}`);
    }
  }
}

/** sync-collection after ten changes, in a small folder and in a large one. */
async function sync(bench: Bench): Promise<void> {
  const { gateway, authorization } = bench;
  const seconds: number[] = [];
  const client = await connect(gateway);
  for (const size of [100, entries]) {
    const name = `sync-${size}`;
    await fillFolder(client, gateway, name, size);
    const login = ['-H', `Authorization: ${authorization}`];
    const report = (token: string): string[] => [
      ...login,
      '-X',
      'REPORT',
      '-H',
      'Content-Type: application/xml',
      '--data-binary',
      `<sync-collection xmlns="DAV:"><sync-token>${token}</sync-token><sync-level>infinite</sync-level><prop><getetag/></prop></sync-collection>`,
      url(gateway, `${name}/`),
    ];
    const asked = '<propfind xmlns="DAV:"><prop><sync-token/></prop></propfind>';
    const found = await run('curl', [
      '-sS',
      ...login,
      '-X',
      'PROPFIND',
      '-H',
      'Depth: 0',
      '--data-binary',
      asked,
      url(gateway, `${name}/`),
    ]);
    const token = /sync-token>([^<]+)/.exec(found)?.[1] ?? '';
    for (let i = 0; i < 10; i++)
      await run('curl', ['-sS', ...login, '-X', 'PUT', '--data-binary', 'changed', url(gateway, `${name}/file-${i}.txt`)]);
    const told = (await run('curl', ['-sS', ...report(token)])).split('<d:response>').length - 1;
    if (told !== 10) throw new Error(`${told} members were told of, not 10`);
    const times: number[] = [];
    for (let round = 0; round < 21; round++) times.push(await curlSeconds(report(token)));
    seconds.push(median(times));
  }
  await client.end();
  const [small = 0, great = 0] = seconds;
  console.log(
    `sync-collection of 10 changes: ${(great * 1e3).toFixed(1)} ms in ${entries}, ${(small * 1e3).toFixed(1)} ms in 100; ratio ${(great / small).toFixed(2)}`,
  );
}

/** A folder moved there and back, against the bare statement that renames as many rows. */
async function move({ gateway, authorization }: Bench): Promise<void> {
  const client = await connect(gateway);
  await fillFolder(client, gateway, 'moved', entries);
  const login = ['-H', `Authorization: ${authorization}`];
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < 4; round++) {
    const [from, to] = round % 2 === 0 ? ['moved', 'moved2'] : ['moved2', 'moved'];
    ours.push(await curlSeconds([...login, '-X', 'MOVE', '-H', `Destination: ${url(gateway, to)}`, url(gateway, from)]));
    const begun = performance.now();
    await client.query('BEGIN');
    const { rowCount } = await client.query(
      `UPDATE slots SET key = 'bare/' || substr(key, ${to.length + 2}) WHERE bucket_id = (SELECT id FROM buckets WHERE name = $1) AND key >= '${to}/' AND key < '${to}0'`,
      [gateway.bucket],
    );
    // Carried out whole, and then as if it had not been.
    await client.query('ROLLBACK');
    if (rowCount !== entries) throw new Error(`${rowCount} rows were renamed, not ${entries}`);
    bare.push((performance.now() - begun) / 1e3);
    await client.query('VACUUM slots');
  }
  await client.end();
  const [a, b] = [median(ours), median(bare)];
  console.log(
    `MOVE of a folder of ${entries}: ${a.toFixed(2)} s; the bare update ${b.toFixed(2)} s; ratio ${(a / b).toFixed(2)}`,
  );
}

/** A lock on each file of a folder: whether the last thousand cost more than the first, and what a listing of all costs. */
async function locks({ gateway, authorization }: Bench): Promise<void> {
  const count = Number(flag('locks') ?? 10_000);
  const client = await connect(gateway);
  await fillFolder(client, gateway, 'locked', count);
  await client.end();
  const headers = { authorization, timeout: 'Second-3600' };
  const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
  const one = async (i: number): Promise<void> => {
    const answer = await fetch(url(gateway, `locked/file-${i}.txt`), { method: 'LOCK', headers, body });
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`LOCK ${i}: ${answer.status}`);
  };
  const costs: { seconds: number; cpu: number }[] = [];
  for (let from = 0; from < count; from += 1000) {
    const before = cpuOf(gateway.pid);
    const begun = performance.now();
    for (let at = from; at < from + 1000; at += 8) await Promise.all(Array.from({ length: 8 }, (_, n) => one(at + n)));
    const after = cpuOf(gateway.pid);
    const cpu = after.own + after.database - before.own - before.database;
    costs.push({ seconds: (performance.now() - begun) / 1e3, cpu });
  }
  const [first, last] = [costs[1], costs.at(-1)];
  const listed = await curlSeconds([
    '-X',
    'PROPFIND',
    '-H',
    'Depth: 1',
    '-H',
    `Authorization: ${authorization}`,
    url(gateway, 'locked/'),
  ]);
  console.log(
    `LOCK of each of ${count} files: ${first?.seconds.toFixed(2)} s and ${first?.cpu.toFixed(2)} s of CPU for the second thousand, ${last?.seconds.toFixed(2)} and ${last?.cpu.toFixed(2)} s for the last; CPU ratio ${((last?.cpu ?? 0) / (first?.cpu ?? 1)).toFixed(2)}; a listing of all ${(listed * 1e3).toFixed(0)} ms`,
  );
}

/** CPU of a request: the gateway's own and its database's, and nginx's. */
async function cost({ gateway, nginx, directory, authorization }: Bench): Promise<void> {
  const client = await connect(gateway);
  await fillFolder(client, gateway, 'cost', 100);
  await client.end();
  mkdirSync(join(nginx.root, 'cost'));
  for (let i = 0; i < 100; i++) writeFileSync(join(nginx.root, 'cost', `file-${i}.txt`), 'x'.repeat(16));
  writeFileSync(join(nginx.root, 'cost-small'), 'x'.repeat(1024));
  await curlSeconds(['-T', join(nginx.root, 'cost-small'), '-H', `Authorization: ${authorization}`, url(gateway, 'cost-small')]);
  const many = (prefix: string): string[] => Array.from({ length: 50_000 }, (_, i) => `${prefix}cost-put-${i}`);
  const { origin, pathname } = new URL(url(gateway, ''));
  const rows: [string, string[], string[], { method?: string; bodyBytes?: number; headers?: Record<string, string> }][] = [
    ['GET 1 KiB', [`${pathname}cost-small`], ['/cost-small'], {}],
    ['PROPFIND of one', [`${pathname}cost-small`], ['/cost-small'], { method: 'PROPFIND', headers: { Depth: '0' } }],
    ['PROPFIND of 100, unchanged', [`${pathname}cost/`], ['/cost/'], { method: 'PROPFIND', headers: { Depth: '1' } }],
    ['PUT 1 KiB', many(pathname), many('/'), { method: 'PUT', bodyBytes: 1024 }],
  ];
  for (const [what, ours, theirs, { headers = {}, ...rest }] of rows) {
    const load = { directory, connections: 16, ...rest };
    const login = { ...headers, Authorization: authorization };
    await wrk(origin, ours, { ...load, seconds: 2, headers: login });
    const before = cpuOf(gateway.pid);
    const own = await wrk(origin, ours, { ...load, seconds: 4, headers: login });
    const after = cpuOf(gateway.pid);
    const beforeTheirs = cpuOf(nginx.pid);
    const other = await wrk(nginx.dav, theirs, { ...load, seconds: 4, headers });
    const afterTheirs = cpuOf(nginx.pid);
    const each = (seconds: number, { requestsPerSecond }: { requestsPerSecond: number }): number =>
      (seconds / (requestsPerSecond * 4)) * 1e6;
    const [a, b, c] = [
      each(after.own - before.own, own),
      each(after.database - before.database, own),
      each(afterTheirs.own - beforeTheirs.own, other),
    ];
    console.log(
      `${what}: ${a.toFixed(0)} us of CPU and ${b.toFixed(0)} of the database; nginx ${c.toFixed(0)} us; ratio ${((a + b) / c).toFixed(2)}; errors ${own.errors}`,
    );
  }
}

/** Files of 4 KiB up by Nextcloud's client, by default 2,000: how much of the run's time is the gateway's own. */
async function nextcloudcmd({ gateway, directory }: Bench): Promise<void> {
  const folder = join(directory, 'nextcloud');
  mkdirSync(folder);
  const files = Number(flag('files') ?? 2_000);
  for (let i = 0; i < files; i++) writeFileSync(join(folder, `file ${i}`), Buffer.alloc(4096, String(i)));
  const before = cpuOf(gateway.pid);
  const begun = performance.now();
  await run('nextcloudcmd', [
    '--non-interactive',
    '-u',
    gateway.user,
    '-p',
    gateway.password,
    folder,
    new URL(gateway.webdavUrl).origin,
  ]);
  const seconds = (performance.now() - begun) / 1000;
  const own = cpuOf(gateway.pid).own - before.own;
  console.log(
    `nextcloudcmd, ${files} files of 4 KiB: ${seconds.toFixed(1)} s, of which the gateway's own CPU ${own.toFixed(1)} s; ratio ${(own / seconds).toFixed(2)}`,
  );
}

function row(what: string, ours: { requestsPerSecond: number; errors: number }, theirs: { requestsPerSecond: number }): void {
  const [a, b] = [ours.requestsPerSecond, theirs.requestsPerSecond];
  console.log(`${what}: ${a.toFixed(0)}/s; nginx ${b.toFixed(0)}/s; ratio ${(a / b).toFixed(2)}; errors ${ours.errors}`);
}

function url(gateway: TestGateway, path: string): string {
  return `${gateway.webdavUrl}${gateway.bucket}/${path}`;
}
