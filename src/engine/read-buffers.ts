import { disposable, dispose } from '#core/stream';

/**
 * Buffers for ciphertext. Half of them are for reading ahead, and nobody waits for those: a slow client may hold one for hours.
 * The other half are for what is needed now; they are given back before anything is yielded, so waiting for one is short.
 * What was lent counts, too: where as much is held as all buffers have, further ones are small, so that nobody waits for a client and many take little.
 */
export interface ReadBuffers {
  /** @param small enough for what is there at once */
  take(small?: boolean): Promise<ReadBuffer>;
  /** A small one, at once; null where `take` would wait. */
  tryTake(): ReadBuffer | null;
  /** null when all of the other half are held, or there is none for so many bytes. */
  tryAhead(bytesMin?: number): ReadBuffer | null;
  give(buffer: ReadBuffer): void;
  /** As `give`, but somebody looks at its memory yet, until the result is called or he is gone: other memory takes its place when it is needed. */
  lend(buffer: ReadBuffer): () => void;
}

/** Its memory may be on another thread for a while, and comes back as another Buffer. */
export interface ReadBuffer {
  bytes: Buffer;
  /** Of its memory, also when that was lost with a thread. */
  readonly size: number;
}

export interface ReadBufferSizes {
  whole: number;
  small: number;
}

export function createReadBuffers({ whole, small }: ReadBufferSizes, count: number): ReadBuffers {
  const free = new Map<number, Buffer[]>([
    [whole, []],
    [small, []],
  ]);
  const ahead = new Set<ReadBuffer>();
  const aheadMax = count >> 1;
  const nowMax = count - aheadMax;
  const usedMax = count * whole;
  /** Bytes that are held or lent. */
  let used = 0;
  let now = 0;
  const waiting: { small: boolean; resolve(buffer: ReadBuffer): void }[] = [];
  const forgotten = new FinalizationRegistry<number>((size) => {
    used -= size;
  });

  function fresh(wantsSmall = false): ReadBuffer {
    const size = wantsSmall || used + whole > usedMax ? small : whole;
    used += size;
    return { bytes: free.get(size)!.pop() ?? Buffer.allocUnsafeSlow(size), size };
  }

  function keep(memory: Buffer): void {
    used -= memory.length;
    const shelf = free.get(memory.length)!;
    if (shelf.length < count) shelf.push(memory);
    else dispose(disposable(memory));
  }

  /** Who waits gets another one. */
  function leave(buffer: ReadBuffer): void {
    if (ahead.delete(buffer)) return;
    const next = waiting.shift();
    if (next !== undefined) next.resolve(fresh(next.small));
    else now--;
  }

  return {
    take(small = false) {
      if (now === nowMax) return new Promise((resolve) => waiting.push({ small, resolve }));
      now++;
      return Promise.resolve(fresh(small));
    },
    tryTake() {
      if (now === nowMax) return null;
      now++;
      return fresh(true);
    },
    tryAhead(bytesMin = 0) {
      if (ahead.size === aheadMax || bytesMin > whole || (bytesMin > small && used + whole > usedMax)) return null;
      const buffer = fresh();
      ahead.add(buffer);
      return buffer;
    },
    give(buffer) {
      if (buffer.bytes.length === buffer.size) keep(buffer.bytes);
      else used -= buffer.size; // lost with a thread
      leave(buffer);
    },
    lend(buffer) {
      const { bytes } = buffer;
      const memory = bytes.buffer;
      forgotten.register(memory, buffer.size, memory);
      leave(buffer);
      return () => {
        forgotten.unregister(memory);
        keep(bytes);
      };
    },
  };
}
