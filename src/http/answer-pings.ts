import type { WebSocket } from 'ws';

/** A pong has at most 125 bytes of data. */
const BUFFERED_BYTES_MAX = 16_384;

/**
 * Answers pings as long as the answers are taken. Of several the last one may be answered alone (RFC 6455 §5.5.3), so who pings and never reads costs no memory.
 * The server of the socket has `autoPong: false`.
 */
export function answerPings(socket: WebSocket): void {
  socket.on('ping', (data) => {
    if (socket.readyState === socket.OPEN && socket.bufferedAmount < BUFFERED_BYTES_MAX) socket.pong(data);
  });
}
