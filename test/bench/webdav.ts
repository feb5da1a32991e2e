/**
 * The WebDAV door against nginx (dav-ext) over loopback, load from other processes.
 *   node test/bench/webdav.ts [propfind get put]
 * Prints one row a measurement: ours, theirs, ratio. Needs nginx with dav-ext, wrk and curl.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { curlSeconds, median, run, wrk } from './load.ts';
import { type Nginx, startNginx } from './nginx.ts';

const SIZES = [100, 1_000, 10_000];

interface Bench {
  gateway: TestGateway;
  nginx: Nginx;
  directory: string;
  authorization: string;
}

const measurements: Record<string, (bench: Bench) => Promise<void>> = { propfind, get, put };

const wanted = process.argv.slice(2);
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

function row(what: string, ours: { requestsPerSecond: number; errors: number }, theirs: { requestsPerSecond: number }): void {
  const [a, b] = [ours.requestsPerSecond, theirs.requestsPerSecond];
  console.log(`${what}: ${a.toFixed(0)}/s; nginx ${b.toFixed(0)}/s; ratio ${(a / b).toFixed(2)}; errors ${ours.errors}`);
}

function url(gateway: TestGateway, path: string): string {
  return `${gateway.webdavUrl}${gateway.bucket}/${path}`;
}
