/**
 * Several processes of one gateway against nginx with as many workers, by turns in one run, and against one process.
 *   node test/bench/processes.ts [get-small put-small streams idle] [--processes=1,2] [--rounds=3] [--seconds=5] [--stream-mib=256]
 * Load comes from processes of its own, over loopback. Needs Linux, nginx with dav-ext, wrk and curl.
 */

import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { flag, target, url, writeRandomFile } from './common.ts';
import { cpuOf, processesOf, pssOf } from './cpu.ts';
import { curlSeconds, median, type WrkResult, wrk } from './load.ts';
import { type Nginx, startNginx } from './nginx.ts';

const COUNTS = (flag('processes') ?? '1,2').split(',').map(Number);
const ROUNDS = Number(flag('rounds') ?? 3);
const SECONDS = Number(flag('seconds') ?? 5);
const STREAM_BYTES = Number(flag('stream-mib') ?? 256) * 2 ** 20;
const STREAMS = 4;
const CLIENTS = 64;
const BODY_BYTES = 1024;

interface Side {
  processes: number;
  gateway: TestGateway;
  nginx: Nginx;
}

/** By what a side is called, one number a round. */
type Samples = Map<string, number[]>;

const measurements: Record<string, (sides: Side[], directory: string) => Promise<void>> = {
  'get-small': getSmall,
  'put-small': putSmall,
  streams,
  idle,
};

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const directory = mkdtempSync(join(tmpdir(), 'cloudstore-bench-'));
const sides: Side[] = [];
try {
  for (const processes of COUNTS) {
    const own = join(directory, `nginx-${processes}`);
    mkdirSync(own);
    const nginx = await startNginx(own, processes);
    sides.push({ processes, nginx, gateway: await startGateway({ env: { CLOUDSTORE_PROCESSES: String(processes) } }) });
  }
  for (const [name, measure] of Object.entries(measurements)) {
    if (wanted.length === 0 || wanted.includes(name)) await measure(sides, directory);
  }
} finally {
  for (const { gateway, nginx } of sides) await Promise.all([gateway.stop(), nginx.stop()]);
  rmSync(directory, { recursive: true, force: true });
}

async function getSmall(sides: Side[], directory: string): Promise<void> {
  const body = randomBytes(BODY_BYTES);
  const file = join(directory, 'one-kib');
  writeFileSync(file, body);
  for (const { gateway, nginx } of sides) {
    writeFileSync(join(nginx.root, 'one-kib'), body);
    for (let i = 0; i < 200; i++) await curlSeconds(['-T', file, url(gateway, 'PUT', `hot/${i}`)]);
  }
  const ask = (base: string, targets: string[]): Promise<WrkResult> =>
    wrk(base, targets, { directory, connections: CLIENTS, seconds: SECONDS });
  const rates: Samples = new Map();
  for (let round = 0; round < ROUNDS; round++) {
    for (const { processes, gateway, nginx } of sides) {
      const targets = Array.from({ length: 2000 }, (_, i) => target(url(gateway, 'GET', `hot/${i % 200}`)));
      await sample(rates, `${processes}`, gateway, () => ask(gateway.s3Url, targets));
      add(rates, `nginx ${processes}`, (await ask(nginx.plain, ['/one-kib'])).requestsPerSecond);
    }
  }
  report('GET 1 KiB, authenticated, 64 clients', rates, "nginx's static file", 0.75);
}

async function putSmall(sides: Side[], directory: string): Promise<void> {
  const rates: Samples = new Map();
  for (let round = 0; round < ROUNDS; round++) {
    for (const { processes, gateway, nginx } of sides) {
      const options = { directory, connections: CLIENTS, seconds: SECONDS, method: 'PUT', bodyBytes: BODY_BYTES };
      const targets = Array.from({ length: 60_000 }, (_, i) => target(url(gateway, 'PUT', `small/${round}/${i}`)));
      await sample(rates, `${processes}`, gateway, () => wrk(gateway.s3Url, targets, options));
      mkdirSync(join(nginx.root, `small-${round}`));
      const names = Array.from({ length: 60_000 }, (_, i) => `/small-${round}/${i}`);
      add(rates, `nginx ${processes}`, (await wrk(nginx.dav, names, options)).requestsPerSecond);
    }
  }
  report('PUT 1 KiB, 64 clients, durable', rates, 'nginx dav PUT, not durable', 3);
}

/** Four at once, in and out, each its own bytes. */
async function streams(sides: Side[], directory: string): Promise<void> {
  const files = Array.from({ length: STREAMS }, (_, i) => join(directory, `stream-${i}`));
  const [into, out]: [Samples, Samples] = [new Map(), new Map()];
  const megabytes = (seconds: number): number => (STREAMS * STREAM_BYTES) / seconds / 1e6;
  for (let round = 0; round < ROUNDS; round++) {
    for (const { processes, gateway, nginx } of sides) {
      for (const file of files) await writeRandomFile(file, STREAM_BYTES);
      const key = (i: number): string => `streams/${round}/${i}`;
      const name = (i: number): string => `stream-${round}-${i}`;
      add(into, `${processes}`, megabytes(await together(files.map((file, i) => ['-T', file, url(gateway, 'PUT', key(i))]))));
      add(into, `nginx ${processes}`, megabytes(await together(files.map((file, i) => ['-T', file, `${nginx.dav}/${name(i)}`]))));
      add(out, `${processes}`, megabytes(await together(files.map((_, i) => [url(gateway, 'GET', key(i))]))));
      add(out, `nginx ${processes}`, megabytes(await together(files.map((_, i) => [`${nginx.best}/${name(i)}`]))));
      for (const i of files.keys()) rmSync(join(nginx.root, name(i)));
    }
  }
  report(`GET, ${STREAMS} streams, encrypted (MB/s)`, out, 'nginx at its best', 0.9);
  report(`PUT, ${STREAMS} streams, durable, MD5 (MB/s)`, into, 'nginx dav PUT, not durable', 0.6);
}

/** What the processes take when nobody asks anything; shared pages count once. */
async function idle(sides: Side[]): Promise<void> {
  await sleep(3000);
  for (const { processes, gateway } of sides) {
    const each = processesOf(gateway.pid).map((pid) => pssOf(pid) / 2 ** 20);
    const sum = each.reduce((total, mib) => total + mib, 0);
    console.log(
      `Idle, ${processes} to serve, without the database: ${sum.toFixed(0)} MiB (${each.map((mib) => mib.toFixed(0)).join(' + ')})`,
    );
  }
}

/** A run of wrk, with the CPU that it cost the gateway and its database. */
async function sample(rates: Samples, name: string, gateway: TestGateway, work: () => Promise<WrkResult>): Promise<void> {
  const before = cpuOf(gateway.pid);
  const { requestsPerSecond, errors } = await work();
  const after = cpuOf(gateway.pid);
  if (errors > 0) console.log(`  ${name}: ${errors} errors`);
  const requests = requestsPerSecond * SECONDS;
  add(rates, name, requestsPerSecond);
  add(rates, `${name} own`, ((after.own - before.own) / requests) * 1e6);
  add(rates, `${name} database`, ((after.database - before.database) / requests) * 1e6);
}

function report(what: string, samples: Samples, peer: string, goal: number): void {
  for (const processes of COUNTS) {
    const of = (name: string): number => median(samples.get(name) ?? [Number.NaN]);
    const [ours, theirs] = [of(`${processes}`), of(`nginx ${processes}`)];
    const cpu = samples.has(`${processes} own`)
      ? `; CPU ${of(`${processes} own`).toFixed(0)} us and the database's ${of(`${processes} database`).toFixed(0)} us each`
      : '';
    console.log(
      `${what}, ${processes} ${processes === 1 ? 'process' : 'processes'}: ${ours.toFixed(0)}; ${peer} ${theirs.toFixed(0)}; ratio ${(ours / theirs).toFixed(2)} (target >= ${goal})${cpu}`,
    );
  }
}

function add(samples: Samples, name: string, value: number): void {
  const list = samples.get(name) ?? [];
  samples.set(name, list);
  list.push(value);
}

/** Seconds until the last of them has ended. */
async function together(calls: string[][]): Promise<number> {
  return Math.max(...(await Promise.all(calls.map(curlSeconds))));
}
