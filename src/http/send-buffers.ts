/**
 * Buffers for answers, used again and again: made anew for each, what they take beside V8's heap would have it collect garbage for every ten megabytes that are sent, which was
 * a third of what an unchanged listing costs.
 */
export interface SendBuffers {
  /** Of that length; what is in it is left over. */
  lend(length: number): Buffer;
  /** At least of that length, for what may grow. */
  lendRoom(length: number): Buffer;
  /** A part of one that `lendRoom` gave, lent in its place. */
  narrow(room: Buffer, from: number, end: number): Buffer;
  /** The kernel has it all, and nobody else reads it. One that is never given back is only made anew. */
  back(bytes: Buffer): void;
}

/** @param spareMax as many of each size are kept; what is larger than all is made anew */
export function createSendBuffers(sizes: readonly number[], spareMax: number): SendBuffers {
  const spare = sizes.map((size) => ({ size, buffers: [] as Buffer[] }));
  const lent = new WeakMap<Buffer, { home: Buffer[]; whole: Buffer }>();
  const lendRoom = (length: number): Buffer => {
    const shelf = spare.find(({ size }) => length <= size);
    if (shelf === undefined) return Buffer.allocUnsafeSlow(length);
    const whole = shelf.buffers.pop() ?? Buffer.allocUnsafeSlow(shelf.size);
    lent.set(whole, { home: shelf.buffers, whole });
    return whole;
  };
  const narrow = (room: Buffer, from: number, end: number): Buffer => {
    const found = lent.get(room);
    const bytes = room.subarray(from, end);
    if (found === undefined) return bytes;
    lent.delete(room);
    lent.set(bytes, found);
    return bytes;
  };
  return {
    lendRoom,
    narrow,
    lend: (length) => narrow(lendRoom(length), 0, length),
    back(bytes) {
      const found = lent.get(bytes);
      if (found === undefined) return;
      lent.delete(bytes);
      if (found.home.length < spareMax) found.home.push(found.whole);
    },
  };
}
