/**
 * Buffers for answers, used again and again: made anew for each, what they take beside V8's heap would have it collect garbage for every ten megabytes that are sent, which was
 * a third of what an unchanged listing costs.
 */
export interface SendBuffers {
  /** Of that length; what is in it is left over. */
  lend(length: number): Buffer;
  /** The kernel has it all, and nobody else reads it. One that is never given back is only made anew. */
  back(bytes: Buffer): void;
}

const SIZES = [16 << 10, 64 << 10, 256 << 10] as const;
/** Of each size. */
const SPARE_MAX = 8;

export function createSendBuffers(): SendBuffers {
  const spare = SIZES.map((size) => ({ size, buffers: [] as Buffer[] }));
  const lent = new WeakMap<Buffer, { home: Buffer[]; whole: Buffer }>();
  return {
    lend(length) {
      const shelf = spare.find(({ size }) => length <= size);
      if (shelf === undefined) return Buffer.allocUnsafeSlow(length);
      const whole = shelf.buffers.pop() ?? Buffer.allocUnsafeSlow(shelf.size);
      const bytes = whole.subarray(0, length);
      lent.set(bytes, { home: shelf.buffers, whole });
      return bytes;
    },
    back(bytes) {
      const found = lent.get(bytes);
      if (found === undefined) return;
      lent.delete(bytes);
      if (found.home.length < SPARE_MAX) found.home.push(found.whole);
    },
  };
}
