/**
 * The WebDAV door against nginx (dav-ext) over loopback, load from other processes.
 *   node test/bench/webdav.ts [propfind get put large again sync move nextcloudcmd] [--entries=100000]
 * Prints one row a measurement: ours, theirs or the limit, ratio. Needs nginx with dav-ext, wrk, curl and nextcloudcmd.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { flag } from './common.ts';
import { cpuOf } from './cpu.ts';
import { curlSeconds, median, run, wrk } from './load.ts';
import { type Nginx, startNginx } from './nginx.ts';

const SIZES = [100, 1_000, 10_000];

interface Bench {
  gateway: TestGateway;
  nginx: Nginx;
  directory: string;
  authorization: string;
}

const measurements: Record<string, (bench: Bench) => Promise<void>> = {
  propfind,
  get,
  put,
  large,
  again,
  sync,
  move,
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

/** Depth 1 of a whole folder, allprop; the best of what a client sees, by turns. */
async function propfind({ gateway, nginx, directory, authorization }: Bench): Promise<void> {
  for (const size of SIZES) {
    const name = `folder-${size}`;
    mkdirSync(join(nginx.root, name));
    await curlSeconds(['-X', 'MKCOL', '-H', `Authorization: ${authorization}`, url(gateway, name)]);
    const targets = Array.from({ length: size }, (_, i) => `${new URL(url(gateway, name)).pathname}/file-${i}.txt`);
    for (const target of targets) writeFileSync(join(nginx.root, name, target.slice(target.lastIndexOf('/'))), 'x');
    const headers = { Authorization: authorization };
    const seconds = Math.max(2, size / 500);
    await wrk(new URL(gateway.webdavUrl).origin, targets, {
      directory,
      connections: 64,
      seconds,
      method: 'PUT',
      bodyBytes: 16,
      headers,
    });
    const args = ['-X', 'PROPFIND', '-H', 'Depth: 1', '-H', `Authorization: ${authorization}`];
    const listing = await run('curl', ['-sS', ...args, url(gateway, `${name}/`)]);
    const entries = listing.split('<D:response>').length - 2;
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < 11; round++) {
      ours.push(await curlSeconds([...args, url(gateway, `${name}/`)]));
      theirs.push(await curlSeconds([...args, `${nginx.dav}/${name}/`]));
    }
    const [a, b] = [median(ours), median(theirs)];
    console.log(
      `PROPFIND depth 1 of ${entries}: ${(a * 1e3).toFixed(1)} ms; nginx ${(b * 1e3).toFixed(1)} ms; time ratio ${(a / b).toFixed(2)}`,
    );
  }
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

/** One stream of 100 MiB and of 1 GiB each way. */
async function large({ gateway, nginx, directory, authorization }: Bench): Promise<void> {
  for (const mebibytes of [100, 1024]) {
    const path = join(directory, 'large');
    await run('sh', ['-c', `head -c ${mebibytes}M /dev/urandom > ${path}`]);
    const times: Record<string, number[]> = { putOurs: [], putTheirs: [], getOurs: [], getTheirs: [] };
    const login = ['-H', `Authorization: ${authorization}`];
    for (let round = 0; round < 5; round++) {
      times.putOurs?.push(await curlSeconds([...login, '-T', path, url(gateway, 'large')]));
      times.putTheirs?.push(await curlSeconds(['-T', path, `${nginx.dav}/large`]));
      times.getOurs?.push(await curlSeconds([...login, url(gateway, 'large')]));
      times.getTheirs?.push(await curlSeconds([`${nginx.best}/large`]));
    }
    const rate = (name: string): number => mebibytes / median(times[name] ?? []);
    for (const verb of ['PUT', 'GET']) {
      const [a, b] = [rate(`${verb.toLowerCase()}Ours`), rate(`${verb.toLowerCase()}Theirs`)];
      console.log(`${verb} ${mebibytes} MiB: ${a.toFixed(0)} MiB/s; nginx ${b.toFixed(0)} MiB/s; ratio ${(a / b).toFixed(2)}`);
    }
  }
}

/** A listing of 10,000 of which nothing changed. */
async function again({ gateway, nginx, directory, authorization }: Bench): Promise<void> {
  const name = 'unchanged';
  mkdirSync(join(nginx.root, name));
  for (let i = 0; i < 10_000; i++) writeFileSync(join(nginx.root, name, `file-${i}`), 'x');
  await fill({ gateway, directory, authorization }, name, 10_000);
  const args = ['-X', 'PROPFIND', '-H', 'Depth: 1', '-H', `Authorization: ${authorization}`];
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < 12; round++) {
    ours.push(await curlSeconds([...args, url(gateway, `${name}/`)]));
    theirs.push(await curlSeconds([...args, `${nginx.dav}/${name}/`]));
  }
  const [a, b] = [median(ours.slice(1)), median(theirs.slice(1))];
  console.log(
    `PROPFIND of 10,000 again: ${(a * 1e3).toFixed(1)} ms; nginx ${(b * 1e3).toFixed(1)} ms; time ratio ${(a / b).toFixed(2)}`,
  );
}

/** sync-collection after ten changes, in a small folder and in a large one. */
async function sync(bench: Bench): Promise<void> {
  const { gateway, authorization } = bench;
  const seconds: number[] = [];
  for (const size of [100, entries]) {
    const name = `sync-${size}`;
    await fill(bench, name, size);
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
      await run('curl', ['-sS', ...login, '-X', 'PUT', '--data-binary', 'changed', url(gateway, `${name}/file-${i}`)]);
    const told = (await run('curl', ['-sS', ...report(token)])).split('<D:response>').length - 1;
    if (told !== 10) throw new Error(`${told} members were told of, not 10`);
    const times: number[] = [];
    for (let round = 0; round < 21; round++) times.push(await curlSeconds(report(token)));
    seconds.push(median(times));
  }
  const [small = 0, great = 0] = seconds;
  console.log(
    `sync-collection of 10 changes: ${(great * 1e3).toFixed(1)} ms in ${entries}, ${(small * 1e3).toFixed(1)} ms in 100; ratio ${(great / small).toFixed(2)}`,
  );
}

/** A folder moved there and back; to be compared with the same rows renamed by one statement (test/bench/growth.ts has the database's side). */
async function move(bench: Bench): Promise<void> {
  await fill(bench, 'moved', entries);
  const login = ['-H', `Authorization: ${bench.authorization}`];
  const times: number[] = [];
  for (let round = 0; round < 4; round++) {
    const [from, to] = round % 2 === 0 ? ['moved', 'moved2'] : ['moved2', 'moved'];
    times.push(
      await curlSeconds([...login, '-X', 'MOVE', '-H', `Destination: ${url(bench.gateway, to)}`, url(bench.gateway, from)]),
    );
  }
  console.log(`MOVE of a folder of ${entries}: ${median(times).toFixed(2)} s`);
}

/** 2,000 files of 4 KiB up by Nextcloud's client: how much of the run's time is the gateway's own. */
async function nextcloudcmd({ gateway, directory }: Bench): Promise<void> {
  const folder = join(directory, 'nextcloud');
  mkdirSync(folder);
  for (let i = 0; i < 2_000; i++) writeFileSync(join(folder, `file ${i}`), Buffer.alloc(4096, String(i)));
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
    `nextcloudcmd, 2,000 files of 4 KiB: ${seconds.toFixed(1)} s, of which the gateway's own CPU ${own.toFixed(1)} s; ratio ${(own / seconds).toFixed(2)}`,
  );
}

async function fill({ gateway, directory, authorization }: Omit<Bench, 'nginx'>, name: string, size: number): Promise<void> {
  await curlSeconds(['-X', 'MKCOL', '-H', `Authorization: ${authorization}`, url(gateway, name)]);
  const { origin, pathname } = new URL(url(gateway, name));
  const targets = Array.from({ length: size }, (_, i) => `${pathname}/file-${i}`);
  const headers = { Authorization: authorization };
  await wrk(origin, targets, {
    directory,
    connections: 64,
    seconds: Math.max(2, size / 500),
    method: 'PUT',
    bodyBytes: 16,
    headers,
  });
}

function row(what: string, ours: { requestsPerSecond: number; errors: number }, theirs: { requestsPerSecond: number }): void {
  const [a, b] = [ours.requestsPerSecond, theirs.requestsPerSecond];
  console.log(`${what}: ${a.toFixed(0)}/s; nginx ${b.toFixed(0)}/s; ratio ${(a / b).toFixed(2)}; errors ${ours.errors}`);
}

function url(gateway: TestGateway, path: string): string {
  return `${gateway.webdavUrl}${gateway.bucket}/${path}`;
}
