import { disposable, dispose } from '#core/stream';

/**
 * Buffers for ciphertext. Half of them are for reading ahead, and nobody waits for those: a slow client may hold one for hours.
 * The other half are for what is needed now; they are given back before anything is yielded, so waiting for one is short.
 */
export interface ReadBuffers {
  take(): Promise<ReadBuffer>;
  /** null when all of the other half are held. */
  tryAhead(): ReadBuffer | null;
  give(buffer: ReadBuffer): void;
  /** As `give`, but somebody keeps its memory: other memory takes its place when it is needed. */
  forgo(buffer: ReadBuffer): void;
  /** What was kept is no longer needed: its memory serves again. */
  recycle(memory: Buffer): void;
}

/** Its memory may be on another thread for a while, and comes back as another Buffer. */
export interface ReadBuffer {
  bytes: Buffer;
}

export function createReadBuffers(bufferBytes: number, count: number): ReadBuffers {
  const free: Buffer[] = [];
  const ahead = new Set<ReadBuffer>();
  const aheadMax = count >> 1;
  const nowMax = count - aheadMax;
  let now = 0;
  const waiting: ((buffer: ReadBuffer) => void)[] = [];
  const fresh = (): ReadBuffer => ({ bytes: free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes) });

  function forgo(buffer: ReadBuffer): void {
    if (ahead.delete(buffer)) return;
    const next = waiting.shift();
    if (next !== undefined) next(fresh());
    else now--;
  }

  return {
    take() {
      if (now === nowMax) return new Promise((resolve) => waiting.push(resolve));
      now++;
      return Promise.resolve(fresh());
    },
    tryAhead() {
      if (ahead.size === aheadMax) return null;
      const buffer = fresh();
      ahead.add(buffer);
      return buffer;
    },
    give(buffer) {
      if (buffer.bytes.length === 0) return forgo(buffer); // lost with a thread
      if (ahead.delete(buffer)) {
        free.push(buffer.bytes);
        return;
      }
      const next = waiting.shift();
      if (next !== undefined) next(buffer);
      else {
        now--;
        free.push(buffer.bytes);
      }
    },
    forgo,
    recycle(memory) {
      if (free.length < count && memory.length === bufferBytes) free.push(memory);
      else dispose(disposable(memory));
    },
  };
}
