import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How the record of a TLS handshake begins; no method of HTTP does. */
const HANDSHAKE = 22;

/**
 * Lets one port speak TLS and plain HTTP: the first byte of a connection tells which it is. `secure` listens; `plain` never does, and is given those connections.
 * @param patienceMs how long a client may keep silent before it has said anything
 */
export function speakBoth(secure: Server, plain: Server, patienceMs: number): void {
  const handshake = secure.listeners('connection') as ((socket: Socket) => void)[]; // node's own: it wraps the socket
  secure.removeAllListeners('connection');
  secure.on('connection', (socket: Socket) => {
    const giveUp = (): void => void socket.destroy();
    const begin = (): void => {
      const first: Buffer | null = socket.read(1);
      if (first === null) {
        // The end came before a byte did.
        if (socket.readableEnded || socket.destroyed) return;
        socket.once('readable', begin);
        return;
      }
      socket.off('error', giveUp);
      socket.setTimeout(0);
      socket.off('timeout', giveUp);
      socket.unshift(first);
      if (first[0] === HANDSHAKE) for (const listener of handshake) listener.call(secure, socket);
      else plain.emit('connection', socket);
    };
    socket.on('error', giveUp);
    socket.setTimeout(patienceMs);
    socket.once('timeout', giveUp);
    socket.once('end', () => socket.end());
    socket.once('readable', begin);
  });
}
