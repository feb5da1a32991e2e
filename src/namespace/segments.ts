import { isCloudStoreError } from '#core/errors';
import type { Bytes } from '#core/stream';

export interface SegmentLimits {
  /** A segment ends with the piece that reaches this. */
  bytesMax: number;
  /** A segment ends with the piece that comes later than this after its first: what trickles in is kept too. */
  msMax: number;
}

/** A body cut into bodies that are stored one by one. */
export interface Segments {
  /** The next one; null at the end. The one before has been read to its end. */
  next(): Promise<Bytes | null>;
  /** When the last one that `next` gave has been read to its end; never, where its reader left it. */
  read(): Promise<void>;
  /** Why the body broke off, once it has; what came before is whole segments. */
  broken(): unknown;
  /** Nothing more is read: `stop` is heard of no more, and keeps nothing of the body alive. */
  close(): void;
}

/**
 * Cuts a body that may break: its connection going away, or `stop`, ends the segment of then like any other, so that what came can be kept. Everything else
 * that the body throws goes to whoever reads the segment. Pieces are never cut, because their memory may be handed back whole.
 */
export function createSegments(body: Bytes, limits: SegmentLimits, stop: AbortSignal): Segments {
  const pieces = body[Symbol.asyncIterator]();
  let ahead: Uint8Array | null = null;
  let ended = false;
  let why: unknown = null;
  let read: Promise<void> = Promise.resolve();
  /** Of the piece that is waited for. A promise of the whole body's would gather a reaction for every piece. */
  let interrupt: (() => void) | null = null;
  const onStop = (): void => interrupt?.();
  stop.addEventListener('abort', onStop, { once: true });

  function nextPiece(): Promise<IteratorResult<Uint8Array> | 'stopped'> {
    return new Promise((resolve, reject) => {
      interrupt = () => resolve('stopped');
      if (stop.aborted) interrupt();
      else pieces.next().then(resolve, reject);
    });
  }

  /** null at the end, and where it broke. */
  async function pull(): Promise<Uint8Array | null> {
    if (ahead !== null) {
      const piece = ahead;
      ahead = null;
      return piece;
    }
    if (ended) return null;
    try {
      const pulled = await nextPiece();
      if (pulled === 'stopped') {
        ended = true;
        why = stop.reason;
        return null;
      }
      if (pulled.done !== true) return pulled.value;
      ended = true;
      return null;
    } catch (error) {
      ended = true;
      if (!isCloudStoreError(error, 'incomplete_body')) throw error;
      why = error;
      return null;
    }
  }

  return {
    async next() {
      ahead = await pull();
      if (ahead === null) return null;
      const begun = performance.now();
      let size = 0;
      let end = (): void => undefined;
      read = new Promise((resolve) => (end = resolve));
      return {
        async *[Symbol.asyncIterator]() {
          while (size < limits.bytesMax && performance.now() - begun < limits.msMax) {
            const piece = await pull();
            if (piece === null) break;
            size += piece.length;
            yield piece;
          }
          end();
        },
      };
    },
    read: () => read,
    broken: () => why,
    close: () => stop.removeEventListener('abort', onStop),
  };
}
