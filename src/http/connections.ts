import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Exchange } from './exchange.ts';

export interface Patience {
  /** A request's body must bring this many bytes a second, on average over `bodyStallMs`. */
  bodyBytesPerSecondMin: number;
  bodyStallMs: number;
  /** An answer may stand still for so long: players pause. */
  answerStallMs: number;
}

/** What one client connection is busy with. */
export interface Connection {
  socket: Socket;
  active: Map<Exchange, ServerResponse>;
  upgraded: boolean;
  /** A request came: before the first one it is not idle, its client is about to ask. */
  asked: boolean;
  /** Of the socket, at the end of the last request: the difference is what a request cost. */
  readBefore: number;
  writtenBefore: number;
  /** Watchdog: where the body and the answer stood, and since when (performance.now). */
  bodyMark: number;
  bodySince: number;
  answerMark: number;
  answerSince: number;
}

export interface Connections {
  of(socket: Duplex): Connection | undefined;
  all(): Iterable<Connection>;
  count(): number;
  /** Ends connections whose client stalls. Call every few seconds. */
  watch(now: number): void;
}

/** Keeps the book of a server's connections. */
export function trackConnections(servers: readonly Server[], patience: Patience): Connections {
  const connections = new Map<Duplex, Connection>();
  for (const server of servers) {
    // On TLS the HTTP server's socket is the one after the handshake.
    server.on(isTls(server) ? 'secureConnection' : 'connection', (socket: Socket) => {
      connections.set(socket, {
        socket,
        active: new Map(),
        upgraded: false,
        asked: false,
        readBefore: 0,
        writtenBefore: 0,
        bodyMark: 0,
        bodySince: 0,
        answerMark: 0,
        answerSince: 0,
      });
      socket.once('close', () => connections.delete(socket));
    });
  }
  return {
    of: (socket) => connections.get(socket),
    all: () => connections.values(),
    count: () => connections.size,
    watch(now) {
      for (const connection of connections.values()) {
        if (connection.upgraded) continue;
        const stalled = watchBody(connection, now, patience) ?? watchAnswer(connection, now, patience);
        if (stalled === undefined) continue;
        for (const exchange of connection.active.keys())
          exchange.log.info({ stalled }, 'the client stalls; the connection is closed');
        connection.socket.destroy();
      }
    },
  };
}

function isTls(server: Server): boolean {
  return 'setSecureContext' in server;
}

/**
 * A client that drips its body holds memory and locks for ever; one that is slow but moves is served for days. Only what
 * the client withholds counts: while we are the slow side, its bytes wait in our buffer.
 */
function watchBody(connection: Connection, now: number, patience: Patience): string | undefined {
  const waiting = [...connection.active.keys()].some(({ req }) => !req.complete && !hasUnread(req));
  if (!waiting || connection.bodySince === 0) {
    connection.bodySince = waiting ? now : 0;
    connection.bodyMark = connection.socket.bytesRead;
    return undefined;
  }
  const elapsed = now - connection.bodySince;
  if (elapsed < patience.bodyStallMs) return undefined;
  const bytes = connection.socket.bytesRead - connection.bodyMark;
  connection.bodySince = now;
  connection.bodyMark = connection.socket.bytesRead;
  return (bytes * 1000) / elapsed < patience.bodyBytesPerSecondMin ? 'body' : undefined;
}

function hasUnread(req: IncomingMessage): boolean {
  return req.readableLength > 0;
}

function watchAnswer(connection: Connection, now: number, patience: Patience): string | undefined {
  const { socket } = connection;
  if (socket.writableLength === 0) {
    connection.answerSince = 0;
    return undefined;
  }
  const handedOn = socket.bytesWritten - socket.writableLength;
  if (connection.answerSince === 0 || handedOn !== connection.answerMark) {
    connection.answerMark = handedOn;
    connection.answerSince = now;
    return undefined;
  }
  return now - connection.answerSince >= patience.answerStallMs ? 'answer' : undefined;
}
