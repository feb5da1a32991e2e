/**
 * S3 servers side by side: ours and every peer that is on PATH, on the same disk, under the same load, each at its documented defaults.
 *   node test/bench/s3-peers.ts [put get head delete large multipart list mixed many] [--peers=versitygw,MinIO] [--seconds=5] [--rounds=3]
 *     [--clients=1,16,64] [--sizes=1KiB,64KiB,4MiB] [--large=1GiB] [--large-clients=1,16] [--many=64] [--keys=1000000]
 * One row a measurement: a number for each server, and ours to the best peer's. A peer that is missing, or cannot do what is measured, is named with how
 * to get it. Needs wrk and curl. What fsyncs and what does not stands beside each name, because a server that leaves that to the kernel is not doing the
 * same work. No bytes are sent twice, so a store that keeps equal pieces once has nothing for free. `large` needs its size for each client on disk once,
 * and once more for each server; `many`, which is measured only where it is named, its size for each client.
 */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGateway } from '../support/gateway.ts';
import { PEERS, startPeer } from '../support/s3-peers.ts';
import { flag, target, writeRandomFile } from './common.ts';
import { curlSeconds, median, wrk } from './load.ts';
import { LARGE, large, many } from './s3-large.ts';
import { asked, BUCKET, bytesOf, fill, ROUNDS, row, SECONDS, type Server, say, shown, urlOf } from './side-by-side.ts';

const KEYS = { accessKeyId: 'benchbenchbench', secretAccessKey: 'bench-secret-bench-secret' };
const LISTED = Number(flag('keys') ?? 1_000_000);
const CLIENTS = (flag('clients') ?? '1,16,64').split(',').map(Number);
const SIZES = (flag('sizes') ?? '1KiB,64KiB,4MiB').split(',').map(bytesOf);
// No server takes smaller ones.
const PART = Math.max(5 << 20, Math.min(64 << 20, Math.ceil(LARGE / 4)));
/** No server is through with as many, so none runs out of what to remove. */
const DELETES_PER_SECOND_MAX = 4_000;

const measurements: Record<string, (servers: Server[], directory: string) => Promise<void>> = {
  put: (servers, directory) => requests(servers, directory, 'PUT'),
  get: (servers, directory) => requests(servers, directory, 'GET'),
  head: (servers, directory) => requests(servers, directory, 'HEAD'),
  delete: (servers, directory) => requests(servers, directory, 'DELETE'),
  large,
  multipart,
  list,
  mixed,
  many,
};

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const root = mkdtempSync(join(tmpdir(), 'cloudstore-peers-'));
const servers: Server[] = [];
try {
  servers.push(await ours());
  for (const name of flag('peers')?.split(',') ?? Object.keys(PEERS)) {
    const server = await start(name).catch((error: Error) => say(`${name}: does not start: ${error.message}`));
    if (server) servers.push(server);
  }
  for (const { name, durability } of servers) say(`${name}: ${durability}`);
  for (const [name, measure] of Object.entries(measurements)) {
    if (wanted.includes(name) || (wanted.length === 0 && name !== 'many')) await measure(servers, root);
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
    stop: onceOnly(async () => void (await gateway.stop())),
  };
  await makeBucket(server);
  return server;
}

async function start(name: string): Promise<Server | undefined> {
  const peer = PEERS[name];
  if (peer === undefined) throw new Error(`no such peer; there are ${Object.keys(PEERS).join(', ')}`);
  const running = await startPeer(peer, join(root, peer.program), BUCKET, KEYS);
  if (running !== null) {
    const stop = onceOnly(async () => {
      await running.stop();
      rmSync(join(root, peer.program), { recursive: true, force: true });
    });
    return { name, durability: peer.durability, ...running, stop };
  }
  say(`${name}: ${peer.program} is not on PATH (${peer.install})`);
  return undefined;
}

/** What has been measured alone is stopped before the end. */
function onceOnly(stop: () => Promise<void>): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  return () => (stopped ??= stop());
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
        // As many as are not through before the time is, within a gibibyte or half of one.
        const within = (bytes: number, most: number): number => Math.min(most, Math.max(64, Math.floor(bytes / size)));
        const count =
          method === 'DELETE'
            ? within(2 ** 29, DELETES_PER_SECOND_MAX * SECONDS)
            : method === 'PUT'
              ? within(2 ** 30, 50_000)
              : 64;
        const keys = Array.from({ length: count }, (_, i) => `${prefix}/${i}`);
        if (method !== 'PUT') await fill(server, keys, size);
        // wrk waits for the body that a HEAD's length promises.
        if (method === 'HEAD' || method === 'DELETE') return asked(server, method, keys, clients);
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

async function multipart(all: Server[], directory: string): Promise<void> {
  const numbers = Array.from({ length: Math.ceil(LARGE / PART) }, (_, i) => i + 1);
  const file = (number: number): string => join(directory, `part-${number}`);
  const before = async (): Promise<void> => {
    for (const number of numbers) await writeRandomFile(file(number), PART);
  };
  const measure = async (server: Server): Promise<number> => {
    const begun = await fetch(urlOf(server, 'POST', 'parts', { uploads: '' }), { method: 'POST' });
    const id = /<UploadId>([^<]+)</.exec(await begun.text())?.[1];
    if (id === undefined) throw new Error(`no upload: ${begun.status}`);
    const from = performance.now();
    for (let i = 0; i < numbers.length; i += 4) {
      const some = numbers.slice(i, i + 4);
      await Promise.all(
        some.map((partNumber) =>
          curlSeconds(['-T', file(partNumber), urlOf(server, 'PUT', 'parts', { partNumber: String(partNumber), uploadId: id })]),
        ),
      );
    }
    const page = await (await fetch(urlOf(server, 'GET', 'parts', { uploadId: id }))).text();
    const parts = [...page.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => [
      /<PartNumber>(\d+)</.exec(part)?.[1],
      /<ETag>(.*?)<\/ETag>/.exec(part)?.[1],
    ]);
    const body = `<CompleteMultipartUpload>${parts.map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`).join('')}</CompleteMultipartUpload>`;
    const done = await fetch(urlOf(server, 'POST', 'parts', { uploadId: id }), { method: 'POST', body });
    const said = await done.text();
    if (!done.ok || said.includes('<Error>')) throw new Error(`not completed: ${done.status} ${said.slice(0, 200)}`);
    const seconds = (performance.now() - from) / 1000;
    await fetch(urlOf(server, 'DELETE', 'parts'), { method: 'DELETE' });
    return (numbers.length * PART) / 2 ** 20 / seconds;
  };
  await row(`multipart of ${shown(LARGE)} in parts of ${shown(PART)}, 4 at once, MiB/s`, all, 'more', measure, {
    rounds: ROUNDS,
    before,
  });
  for (const number of numbers) rmSync(file(number), { force: true });
}

/** A page of 1,000 at the head and in the middle, flat and by folders: each time from behind another name that is not there, so that nobody has it ready, and at last the same one again and again. */
async function list(all: Server[]): Promise<void> {
  const keys = Array.from(
    { length: LISTED },
    (_, i) => `list/${String(i % 1000).padStart(4, '0')}/${String(i).padStart(8, '0')}`,
  );
  for (const server of all) await fill(server, keys, 16);
  let round = 0;
  for (const [what, query] of Object.entries({
    'at the head': { after: 'list/' },
    'in the middle': { after: 'list/0500/' },
    'by folders': { delimiter: '/', prefix: 'list/', after: 'list/' },
    'in the middle, asked for again': { 'start-after': 'list/0500/' },
    'by folders, asked for again': { delimiter: '/', prefix: 'list/' },
  })) {
    await row(`a page of 1,000 of ${LISTED} keys ${what}, ms`, all, 'less', async (server) => {
      const { after, ...same }: Record<string, string> = query;
      const times: number[] = [];
      for (let i = 0; i < 20; i++) {
        const another: Record<string, string> = after === undefined ? {} : { 'start-after': `${after}!${round++}` };
        const url = urlOf(server, 'GET', '', { 'list-type': '2', ...same, ...another });
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
async function mixed(all: Server[]): Promise<void> {
  await row('mixed 45/30/15/10 of 64 KiB, 16 clients, requests/s', all, 'more', async (server) => {
    const keys = Array.from({ length: 2000 }, (_, i) => `mixed/${i}`);
    await fill(server, keys, 65_536);
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
        const answer = await fetch(urlOf(server, method, name), {
          method,
          ...(method === 'PUT' ? { body: randomBytes(65_536) } : {}),
        });
        await answer.arrayBuffer();
        if (answer.status >= 400 && method !== 'DELETE') throw new Error(`${method} answers ${answer.status}`);
        done++;
      }
    };
    await Promise.all(Array.from({ length: 16 }, (_, seed) => client(seed)));
    return done / SECONDS;
  });
}
