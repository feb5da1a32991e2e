import type { Socket } from 'node:net';
import { foreignCalls } from './foreign-calls.ts';

const IPPROTO_TCP = 6;
const TCP_USER_TIMEOUT = 18;

/**
 * From when on bytes that the other machine does not acknowledge end the connection: TCP_USER_TIMEOUT of Linux, else it is about 15 minutes. What takes long there is
 * not touched: a machine that runs acknowledges what it has got. It also ends one that takes no bytes for so long. Of a connected socket; nothing happens on another system, or
 * without a prebuild of the calling package.
 */
export function limitUnacknowledged(socket: Socket, ms: number): void {
  const fd = descriptorOf(socket);
  const calls = process.platform === 'linux' && fd >= 0 ? foreignCalls() : null;
  if (calls === null) return;
  try {
    const setsockopt = calls.loaded.func('setsockopt', 'int', ['int', 'int', 'int', 'uint *', 'uint']);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, [ms], 4);
  } catch {
    // as without the package
  }
}

/** Node has no word for it. -1: none, or none that is known. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: { fd?: unknown } | null };
  return typeof handle?.fd === 'number' ? handle.fd : -1;
}
