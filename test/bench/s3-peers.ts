/**
 * S3 servers side by side: ours and every peer that is on PATH, on the same disk, under the same load, each at its documented defaults.
 *   node test/bench/s3-peers.ts [put get head delete multipart list mixed] [--seconds=5] [--keys=100000] [--clients=1,16,64] [--sizes=1KiB,64KiB,4MiB]
 * One row a measurement: a number for each server, and ours to the best peer's. A peer that is missing, or cannot do what is measured, is named. Needs wrk and
 * curl. What fsyncs and what does not stands beside each name, because a server that leaves that to the kernel is not doing the same work.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';
import { findProgram } from '../support/programs.ts';
import { flag, target, writeRandomFile } from './common.ts';
import { curlSeconds, median, wrk } from './load.ts';

interface Server {
  name: string;
  /** What it does before it answers a PUT. */
  durability: string;
  url: string;
  accessKeyId: string;
  secretAccessKey: string;
  stop(): Promise<void>;
}

interface Peer {
  program: string;
  durability: string;
  /** Arguments and environment for a data directory and a port; its keys are `KEYS`. */
  start(directory: string, port: number): { args: string[]; env?: Record<string, string>; s3Port?: number };
}

const KEYS = { accessKeyId: 'benchbenchbench', secretAccessKey: 'bench-secret-bench-secret' };
const BUCKET = 'bench';
const SECONDS = Number(flag('seconds') ?? 5);
const LISTED = Number(flag('keys') ?? 100_000);
const CLIENTS = (flag('clients') ?? '1,16,64').split(',').map(Number);
const SIZES = (flag('sizes') ?? '1KiB,64KiB,4MiB').split(',').map(bytesOf);
const LARGE = bytesOf(flag('large') ?? '1GiB');
const PART = 64 << 20;
const ROUNDS = 3;

/** Each by its package's own defaults for one disk. */
const PEERS: Record<string, Peer> = {
  MinIO: {
    program: 'minio',
    durability: 'fsyncs',
    start: (directory, port) => ({
      args: ['server', '--quiet', '--address', `127.0.0.1:${port}`, directory],
      env: { MINIO_ROOT_USER: KEYS.accessKeyId, MINIO_ROOT_PASSWORD: KEYS.secretAccessKey },
    }),
  },
  versitygw: {
    program: 'versitygw',
    durability: 'no fsync',
    start: (directory, port) => ({
      args: ['--access', KEYS.accessKeyId, '--secret', KEYS.secretAccessKey, '--port', `127.0.0.1:${port}`, 'posix', directory],
    }),
  },
  SeaweedFS: {
    program: 'weed',
    durability: 'no fsync',
    start(directory, port) {
      const identities = [
        { name: 'bench', credentials: [{ accessKey: KEYS.accessKeyId, secretKey: KEYS.secretAccessKey }], actions: ['Admin'] },
      ];
      const config = join(directory, 's3.json');
      writeFileSync(config, JSON.stringify({ identities }));
      return { args: ['server', '-ip=127.0.0.1', `-dir=${directory}`, '-s3', `-s3.port=${port}`, `-s3.config=${config}`] };
    },
  },
  'rclone serve s3': {
    program: 'rclone',
    durability: 'no fsync',
    start: (directory, port) => ({
      args: [
        'serve',
        's3',
        '--addr',
        `127.0.0.1:${port}`,
        '--auth-key',
        `${KEYS.accessKeyId},${KEYS.secretAccessKey}`,
        directory,
      ],
      env: { RCLONE_CONFIG: join(directory, '..', 'rclone.conf') },
    }),
  },
};
/** Needs a cluster's layout before it serves, so it is named and left to whoever has it running: CLOUDSTORE_BENCH_S3 takes any server. */
const NAMED_ONLY = ['garage'];

const measurements: Record<string, (servers: Server[], directory: string) => Promise<void>> = {
  put: (servers, directory) => requests(servers, directory, 'PUT'),
  get: (servers, directory) => requests(servers, directory, 'GET'),
  head: (servers, directory) => requests(servers, directory, 'HEAD'),
  delete: (servers, directory) => requests(servers, directory, 'DELETE'),
  large,
  multipart,
  list,
  mixed,
};

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const root = mkdtempSync(join(tmpdir(), 'cloudstore-peers-'));
const servers: Server[] = [];
try {
  servers.push(await ours());
  for (const [name, peer] of Object.entries(PEERS)) {
    const server = await start(name, peer).catch((error: Error) => say(`${name}: does not start: ${error.message}`));
    if (server) servers.push(server);
  }
  for (const program of NAMED_ONLY)
    say(`${program}: ${findProgram(program) === null ? 'not on PATH' : 'on PATH, not started: it needs a layout'}`);
  for (const { name, durability } of servers) say(`${name}: ${durability}`);
  for (const [name, measure] of Object.entries(measurements)) {
    if (wanted.length === 0 || wanted.includes(name)) await measure(servers, root);
  }
} finally {
  for (const server of servers) await server.stop();
  rmSync(root, { recursive: true, force: true });
}

async function ours(): Promise<Server> {
  const gateway = await startGateway();
  const server: Server = {
    ...gateway,
    name: 'CloudStore',
    durability: 'fsyncs',
    url: gateway.s3Url,
    stop: async () => void (await gateway.stop()),
  };
  await makeBucket(server);
  return server;
}

async function start(name: string, { program, durability, start: begin }: Peer): Promise<Server | undefined> {
  const path = findProgram(program);
  if (path === null) {
    say(`${name}: ${program} is not on PATH`);
    return undefined;
  }
  const directory = join(root, program, 'data');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(root, program, 'rclone.conf'), '');
  const port = await freePort();
  const { args, env = {} } = begin(directory, port);
  const child = spawn(path, args, { stdio: 'ignore', env: { PATH: process.env.PATH ?? '', HOME: join(root, program), ...env } });
  const stop = (): Promise<void> => end(child);
  const server: Server = { name, durability, url: `http://127.0.0.1:${port}`, ...KEYS, stop };
  try {
    for (let i = 0; ; i++) {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode} (an older version may not know the command)`);
      if (i > 100) throw new Error('it does not answer');
      const made = await makeBucket(server).then(
        () => true,
        () => false,
      );
      if (made) return server;
      await sleep(200);
    }
  } catch (error) {
    await stop();
    throw error;
  }
}

async function makeBucket(server: Server): Promise<void> {
  const answer = await fetch(urlOf(server, 'PUT', ''), { method: 'PUT' });
  if (!answer.ok && answer.status !== 409) throw new Error(`no bucket: ${answer.status}`);
}

/** Requests a second of one kind, by size and number of clients. Keys of PUT are new each time; those of DELETE are there. */
async function requests(all: Server[], directory: string, method: 'PUT' | 'GET' | 'HEAD' | 'DELETE'): Promise<void> {
  for (const size of SIZES) {
    for (const clients of CLIENTS) {
      await row(`${method} ${shown(size)}, ${clients} clients, requests/s`, all, 'more', async (server) => {
        const prefix = `${method}-${size}-${clients}`;
        const count = method === 'DELETE' ? 20_000 : method === 'PUT' ? 50_000 : 64;
        const keys = Array.from({ length: count }, (_, i) => `${prefix}/${i}`);
        if (method !== 'PUT') await fill(server, keys, size, directory);
        // wrk waits for the body that a HEAD's length promises.
        if (method === 'HEAD' || method === 'DELETE') return fetched(server, method, keys, clients);
        const { requestsPerSecond, errors } = await wrk(
          server.url,
          keys.map((key) => target(urlOf(server, method, key))),
          {
            directory,
            connections: clients,
            threads: Math.min(2, clients),
            seconds: SECONDS,
            method,
            ...(method === 'PUT' ? { bodyBytes: size, random: true } : {}),
          },
        );
        if (errors > 0) throw new Error(`${errors} answers were no 2xx`);
        return requestsPerSecond;
      });
    }
  }
}

/** Requests a second by this process, each key at most once for DELETE. */
async function fetched(server: Server, method: 'HEAD' | 'DELETE', keys: string[], clients: number): Promise<number> {
  const from = performance.now();
  let next = 0;
  const client = async (): Promise<void> => {
    for (let i = next++; performance.now() < from + SECONDS * 1000; i = next++) {
      if (method === 'DELETE' && i >= keys.length) return;
      const answer = await fetch(urlOf(server, method, keys[i % keys.length] ?? ''), { method });
      if (!answer.ok) throw new Error(`${method} answers ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return next / ((performance.now() - from) / 1000);
}

async function large(all: Server[], directory: string): Promise<void> {
  const file = join(directory, 'large');
  await writeRandomFile(file, LARGE);
  await row(
    `PUT ${shown(LARGE)}, MiB/s`,
    all,
    'more',
    async (server) => LARGE / 2 ** 20 / (await curlSeconds(['-T', file, urlOf(server, 'PUT', 'large')])),
  );
  await row(
    `GET ${shown(LARGE)}, MiB/s`,
    all,
    'more',
    async (server) => LARGE / 2 ** 20 / (await curlSeconds([urlOf(server, 'GET', 'large')])),
  );
}

async function multipart(all: Server[], directory: string): Promise<void> {
  const file = join(directory, 'part');
  await writeRandomFile(file, PART);
  await row(`multipart of ${shown(LARGE)} in parts of ${shown(PART)}, 4 at once, MiB/s`, all, 'more', async (server) => {
    const begun = await fetch(urlOf(server, 'POST', 'parts', { uploads: '' }), { method: 'POST' });
    const id = /<UploadId>([^<]+)</.exec(await begun.text())?.[1];
    if (id === undefined) throw new Error(`no upload: ${begun.status}`);
    const numbers = Array.from({ length: Math.ceil(LARGE / PART) }, (_, i) => i + 1);
    const from = performance.now();
    for (let i = 0; i < numbers.length; i += 4) {
      const some = numbers.slice(i, i + 4);
      await Promise.all(
        some.map((partNumber) =>
          curlSeconds(['-T', file, urlOf(server, 'PUT', 'parts', { partNumber: String(partNumber), uploadId: id })]),
        ),
      );
    }
    const page = await (await fetch(urlOf(server, 'GET', 'parts', { uploadId: id }))).text();
    const parts = [...page.matchAll(/<Part>.*?<PartNumber>(\d+)<.*?<ETag>(.*?)<\/ETag>/gs)];
    const body = `<CompleteMultipartUpload>${parts.map(([, number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`).join('')}</CompleteMultipartUpload>`;
    const done = await fetch(urlOf(server, 'POST', 'parts', { uploadId: id }), { method: 'POST', body });
    if (!done.ok) throw new Error(`not completed: ${done.status}`);
    await done.text();
    return (numbers.length * PART) / 2 ** 20 / ((performance.now() - from) / 1000);
  });
}

/** A page of 1,000 at the head and in the middle, flat and by folders. */
async function list(all: Server[], directory: string): Promise<void> {
  const keys = Array.from(
    { length: LISTED },
    (_, i) => `list/${String(i % 1000).padStart(4, '0')}/${String(i).padStart(8, '0')}`,
  );
  for (const server of all) await fill(server, keys, 16, directory);
  for (const [what, query] of Object.entries({
    'at the head': {},
    'in the middle': { 'start-after': 'list/0500/' },
    'by folders': { delimiter: '/', prefix: 'list/' },
  })) {
    await row(`a page of 1,000 of ${LISTED} keys ${what}, ms`, all, 'less', async (server) => {
      const url = urlOf(server, 'GET', '', { 'list-type': '2', ...query });
      const times: number[] = [];
      for (let i = 0; i < 20; i++) {
        const from = performance.now();
        const answer = await fetch(url);
        await answer.text();
        if (!answer.ok) throw new Error(`${answer.status}`);
        times.push(performance.now() - from);
      }
      return median(times);
    });
  }
}

/** 45 GET, 30 PUT, 15 HEAD, 10 DELETE of 64 KiB. */
async function mixed(all: Server[], directory: string): Promise<void> {
  await row('mixed 45/30/15/10 of 64 KiB, 16 clients, requests/s', all, 'more', async (server) => {
    const keys = Array.from({ length: 2000 }, (_, i) => `mixed/${i}`);
    await fill(server, keys, 65_536, directory);
    const body = randomBytes(65_536);
    const until = performance.now() + SECONDS * 1000;
    let done = 0;
    let fresh = 0;
    const client = async (seed: number): Promise<void> => {
      for (let i = seed; performance.now() < until; i += 7) {
        const dice = (i * 37) % 100;
        const key = keys[(i * 13) % keys.length] ?? '';
        const [method, name] =
          dice < 45
            ? ['GET', key]
            : dice < 75
              ? ['PUT', `mixed/new-${++fresh}`]
              : dice < 90
                ? ['HEAD', key]
                : ['DELETE', `mixed/new-${fresh}`];
        const answer = await fetch(urlOf(server, method, name), { method, ...(method === 'PUT' ? { body } : {}) });
        await answer.arrayBuffer();
        if (answer.status >= 400 && method !== 'DELETE') throw new Error(`${method} answers ${answer.status}`);
        done++;
      }
    };
    await Promise.all(Array.from({ length: 16 }, (_, seed) => client(seed)));
    return done / SECONDS;
  });
}

/** Stores objects of one size, untimed. */
async function fill(server: Server, keys: string[], size: number, directory: string): Promise<void> {
  const body = join(directory, `fill-${size}`);
  writeFileSync(body, randomBytes(size));
  const bytes = randomBytes(size);
  let next = 0;
  const client = async (): Promise<void> => {
    for (let i = next++; i < keys.length; i = next++) {
      const answer = await fetch(urlOf(server, 'PUT', keys[i] ?? ''), { method: 'PUT', body: bytes });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`${server.name} does not take a PUT: ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, client));
}

/** The best of some rounds for each server, in turn so that the machine's moods are everybody's; ours to the best peer's. */
async function row(
  what: string,
  all: Server[],
  better: 'more' | 'less',
  measure: (server: Server) => Promise<number>,
): Promise<void> {
  const found = new Map<Server, number[]>();
  const failed = new Map<Server, string>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const server of all) {
      if (failed.has(server)) continue;
      try {
        found.set(server, [...(found.get(server) ?? []), await measure(server)]);
      } catch (error) {
        failed.set(server, error instanceof Error ? error.message : String(error));
      }
    }
  }
  const best = (server: Server): number => (better === 'more' ? Math.max : Math.min)(...(found.get(server) ?? []));
  const peers = all.slice(1).filter((server) => found.has(server) && !failed.has(server));
  const cells = all.map(
    (server) => `${server.name} ${failed.has(server) ? `failed (${failed.get(server)})` : best(server).toFixed(1)}`,
  );
  const mine = all[0];
  const rival = peers.map(best).sort((a, b) => (better === 'more' ? b - a : a - b))[0];
  const ratio =
    mine === undefined || rival === undefined || failed.has(mine)
      ? 'no peer'
      : (better === 'more' ? best(mine) / rival : rival / best(mine)).toFixed(2);
  say(`${what}: ${cells.join(' | ')} | ours to the best peer's ${ratio}`);
}

function urlOf(server: Server, method: string, key: string, query: Record<string, string> = {}): string {
  const search = new URLSearchParams(query).toString();
  const base = `${server.url.replace(/\/$/, '')}/${BUCKET}${key === '' ? '' : `/${key}`}`;
  return presign(method, search === '' ? base : `${base}?${search}`, server, new Date());
}

function bytesOf(text: string): number {
  const [, count = '0', unit = ''] = /^(\d+)(KiB|MiB|GiB)?$/.exec(text) ?? [];
  return Number(count) * 1024 ** ['', 'KiB', 'MiB', 'GiB'].indexOf(unit);
}

function shown(bytes: number): string {
  const power = bytes >= 2 ** 30 ? 3 : bytes >= 2 ** 20 ? 2 : bytes >= 2 ** 10 ? 1 : 0;
  return `${bytes / 1024 ** power} ${['B', 'KiB', 'MiB', 'GiB'][power]}`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(late);
}

function say(line: string): void {
  console.log(line);
}
