import { disposable } from '#core/stream';
import type { ReadBuffer } from './read-buffers.ts';
import type { Wanted } from './read-plan.ts';

/** Verified plaintext. */
export interface Opened {
  plain: Buffer[];
  /** What of it lies in the buffer that was read into, which belongs to the consumer then. */
  borrowed: Buffer[];
}

/** Less is copied out of the buffer that it was read into, which serves again at once. */
const BORROWED_BYTES_MIN = 256 << 10;
/** Of what is yielded (Content.read). */
const PIECE_BYTES_MAX = 1 << 20;

/**
 * What is wanted of opened segments, each piece the consumer's own.
 * @param start of the first one, in its chunk
 * @param fetched what was read, where that may be other memory than `into` is now
 */
export function openedOf(
  pieces: Buffer[],
  { from, to }: Wanted,
  start: number,
  into: ReadBuffer,
  fetched: Buffer | null,
): Opened {
  const plain: Buffer[] = [];
  const borrowed: Buffer[] = [];
  let at = start;
  for (const piece of pieces.flatMap(inBounds)) {
    const [first, end] = [Math.max(0, from - at), Math.min(piece.length, to - at)];
    at += piece.length;
    if (first >= end) continue;
    const part = end - first < piece.length ? piece.subarray(first, end) : piece;
    if (piece.buffer === into.bytes.buffer && part.length >= BORROWED_BYTES_MIN) {
      borrowed.push(part);
      plain.push(part);
    } else if (piece.buffer === into.bytes.buffer || piece.buffer === fetched?.buffer) plain.push(copyOf(part));
    else plain.push(piece.length === piece.buffer.byteLength ? disposable(part) : part);
  }
  return { plain, borrowed };
}

function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return disposable(copy);
}

/** Joined segments may be a short one longer than what Content.read yields at once. */
function inBounds(piece: Buffer): Buffer[] {
  return piece.length <= PIECE_BYTES_MAX
    ? [piece]
    : [piece.subarray(0, PIECE_BYTES_MAX), ...inBounds(piece.subarray(PIECE_BYTES_MAX))];
}
