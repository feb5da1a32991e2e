/**
 * The event stream: what a thousand sockets cost the gateway, and how long a commit takes to reach a subscriber, by turns with a bare NOTIFY round trip on the same database:
 * first where each of the thousand follows a folder of its own and one of them is concerned, then where all follow the same and hear everything.
 *   node test/bench/events.ts [sockets]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { WebSocket } from 'ws';
import { createClient } from '../../clients/typescript/index.ts';
import { startGateway } from '../support/gateway.ts';
import { median } from './load.ts';

const sockets = Number(process.argv[2] ?? 1_000);
const ROUNDS = 100;
const url = process.env.CLOUDSTORE_TEST_DATABASE_URL;

const gateway = await startGateway({
  env: { CLOUDSTORE_LOG_LEVEL: 'error', ...(url === undefined ? {} : { CLOUDSTORE_DATABASE_URL: url }) },
});
const own = { host: join(gateway.dataDir, 'postgres-socket'), user: 'cloudstore', database: 'cloudstore' };
const [listener, sender] = [new pg.Client(url ?? own), new pg.Client(url ?? own)];
try {
  const client = createClient({ url: gateway.webUrl });
  await client.login(gateway.user, gateway.password);
  await client.call('PutFile', { path: { bucket: 'home', key: 'warm' }, body: 'x' });
  await Promise.all([listener.connect(), sender.connect()]);
  await listener.query('LISTEN bench');
  const token = await client.session.token();
  const resident = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  const before = resident();
  let told: (at: number) => void = () => undefined;

  function open(prefix: string): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`${gateway.webUrl.replace(/^http/, 'ws').replace(/\/$/, '')}/ws`);
      socket.once('error', reject);
      socket.on('open', () => socket.send(JSON.stringify({ type: 'auth', token })));
      socket.on('message', (data) => {
        const { type } = JSON.parse(data.toString());
        if (type === 'ready') socket.send(JSON.stringify({ type: 'subscribe', bucket: 'home', prefix }));
        else if (type === 'subscribed') resolve(socket);
        else if (type === 'event') told(performance.now());
      });
    });
  }
  async function bare(): Promise<number> {
    const came = new Promise<void>((resolve) => listener.once('notification', () => resolve()));
    const begun = performance.now();
    await sender.query(`SELECT pg_notify('bench', 'x')`);
    await came;
    return performance.now() - begun;
  }
  /** Times from the answer of a PUT to each of the events that it makes; one that comes before the answer counts as at once. */
  async function delivered(key: string, expected: number): Promise<number[]> {
    const times: number[] = [];
    const everybody = new Promise<void>((resolve) => {
      told = (at) => void (times.push(at) === expected && resolve());
    });
    await client.call('PutFile', { path: { bucket: 'home', key }, body: 'x' });
    const committed = performance.now();
    await everybody;
    return times.map((at) => Math.max(0, at - committed));
  }
  async function measure(what: string, expected: number, keyOf: (round: number) => string): Promise<void> {
    const [trips, events, last]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round++) {
      trips.push(await bare());
      const times = await delivered(keyOf(round), expected);
      events.push(...times);
      last.push(Math.max(...times));
    }
    const [trip, event] = [median(trips), median(events)];
    console.log(
      `${what}: an event after ${event.toFixed(2)} ms, the last after ${median(last).toFixed(2)} ms (medians); a bare NOTIFY round trip ${trip.toFixed(2)} ms; ratio ${(event / trip).toFixed(2)} (target: 3)`,
    );
  }

  const each = await Promise.all(Array.from({ length: sockets }, (_, n) => open(`own/${n}/`)));
  console.log(`${sockets} sockets: ${(resident() - before).toFixed(0)} MiB more resident memory`);
  await measure(`${sockets} subscribers, each of a folder`, 1, (round) => `own/${(round * 7) % sockets}/${round}`);
  for (const socket of each) socket.terminate();
  const all = await Promise.all(Array.from({ length: sockets }, () => open('')));
  await measure(`${sockets} subscribers of the same`, sockets, (round) => `all/${round}`);
  for (const socket of all) socket.terminate();
} finally {
  await Promise.all([listener.end(), sender.end()]).catch(() => undefined);
  await gateway.stop();
}
