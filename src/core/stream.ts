/** A body in motion: a Node Readable is one. Chunks are non-empty and the consumer's to read until the next pull. */
export interface Bytes extends AsyncIterable<Uint8Array> {
  /**
   * All of it at once, in place of an iteration, where the source can do that for less than an iterator costs; the consumer's to keep.
   * Not all of a body of more than `bytesMax`, but more than that. Throws as the iteration does.
   */
  whole?(bytesMax: number): Promise<Buffer>;
  /**
   * Hands out all of it, in place of an iteration, where the source can do that for less than an iterator costs: a promise or more for every piece.
   * Resolves at the end. Throws as the iteration does, `aborted` once the signal fires, and what `take` throws. Either way it waits for the piece
   * that is being taken, and hands out nothing after it.
   */
  each?(take: Take, signal: AbortSignal | undefined): Promise<void>;
}

/** Takes a piece of a body. null: ready for the next one; else that comes when the promise has resolved. */
export type Take = (bytes: Uint8Array) => Promise<void> | null;

const DISPOSABLE = Symbol('disposable');

/** How many buffers on one memory their consumers still look at, and who wants it back; the allocator, where nobody does. */
interface Shared {
  left: number;
  giveBack: (() => void) | undefined;
}

/** Marks a buffer that is alone on its memory and that nobody else will look at again, so that its consumer can hand that back. */
export function disposable(bytes: Buffer): Buffer {
  return disposableTogether([bytes])[0]!;
}

/**
 * Marks buffers that together are alone on one memory: it goes back with the last of them.
 * @param giveBack takes it for further use; not called for what nobody disposes of
 */
export function disposableTogether<T extends Buffer & { [DISPOSABLE]?: Shared | undefined }>(
  buffers: T[],
  giveBack?: () => void,
): T[] {
  const shared = { left: buffers.length, giveBack };
  for (const bytes of buffers) bytes[DISPOSABLE] = shared;
  return buffers;
}

/**
 * Its consumer is done with a buffer: where it is marked, its memory goes back to whoever wants it, or to the allocator, now, and must not be looked at from here on.
 * Left to the collector, the megabytes of a streamed object make it run every few milliseconds.
 */
export function dispose(bytes: Uint8Array & { [DISPOSABLE]?: Shared | undefined }): void {
  const shared = bytes[DISPOSABLE];
  if (shared === undefined) return;
  bytes[DISPOSABLE] = undefined;
  if (--shared.left > 0) return;
  if (shared.giveBack !== undefined) shared.giveBack();
  else if (bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength > 0) bytes.buffer.transfer(0);
}

/** A body of buffers at hand. */
export async function* bytesOf(...chunks: Uint8Array[]): Bytes {
  for (const chunk of chunks) if (chunk.length > 0) yield chunk;
}

/** A body that is one buffer at hand, of at least one byte. */
export function wholeBytes(bytes: Buffer): Bytes {
  return {
    whole: async () => bytes,
    async *[Symbol.asyncIterator]() {
      yield bytes;
    },
  };
}

/** Shows each piece of a body to who is done with it at once, and disposes of it. */
export async function consume(body: Bytes, use: (bytes: Uint8Array) => void): Promise<void> {
  for await (const bytes of body) {
    use(bytes);
    dispose(bytes);
  }
}

/** Gathers a body that is known to be small. The caller states the bound. */
export async function collect(body: Bytes, bytesMax: number, tooLarge: () => Error): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > bytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  const [only] = chunks;
  if (only === undefined || chunks.length > 1) {
    const whole = Buffer.concat(chunks, size);
    chunks.forEach(dispose);
    return whole;
  }
  // A view of its own: what is gathered is kept, and no longer to be disposed of.
  return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
}
