import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, Connections } from './connections.ts';
import type { UpgradeDoor } from './door.ts';

/** What a drain gives to clients of upgraded connections, and to those that have connected and asked nothing yet. */
const UPGRADED_MS_MAX = 1000;
const FIRST_REQUEST_MS_MAX = 1000;

/** Accepts no more and lets what runs end; what has not after `ms` is told so, and its sockets are destroyed. */
export async function drainAll(servers: Server[], connections: Connections, upgrades: UpgradeDoor[], ms: number): Promise<void> {
  const ended = Promise.all(servers.map(closed));
  for (const door of upgrades) door.drain?.();
  for (const connection of connections.all()) {
    for (const res of connection.active.values()) res.shouldKeepAlive = false;
    if (connection.upgraded) destroyLater(connection.socket, Math.min(ms, UPGRADED_MS_MAX));
    // It was accepted a moment ago: closed now, the request that is on its way would be lost.
    else if (!connection.asked) endUnasked(connection, Math.min(ms, FIRST_REQUEST_MS_MAX));
    else if (connection.active.size === 0) connection.socket.destroySoon();
  }
  const stop = new AbortController();
  const inTime = await Promise.race([ended.then(() => true), sleep(ms, false, { signal: stop.signal })]);
  stop.abort();
  if (inTime) return;
  for (const { active } of connections.all()) for (const exchange of active.keys()) exchange.abort();
  // A door that was only waiting for its body can still say that it gave up.
  await sleep(100);
  for (const { socket } of connections.all()) socket.destroy();
  await ended;
}

function endUnasked(connection: Connection, ms: number): void {
  const { socket } = connection;
  const timer = setTimeout(() => connection.asked || socket.destroySoon(), ms);
  socket.once('close', () => clearTimeout(timer));
}

function destroyLater(socket: Duplex, ms: number): void {
  const timer = setTimeout(() => socket.destroy(), ms);
  socket.once('close', () => clearTimeout(timer));
}

/** Resolves when the server has no connection left. */
export function closed(server: Server): Promise<void> {
  return new Promise((resolve) => (server.listening ? server.close(() => resolve()) : resolve()));
}
