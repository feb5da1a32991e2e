/**
 * The event stream: what a thousand sockets cost the gateway, and how long a commit takes to reach a subscriber, by turns with a bare NOTIFY round trip on the same database:
 * first where each of the thousand follows a folder of its own and one of them is concerned, then where all follow the same and hear everything. The latter also by turns with
 * a bare server of the same `ws` package in a process of its own, which sends as many messages of the same length when it is told to: what it takes is what a thousand messages cost.
 *   node test/bench/events.ts [sockets]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
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

const BARE = `import { WebSocketServer } from 'ws';
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, clientTracking: true }, () => console.log(server.address().port));
const message = JSON.stringify({ type: 'event', text: 'x'.repeat(300) });
process.stdin.on('data', () => { for (const socket of server.clients) socket.send(message); });`;

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
  async function measure(
    what: string,
    expected: number,
    keyOf: (round: number) => string,
    floor?: () => Promise<number[]>,
  ): Promise<void> {
    const [trips, events, last, floors]: [number[], number[], number[], number[]] = [[], [], [], []];
    for (let round = 0; round < ROUNDS; round++) {
      trips.push(await bare());
      if (floor !== undefined) floors.push(...(await floor()));
      const times = await delivered(keyOf(round), expected);
      events.push(...times);
      last.push(Math.max(...times));
    }
    const [trip, event] = [median(trips), median(events)];
    console.log(
      `${what}: an event after ${event.toFixed(2)} ms, the last after ${median(last).toFixed(2)} ms (medians); a bare NOTIFY round trip ${trip.toFixed(2)} ms; ratio ${(event / trip).toFixed(2)} (target: 3)`,
    );
    if (floor !== undefined)
      console.log(
        `the same from a bare ws server: ${median(floors).toFixed(2)} ms; ratio ${(event / median(floors)).toFixed(2)}`,
      );
  }

  /** As many sockets to a server that does nothing else. */
  async function bareServer(): Promise<{ floor: () => Promise<number[]>; stop: () => void }> {
    const child = spawn(process.execPath, ['--input-type=module', '-e', BARE], { stdio: ['pipe', 'pipe', 'inherit'] });
    const port = Number(String((await once(child.stdout, 'data'))[0]));
    let heard: () => void = () => undefined;
    const ends = await Promise.all(
      Array.from({ length: sockets }, async () => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}`);
        socket.on('message', (data) => JSON.parse(data.toString()).type === 'event' && heard());
        await once(socket, 'open');
        return socket;
      }),
    );
    return {
      floor: () =>
        new Promise((resolve) => {
          const times: number[] = [];
          const begun = performance.now();
          heard = () => void (times.push(performance.now() - begun) === sockets && resolve(times));
          child.stdin.write('x');
        }),
      stop: () => {
        for (const socket of ends) socket.terminate();
        child.kill('SIGKILL');
      },
    };
  }

  const each = await Promise.all(Array.from({ length: sockets }, (_, n) => open(`own/${n}/`)));
  console.log(`${sockets} sockets: ${(resident() - before).toFixed(0)} MiB more resident memory`);
  await measure(`${sockets} subscribers, each of a folder`, 1, (round) => `own/${(round * 7) % sockets}/${round}`);
  for (const socket of each) socket.terminate();
  const all = await Promise.all(Array.from({ length: sockets }, () => open('')));
  const alone = await bareServer();
  await measure(`${sockets} subscribers of the same`, sockets, (round) => `all/${round}`, alone.floor);
  alone.stop();
  for (const socket of all) socket.terminate();
} finally {
  await Promise.all([listener.end(), sender.end()]).catch(() => undefined);
  await gateway.stop();
}
