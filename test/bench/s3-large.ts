import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { flag, target, writeRandomFile } from './common.ts';
import { curlSeconds } from './load.ts';
import { asked, bytesOf, fill, perSecond, ROUNDS, row, type Server, say, shown, urlOf } from './side-by-side.ts';

export const LARGE = bytesOf(flag('large') ?? '1GiB');
const LARGE_CLIENTS = (flag('large-clients') ?? '1,16').split(',').map(Number);
const MANY = Number(flag('many') ?? 64);
/** No piece of this size is sent twice. */
const STAMP_EVERY = 4096;

/** Objects of a gibibyte, each client its own, of bytes that were never sent before. */
export async function large(all: Server[], directory: string): Promise<void> {
  for (const clients of LARGE_CLIENTS) {
    const files = Array.from({ length: clients }, (_, i) => join(directory, `large-${i}`));
    const keys = files.map((_, i) => `large-${clients}/${i}`);
    const rows: [string, (server: Server) => Promise<number>, ((server: Server) => Promise<unknown>)?][] = [
      [
        'PUT, MiB/s',
        (server) =>
          perSecond(
            keys.map((key, i) => () => curlSeconds(['-T', files[i] ?? '', urlOf(server, 'PUT', key)])),
            LARGE / 2 ** 20,
          ),
        async () => {
          for (const file of files) await writeRandomFile(file, LARGE);
        },
      ],
      [
        'GET, MiB/s',
        (server) =>
          perSecond(
            keys.map((key) => () => curlSeconds([urlOf(server, 'GET', key)])),
            LARGE / 2 ** 20,
          ),
      ],
      ['HEAD, requests/s', (server) => asked(server, 'HEAD', keys, clients)],
      [
        'DELETE, requests/s',
        (server) => asked(server, 'DELETE', keys, clients),
        // One request is too few to be anybody's first.
        async (server) => {
          const small = Array.from({ length: 10 }, (_, i) => `small-${clients}/${i}`);
          await fill(server, small, 1024);
          await asked(server, 'DELETE', small, 1);
        },
      ],
    ];
    for (const [what, measure, before] of rows) {
      // What is deleted, and what takes gigabytes, is done once.
      const rounds = what.startsWith('GET') || what.startsWith('HEAD') ? ROUNDS : 1;
      await row(`${shown(LARGE)}, ${clients} clients: ${what}`, all, 'more', measure, { rounds, ...(before && { before }) });
    }
    for (const file of files) rmSync(file, { force: true });
  }
}

/**
 * The same for more clients than the disk has room for twice: the bytes are made as they are sent, and one server is stopped and its data removed before
 * the next begins. What is read is more than the page cache holds.
 */
export async function many(all: Server[]): Promise<void> {
  const keys = Array.from({ length: MANY }, (_, i) => `many/${i}`);
  for (const server of all) {
    const rows: [string, () => Promise<number>][] = [
      [
        'PUT, MiB/s',
        () =>
          perSecond(
            keys.map((key, i) => () => sent(server, key, i)),
            LARGE / 2 ** 20,
          ),
      ],
      [
        'GET, MiB/s',
        () =>
          perSecond(
            keys.map((key) => () => curlSeconds([urlOf(server, 'GET', key)])),
            LARGE / 2 ** 20,
          ),
      ],
      ['HEAD, requests/s', () => asked(server, 'HEAD', keys, MANY)],
      ['DELETE, requests/s', () => asked(server, 'DELETE', keys, MANY)],
    ];
    try {
      for (const [what, measure] of rows)
        say(`${shown(LARGE)}, ${MANY} clients: ${what}: ${server.name} ${(await measure()).toFixed(1)}`);
    } catch (error) {
      say(`${shown(LARGE)}, ${MANY} clients: ${server.name} failed (${error instanceof Error ? error.message : error})`);
    }
    await server.stop();
  }
}

/** A PUT of bytes of chance, each piece of them with a stamp of its own, as fast as they are taken. */
async function sent(server: Server, key: string, client: number): Promise<void> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  const answer = once(socket, 'data') as Promise<[Buffer]>;
  answer.catch(() => undefined);
  const head = `PUT ${target(urlOf(server, 'PUT', key))} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Length: ${LARGE}\r\n\r\n`;
  const body = randomBytes(Math.min(LARGE, 2 ** 20));
  const write = (bytes: string | Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  await write(head);
  for (let at = 0; at < LARGE; at += body.length) {
    for (let piece = 0; piece + 8 <= body.length; piece += STAMP_EVERY) {
      body.writeUInt32LE(client, piece);
      body.writeUInt32LE((at + piece) / STAMP_EVERY, piece + 4);
    }
    await write(body.subarray(0, LARGE - at));
  }
  const [first] = await answer;
  socket.destroy();
  if (!/^HTTP\/1.1 20[04]/.test(first.toString('latin1'))) throw new Error(`a PUT answers ${first.toString('latin1', 0, 60)}`);
}
