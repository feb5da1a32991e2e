/**
 * The engine's rows that test/bench/gateway.ts does not have: several streams, without encryption, one client, many files.
 *   node test/bench/engine.ts [streams put-one files idle] [--rounds=3]
 * Load and peers are processes of their own, over loopback, by turns in one run. Needs nginx with dav-ext, wrk and curl.
 */

import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { startGateway } from '../support/gateway.ts';
import { flag, rss, target, url, writeRandomFile } from './common.ts';
import { curlSeconds, median, wrk } from './load.ts';
import { startNginx } from './nginx.ts';

const GIB = 2 ** 30;
const ROUNDS = Number(flag('rounds') ?? 3);
const FILE_BYTES = 16 << 10;
const CLIENTS = 32;

const measurements: Record<string, (directory: string) => Promise<void>> = { streams, 'put-one': putOne, files, idle };
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const directory = mkdtempSync(join(tmpdir(), 'cloudstore-bench-'));
try {
  for (const [name, measure] of Object.entries(measurements)) {
    if (wanted.length === 0 || wanted.includes(name)) await measure(directory);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** 1 GiB over one and four connections, in and out, with and without encryption. */
async function streams(directory: string): Promise<void> {
  const nginx = await startNginx(directory);
  const sealed = await startGateway();
  const plain = await startGateway({ env: { CLOUDSTORE_ENCRYPTION: 'off' } });
  try {
    const files = [0, 1, 2, 3].map((i) => join(nginx.root, `big-${i}`));
    for (const count of [1, 4]) {
      const some = files.slice(0, count);
      const times: Record<string, number[]> = {};
      const add = (name: string, seconds: number): number => (times[name] ??= []).push(seconds);
      for (let round = 0; round < ROUNDS; round++) {
        for (const file of some) await writeRandomFile(file, GIB / count);
        for (const [name, gateway] of [
          ['sealed', sealed],
          ['plain', plain],
        ] as const) {
          const key = (i: number): string => `${count}/${round}/${i}`;
          add(`put ${name}`, await together(some.map((file, i) => ['-T', file, url(gateway, 'PUT', key(i))])));
          // nginx's file is in the page cache from writing it; what we wrote went past it, and is there from the first read.
          for (const way of ['first', 'get']) {
            add(`${way} ${name}`, await together(some.map((_, i) => [url(gateway, 'GET', key(i))])));
          }
        }
        add('put nginx', await together(some.map((file, i) => ['-T', file, `${nginx.dav}/put-${count}-${round}-${i}`])));
        add('get nginx', await together(some.map((_, i) => [`${nginx.best}/big-${i}`])));
        for (let i = 0; i < count; i++) rmSync(join(nginx.root, `put-${count}-${round}-${i}`));
      }
      for (const way of ['get', 'put']) {
        const peer = GIB / median(times[`${way} nginx`]!) / 1e6;
        for (const [name, goal] of [
          ['sealed', way === 'get' ? 0.9 : 0.6],
          ['plain', 1.2],
        ] as const) {
          const ours = GIB / median(times[`${way} ${name}`]!) / 1e6;
          const target = way === 'put' && (name === 'plain' || count === 1) ? 'no target' : `target >= ${goal}`;
          const first =
            way === 'get'
              ? `; the first time, from the disk, ${(GIB / median(times[`first ${name}`]!) / 1e6).toFixed(0)} MB/s`
              : '';
          console.log(
            `${way.toUpperCase()} 1 GiB in ${count} streams, ${name}: ${ours.toFixed(0)} MB/s; nginx ${peer.toFixed(0)} MB/s; ratio ${(ours / peer).toFixed(2)} (${target})${first}`,
          );
        }
      }
    }
  } finally {
    await Promise.all([sealed.stop(), plain.stop(), nginx.stop()]);
  }
}

/** Durable puts of 1 KiB, one after another, against what none could do without: an append, its fdatasync, a row and its commit. */
async function putOne(directory: string): Promise<void> {
  const gateway = await startGateway();
  const client = new pg.Client({ host: join(gateway.dataDir, 'postgres-socket'), user: 'cloudstore', database: 'cloudstore' });
  await client.connect();
  const file = await open(join(directory, 'appended'), 'a');
  try {
    await client.query('CREATE TABLE bench_bare (id bigint PRIMARY KEY, body bytea)');
    const body = randomBytes(1024);
    const ours: number[] = [];
    const bare: number[] = [];
    let id = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const targets = Array.from({ length: 20_000 }, (_, i) => target(url(gateway, 'PUT', `one/${round}/${i}`)));
      const { requestsPerSecond } = await wrk(gateway.s3Url, targets, {
        directory,
        connections: 1,
        threads: 1,
        seconds: 4,
        method: 'PUT',
        bodyBytes: 1024,
      });
      ours.push(1 / requestsPerSecond);
      const begun = performance.now();
      let count = 0;
      for (; performance.now() - begun < 4000; count++) {
        await file.write(body);
        await file.datasync();
        await client.query({ name: 'bare', text: 'INSERT INTO bench_bare VALUES ($1, $2)', values: [id++, body] });
      }
      bare.push((performance.now() - begun) / 1000 / count);
    }
    const [a, b] = [median(ours) * 1e6, median(bare) * 1e6];
    console.log(
      `PUT 1 KiB, one client, durable: ${a.toFixed(0)} us; append, fdatasync and commit ${b.toFixed(0)} us; ratio ${(a / b).toFixed(2)} (target <= 1.5)`,
    );
  } finally {
    await client.end();
    await file.close();
    await gateway.stop();
  }
}

/** Files of 16 KiB in and out by 32 clients, against a file an object: temporary file, fsync, rename, fsync of the directory. */
async function files(directory: string): Promise<void> {
  const gateway = await startGateway();
  const root = join(directory, 'files');
  try {
    const rates: Record<string, number[]> = { in: [], out: [], 'files in': [], 'files out': [] };
    for (let round = 0; round < ROUNDS; round++) {
      const names = Array.from({ length: 100_000 }, (_, i) => `many/${round}/${i % 100}/${i}`);
      const common = { directory, connections: CLIENTS, seconds: 8 };
      const puts = names.map((name) => target(url(gateway, 'PUT', name)));
      const put = await wrk(gateway.s3Url, puts, { ...common, method: 'PUT', bodyBytes: FILE_BYTES, random: true });
      rates.in!.push(put.requestsPerSecond);
      const stored = Math.floor(put.requestsPerSecond * 3); // of each thread's half of the list, the first
      // Each thread of wrk makes one request for nothing before it begins.
      const some = [...names.slice(1, stored), ...names.slice(50_001, 50_000 + stored)];
      const get = await wrk(
        gateway.s3Url,
        some.map((name) => target(url(gateway, 'GET', name))),
        common,
      );
      rates.out!.push(get.requestsPerSecond);
      if (put.errors + get.errors > 0) console.log(`  errors: ${put.errors} in, ${get.errors} out`);
      for (let i = 0; i < 100; i++) mkdirSync(join(root, String(round), String(i)), { recursive: true });
      const written = await fileAnObject(join(root, String(round)), 8);
      rates['files in']!.push(written / 8);
      rates['files out']!.push(await readFiles(join(root, String(round)), written));
    }
    for (const way of ['in', 'out']) {
      const [ours, theirs] = [median(rates[way]!), median(rates[`files ${way}`]!)];
      console.log(
        `Files of 16 KiB ${way}, ${CLIENTS} clients: ${ours.toFixed(0)}/s over HTTP; a file an object, without HTTP ${theirs.toFixed(0)}/s; ratio ${(ours / theirs).toFixed(2)} (target >= 3)`,
      );
    }
  } finally {
    await gateway.stop();
  }
}

async function fileAnObject(root: string, seconds: number): Promise<number> {
  const begun = performance.now();
  let next = 0;
  async function writer(): Promise<void> {
    while (performance.now() - begun < seconds * 1000) {
      const i = next++;
      const path = join(root, String(i % 100), String(i));
      const file = await open(`${path}.tmp`, 'w');
      await file.write(randomBytes(FILE_BYTES));
      await file.sync();
      await file.close();
      await rename(`${path}.tmp`, path);
      const parent = await open(join(root, String(i % 100)), 'r');
      await parent.sync();
      await parent.close();
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, writer));
  return next;
}

/** Files a second. */
async function readFiles(root: string, count: number): Promise<number> {
  const begun = performance.now();
  let next = 0;
  async function reader(): Promise<void> {
    for (let i = next++; i < count; i = next++) await readFile(join(root, String(i % 100), String(i)));
  }
  await Promise.all(Array.from({ length: CLIENTS }, reader));
  return count / ((performance.now() - begun) / 1000);
}

async function idle(): Promise<void> {
  const gateway = await startGateway();
  await sleep(10_000);
  console.log(`Idle, without the database: RSS ${(rss(gateway.pid) / 2 ** 20).toFixed(0)} MiB (target < 150)`);
  await gateway.stop();
}

/** Seconds until the last of these curls is through. */
async function together(args: string[][]): Promise<number> {
  const begun = performance.now();
  await Promise.all(args.map((one) => curlSeconds(one)));
  return (performance.now() - begun) / 1000;
}
