/**
 * The gateway against nginx and the machine's limits, over loopback, load from other processes.
 *   node test/bench/gateway.ts [get-large put-large put-small get-small propfind memory] [--stream-mib=1024]
 * Prints one row a measurement: ours, theirs, ratio, target. Needs nginx with dav-ext, wrk and curl.
 */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { flag, rss, target, url, writeRandomFile } from './common.ts';
import { curlSeconds, md5BytesPerSecond, median, run, wrk } from './load.ts';
import { type Nginx, startNginx } from './nginx.ts';

const GIB = 2 ** 30;
const ROUNDS = 3;
const STREAM_BYTES = Number(flag('stream-mib') ?? 1024) * 2 ** 20;

interface Bench {
  gateway: TestGateway;
  nginx: Nginx;
  directory: string;
  big: string;
}

const measurements: Record<string, (bench: Bench) => Promise<void>> = {
  'get-large': getLarge,
  'put-large': putLarge,
  'put-small': putSmall,
  'get-small': getSmall,
  propfind,
  memory,
};

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const directory = mkdtempSync(join(tmpdir(), 'cloudstore-bench-'));
const nginx = await startNginx(directory);
const gateway = await startGateway();
try {
  const big = join(nginx.root, 'big');
  if (wanted.length === 0 || wanted.some((name) => name.endsWith('-large'))) await writeRandomFile(big, GIB);
  const bench: Bench = { gateway, nginx, directory, big };
  for (const [name, measure] of Object.entries(measurements)) {
    if (wanted.length === 0 || wanted.includes(name)) await measure(bench);
  }
} finally {
  await gateway.stop();
  await nginx.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function getLarge({ gateway, nginx, big }: Bench): Promise<void> {
  await curlSeconds(['-T', big, url(gateway, 'PUT', 'big')]);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await curlSeconds([url(gateway, 'GET', 'big')]));
    theirs.push(await curlSeconds([`${nginx.best}/big`]));
  }
  row('GET 1 GiB, one stream, encrypted', rate(median(ours)), rate(median(theirs)), 'nginx at its best', 0.6);
}

async function putLarge({ gateway, big, nginx }: Bench): Promise<void> {
  const ours: number[] = [];
  const limits: number[] = [];
  const before = rss(gateway.pid);
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, rss(gateway.pid))), 20);
  for (let round = 0; round < ROUNDS; round++) {
    limits.push(await md5BytesPerSecond());
    await writeRandomFile(big, GIB); // new bytes: a second copy of the same would only measure deduplication
    ours.push(await curlSeconds(['-T', big, url(gateway, 'PUT', `put-${round}`)]));
  }
  clearInterval(watch);
  row(
    'PUT 1 GiB, one stream, durable, MD5',
    rate(median(ours)),
    `${(median(limits) / 1e6).toFixed(0)} MB/s`,
    "one core's MD5",
    0.45,
  );
  const dav = await curlSeconds(['-T', big, `${nginx.dav}/put-big`]);
  console.log(
    `  (nginx dav PUT, not durable: ${rate(dav)}); gateway RSS grew by ${((peak - before) / 2 ** 20).toFixed(0)} MiB (target < 64)`,
  );
}

async function putSmall({ gateway, nginx, directory }: Bench): Promise<void> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const targets = Array.from({ length: 60_000 }, (_, i) => target(url(gateway, 'PUT', `small/${round}/${i}`)));
    const a = await wrk(gateway.s3Url, targets, { directory, connections: 64, seconds: 5, method: 'PUT', bodyBytes: 1024 });
    mkdirSync(join(nginx.root, `small-${round}`));
    const names = Array.from({ length: 60_000 }, (_, i) => `/small-${round}/${i}`);
    const b = await wrk(nginx.dav, names, { directory, connections: 64, seconds: 5, method: 'PUT', bodyBytes: 1024 });
    if (a.errors + b.errors > 0) console.log(`  errors: ours ${a.errors}, nginx ${b.errors}`);
    ours.push(a.requestsPerSecond);
    theirs.push(b.requestsPerSecond);
  }
  rowPerSecond('PUT 1 KiB, 64 clients, durable', median(ours), median(theirs), 'nginx dav PUT, not durable', 2);
}

async function getSmall({ gateway, nginx, directory }: Bench): Promise<void> {
  const body = randomBytes(1024);
  const file = join(directory, 'one-kib');
  writeFileSync(file, body);
  writeFileSync(join(nginx.root, 'one-kib'), body);
  for (let i = 0; i < 200; i++) await curlSeconds(['-T', file, url(gateway, 'PUT', `hot/${i}`)]);
  const targets = Array.from({ length: 2000 }, (_, i) => target(url(gateway, 'GET', `hot/${i % 200}`)));
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push((await wrk(gateway.s3Url, targets, { directory, connections: 64, seconds: 5 })).requestsPerSecond);
    theirs.push((await wrk(nginx.plain, ['/one-kib'], { directory, connections: 64, seconds: 5 })).requestsPerSecond);
  }
  rowPerSecond('GET 1 KiB, authenticated, 64 clients, one process', median(ours), median(theirs), "nginx's static file", 0.25);
}

async function propfind({ gateway, nginx, directory }: Bench): Promise<void> {
  const count = 10_000;
  mkdirSync(join(nginx.root, 'folder'));
  for (let i = 0; i < count; i++) writeFileSync(join(nginx.root, 'folder', `file-${i}.txt`), 'x');
  const targets = Array.from({ length: count }, (_, i) => target(url(gateway, 'PUT', `folder/file-${i}.txt`)));
  const args = ['-X', 'PROPFIND', '-H', 'Depth: 1'];
  const auth = ['-u', `${gateway.user}:${gateway.password}`];
  const folder = `${gateway.webdavUrl}${gateway.bucket}/folder/`;
  for (let entries = 0, seconds = 8; entries < count; seconds *= 2) {
    await wrk(gateway.s3Url, targets, { directory, connections: 16, seconds, method: 'PUT', bodyBytes: 16 });
    entries = (await run('curl', ['-sS', ...args, ...auth, folder])).split('<d:response>').length - 2;
  }
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = -10; round < 21; round++) {
    const a = await curlSeconds([...args, ...auth, folder]);
    const b = await curlSeconds([...args, `${nginx.dav}/folder/`]);
    if (round < 0) continue; // compiling
    ours.push(a);
    theirs.push(b);
  }
  const [a, b] = [median(ours), median(theirs)];
  console.log(
    `PROPFIND depth 1 of ${count}: ${(a * 1e3).toFixed(0)} ms; nginx ${(b * 1e3).toFixed(0)} ms; ratio ${(a / b).toFixed(2)}, of the fastest ${(Math.min(...ours) / Math.min(...theirs)).toFixed(2)} (target <= 2)`,
  );
}

/** 16 clients in, each its own bytes, and 16 out, four to an object, all at once. */
async function memory({ gateway }: Bench): Promise<void> {
  for (let i = 0; i < 4; i++) await put(gateway, `memory/out-${i}`, i + 100);
  const before = rss(gateway.pid);
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, rss(gateway.pid))), 20);
  const jobs: Promise<unknown>[] = [];
  for (let i = 0; i < 16; i++) {
    jobs.push(put(gateway, `memory/in-${i}`, i));
    jobs.push(curlSeconds([url(gateway, 'GET', `memory/out-${i % 4}`)]));
  }
  await Promise.all(jobs);
  clearInterval(watch);
  const last = rss(gateway.pid);
  await sleep(5000);
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  console.log(
    `32 streams of ${mib(STREAM_BYTES)} MiB: RSS ${mib(before)} MiB before, peak ${mib(peak)} MiB (target < 300), ${mib(last)} at the end, ${mib(rss(gateway.pid))} five seconds later`,
  );
}

/** Uploads bytes that no other has, made on the way by openssl. */
function put(gateway: TestGateway, key: string, seed: number): Promise<void> {
  const keyHex = seed.toString(16).padStart(32, '0');
  const pipe = `openssl enc -aes-128-ctr -K ${keyHex} -iv 00000000000000000000000000000000 -in /dev/zero 2>/dev/null | head -c ${STREAM_BYTES} |
    curl -sS --fail -o /dev/null -T - -H 'Content-Length: ${STREAM_BYTES}' -H 'Transfer-Encoding:' '${url(gateway, 'PUT', key)}'`;
  return new Promise((resolve, reject) => {
    spawn('sh', ['-c', pipe], { stdio: ['ignore', 'ignore', 'inherit'] }).once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`upload exited with ${code}`)),
    );
  });
}

function rate(seconds: number): string {
  return `${(GIB / seconds / 1e6).toFixed(0)} MB/s`;
}

function row(what: string, ours: string, theirs: string, peer: string, goal: number): void {
  const ratio = Number.parseFloat(ours) / Number.parseFloat(theirs);
  console.log(`${what}: ${ours}; ${peer} ${theirs}; ratio ${ratio.toFixed(2)} (target >= ${goal})`);
}

function rowPerSecond(what: string, ours: number, theirs: number, peer: string, goal: number): void {
  console.log(
    `${what}: ${ours.toFixed(0)}/s; ${peer} ${theirs.toFixed(0)}/s; ratio ${(ours / theirs).toFixed(2)} (target >= ${goal})`,
  );
}
