/**
 * Buffers for ciphertext. Half of them are for reading ahead, and nobody waits for those: a slow client may hold one for hours.
 * The other half are for what is needed now; they are given back before anything is yielded, so waiting for one is short.
 */
export interface ReadBuffers {
  take(): Promise<Buffer>;
  /** null when all of the other half are held. */
  tryAhead(): Buffer | null;
  give(buffer: Buffer): void;
  /** As `give`, but somebody keeps the buffer: another takes its place when one is needed. */
  forgo(buffer: Buffer): void;
}

export function createReadBuffers(bufferBytes: number, count: number): ReadBuffers {
  const free: Buffer[] = [];
  const ahead = new Set<Buffer>();
  const aheadMax = count >> 1;
  const nowMax = count - aheadMax;
  let now = 0;
  const waiting: ((buffer: Buffer) => void)[] = [];
  const fresh = (): Buffer => free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
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
      if (ahead.delete(buffer)) {
        free.push(buffer);
        return;
      }
      const next = waiting.shift();
      if (next !== undefined) next(buffer);
      else {
        now--;
        free.push(buffer);
      }
    },
    forgo(buffer) {
      if (ahead.delete(buffer)) return;
      const next = waiting.shift();
      if (next !== undefined) next(fresh());
      else now--;
    },
  };
}
