/**
 * The event stream: what a thousand sockets cost the gateway, and how long a commit takes to reach them, against a bare NOTIFY on the same database.
 *   node test/bench/events.ts [sockets]
 */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { WebSocket } from 'ws';
import { createClient } from '../../clients/typescript/index.ts';
import { startGateway } from '../support/gateway.ts';

const sockets = Number(process.argv[2] ?? 1_000);
const ROUNDS = 100;
const url = process.env.CLOUDSTORE_TEST_DATABASE_URL;

const gateway = await startGateway({
  env: { CLOUDSTORE_LOG_LEVEL: 'error', ...(url === undefined ? {} : { CLOUDSTORE_DATABASE_URL: url }) },
});
try {
  const client = createClient({ url: gateway.webUrl });
  await client.login(gateway.user, gateway.password);
  await client.call('PutFile', { path: { bucket: 'home', key: 'warm' }, body: 'x' });
  const token = await client.session.token();
  const resident = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  const before = resident();
  let heard = 0;
  let last: (() => void) | null = null;
  const open = await Promise.all(
    Array.from(
      { length: sockets },
      () =>
        new Promise<WebSocket>((resolve, reject) => {
          const socket = new WebSocket(`${gateway.webUrl.replace(/^http/, 'ws').replace(/\/$/, '')}/ws`);
          socket.once('error', reject);
          socket.on('open', () => socket.send(JSON.stringify({ type: 'auth', token })));
          socket.on('message', (data) => {
            const { type } = JSON.parse(data.toString());
            if (type === 'ready') socket.send(JSON.stringify({ type: 'subscribe', bucket: 'home' }));
            else if (type === 'subscribed') resolve(socket);
            else if (type === 'event' && ++heard === sockets) last?.();
          });
        }),
    ),
  );
  console.log(`${sockets} sockets: ${(resident() - before).toFixed(0)} MiB more resident memory`);
  const first: number[] = [];
  const all: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    heard = 0;
    const everybody = new Promise<void>((resolve) => (last = resolve));
    const one = new Promise<void>((resolve) => open[round % sockets]!.once('message', () => resolve()));
    await client.call('PutFile', { path: { bucket: 'home', key: `e/${round}` }, body: 'x' });
    const committed = performance.now();
    await one;
    first.push(performance.now() - committed);
    await everybody;
    all.push(performance.now() - committed);
  }
  const median = (times: number[]): string => times.sort((a, b) => a - b)[times.length >> 1]!.toFixed(2);
  console.log(`from the answer of a PUT to one socket: ${median(first)} ms; to all: ${median(all)} ms`);
  if (url === undefined) console.log('with CLOUDSTORE_TEST_DATABASE_URL a bare NOTIFY is measured beside it');
  else {
    const [listener, sender] = [new pg.Client(url), new pg.Client(url)];
    await Promise.all([listener.connect(), sender.connect()]);
    await listener.query('LISTEN bench');
    const bare: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const came = new Promise<void>((resolve) => listener.once('notification', () => resolve()));
      const begun = performance.now();
      await sender.query(`SELECT pg_notify('bench', 'x')`);
      await came;
      bare.push(performance.now() - begun);
    }
    console.log(`a bare NOTIFY round trip: ${median(bare)} ms`);
    await Promise.all([listener.end(), sender.end()]);
  }
  for (const socket of open) socket.terminate();
} finally {
  await gateway.stop();
}
