import type { Duplex } from 'node:stream';
import type { Connection } from './connections.ts';

const REASONS: Record<number, string> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large',
};

/**
 * What node's parser refuses never becomes a request: a bare status line, and the connection ends, because nobody knows
 * where the next request would begin. In the middle of an exchange not even that: it would look like the answer's body.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex, connection: Connection | undefined): void {
  const busy = connection !== undefined && connection.active.size > 0;
  if (error.code === 'ECONNRESET' || !socket.writable || busy) {
    socket.destroy();
    return;
  }
  const status = statusOf(error.code);
  socket.end(`HTTP/1.1 ${status} ${REASONS[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

function statusOf(code: string | undefined): number {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return 413;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408;
  return 400;
}
