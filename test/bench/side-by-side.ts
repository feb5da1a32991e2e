import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { presign } from '../support/presign.ts';
import { flag, target } from './common.ts';
import { answerTo } from './load.ts';

export interface Server {
  name: string;
  /** What it does before it answers a PUT. */
  durability: string;
  url: string;
  accessKeyId: string;
  secretAccessKey: string;
  stop(): Promise<void>;
}

export const BUCKET = 'bench';
export const SECONDS = Number(flag('seconds') ?? 5);
export const ROUNDS = Number(flag('rounds') ?? 3);

/** Requests a second by sockets of our own. Each key at most once for DELETE. */
export async function asked(server: Server, method: 'HEAD' | 'DELETE', keys: string[], clients: number): Promise<number> {
  const requests = keys.map((key) => requestOf(server, method, key));
  const from = performance.now();
  const until = from + SECONDS * 1000;
  const done = await exchanged(server, clients, (i) =>
    performance.now() < until && (method === 'HEAD' || i < keys.length) ? (requests[i % requests.length] ?? null) : null,
  );
  return done / ((performance.now() - from) / 1000);
}

/** As lean as wrk: nothing is made or parsed that need not be. Ends when there is no request any more, and gives how many there were. */
async function exchanged(server: Server, clients: number, request: (i: number) => Buffer | null): Promise<number> {
  const { hostname, port } = new URL(server.url);
  let next = 0;
  let done = 0;
  const client = async (): Promise<void> => {
    let socket: Socket | null = null;
    for (let bytes = request(next++); bytes !== null; bytes = request(next++)) {
      // Some close behind each answer.
      socket = socket !== null && !socket.destroyed && socket.writable ? socket : connect(Number(port), hostname).setNoDelay();
      const head = await answerTo(socket, bytes);
      if (!/^HTTP\/1.1 20[04]/.test(head)) throw new Error(`${bytes.toString('latin1', 0, 6)}… answers ${head.slice(0, 30)}`);
      if (/\r\nconnection: close/i.test(head)) socket.destroy();
      done++;
    }
    socket?.destroy();
  };
  await Promise.all(Array.from({ length: clients }, client));
  return done;
}

export function requestOf(server: Server, method: string, key: string, body?: Buffer): Buffer {
  const { host } = new URL(server.url);
  const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`;
  const head = Buffer.from(`${method} ${target(urlOf(server, method, key))} HTTP/1.1\r\nHost: ${host}\r\n${length}\r\n`);
  return body === undefined ? head : Buffer.concat([head, body]);
}

/** Stores objects of one size, untimed, each of its own bytes. */
export async function fill(server: Server, keys: string[], size: number): Promise<void> {
  await exchanged(server, 16, (i) => {
    const key = keys[i];
    return key === undefined ? null : requestOf(server, 'PUT', key, randomBytes(size));
  });
}

/** The best of some rounds for each server, in turn so that the machine's moods are everybody's; ours to the best peer's. */
export async function row(
  what: string,
  all: Server[],
  better: 'more' | 'less',
  measure: (server: Server) => Promise<number>,
  { rounds = ROUNDS, before }: { rounds?: number; before?: (server: Server) => Promise<unknown> } = {},
): Promise<void> {
  const found = new Map<Server, number[]>();
  const failed = new Map<Server, string>();
  for (let round = 0; round < rounds; round++) {
    for (const server of all) {
      if (failed.has(server)) continue;
      try {
        await before?.(server); // untimed
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

export function urlOf(server: Server, method: string, key: string, query: Record<string, string> = {}): string {
  const search = new URLSearchParams(query).toString();
  const base = `${server.url.replace(/\/$/, '')}/${BUCKET}${key === '' ? '' : `/${key}`}`;
  return presign(method, search === '' ? base : `${base}?${search}`, server, new Date());
}

export function bytesOf(text: string): number {
  const [, count = '0', unit = ''] = /^(\d+)(KiB|MiB|GiB)?$/.exec(text) ?? [];
  return Number(count) * 1024 ** ['', 'KiB', 'MiB', 'GiB'].indexOf(unit);
}

export function shown(bytes: number): string {
  const power = bytes >= 2 ** 30 ? 3 : bytes >= 2 ** 20 ? 2 : bytes >= 2 ** 10 ? 1 : 0;
  return `${bytes / 1024 ** power} ${['B', 'KiB', 'MiB', 'GiB'][power]}`;
}

export function say(line: string): void {
  console.log(line);
}

/** How much a second of what some begin at the same time, each of which does `each`. */
export async function perSecond(some: (() => Promise<unknown>)[], each: number): Promise<number> {
  const from = performance.now();
  await Promise.all(some.map((one) => one()));
  return (some.length * each) / ((performance.now() - from) / 1000);
}
