import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Connection } from '../../src/metadata/database.ts';

/** What becomes of one message of a client on its way to the database. */
export type Passage =
  | 'through'
  /** The connection breaks before the database has it. */
  | 'lost'
  /** The database does it, and the connection breaks before the client has the answer. */
  | 'answer lost'
  /** The same, where the client has CUT_BYTES of the answer, which must be longer. */
  | 'answer cut'
  /** The connection breaks for the client, and the database gets the message when `release` is called. */
  | 'late'
  /** It and what follows on its connection waits until `release` is called. */
  | 'held';

/** As many rows of a few KB as make sure that there is one, and that it was not all. */
const CUT_BYTES = 32 << 10;

/** A wire to the database that breaks when it is told to. */
export interface LossyWire {
  connection: { url: string };
  /** Asked for each message of a client; several statements may be one. Everything goes through without it. */
  passage: ((message: Buffer) => Passage) | null;
  /** What is late or held arrives; resolves when the database has done what was late. */
  release(): Promise<void>;
  /** Of what is open nothing comes through any more, and nobody is told. What is opened later is as before. */
  fallSilent(): void;
  close(): Promise<void>;
}

export async function lossyWire(to: Connection): Promise<LossyWire> {
  const { upstream, user, password, database } = endOf(to);
  const open = new Set<Socket>();
  const late: { server: Socket; message: Buffer }[] = [];
  const held = new Map<Socket, Buffer[]>();
  const wire: LossyWire = {
    connection: { url: '' },
    passage: null,
    async release() {
      for (const [server, messages] of held) for (const message of messages) server.write(message);
      held.clear();
      for (const { server, message } of late.splice(0)) {
        server.write(message);
        await once(server, 'data');
        server.destroy();
      }
    },
    fallSilent() {
      for (const socket of open) socket.removeAllListeners('data').pause();
    },
    async close() {
      for (const socket of open) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };

  const listener = createServer((client) => {
    const server = upstream();
    for (const socket of [client, server]) {
      open.add(socket);
      socket.on('error', () => undefined); // the other side's affair
      socket.on('close', () => open.delete(socket));
    }
    let deaf = false;
    client.on('data', (message: Buffer) => {
      if (deaf) return;
      const waiting = held.get(server);
      if (waiting !== undefined) {
        waiting.push(message);
        return;
      }
      const passage = wire.passage?.(message) ?? 'through';
      if (passage === 'through') {
        server.write(message);
        return;
      }
      if (passage === 'held') {
        held.set(server, [message]);
        return;
      }
      deaf = true;
      if (passage === 'answer cut') {
        let passed = 0;
        server.on('data', ({ length }) => {
          passed += length;
          if (passed < CUT_BYTES) return;
          server.removeAllListeners('data').pause();
          client.end(() => server.destroy());
        });
        server.write(message);
        return;
      }
      if (passage === 'answer lost') {
        server.removeAllListeners('data');
        server.once('data', () => {
          client.destroy();
          server.destroy();
        });
        server.write(message);
        return;
      }
      server.removeAllListeners('data');
      if (passage === 'late') late.push({ server, message });
      else server.destroy();
      client.destroy();
    });
    server.on('data', (answer: Buffer) => client.write(answer));
    server.on('close', () => client.destroy());
    client.on('close', () => {
      if (!late.some((one) => one.server === server)) server.end();
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const login = password === '' ? user : `${user}:${password}`;
  wire.connection = { url: `postgres://${login}@127.0.0.1:${address.port}/${database}` };
  return wire;
}

function endOf(to: Connection): { upstream: () => Socket; user: string; password: string; database: string } {
  if ('url' in to) {
    const { hostname, port, username, password, pathname } = new URL(to.url);
    const upstream = () => createConnection(Number(port || 5432), hostname);
    return { upstream, user: username, password, database: pathname.slice(1) };
  }
  const { socketDirectory, port, user, database } = to;
  return { upstream: () => createConnection(join(socketDirectory, `.s.PGSQL.${port}`)), user, password: '', database };
}
