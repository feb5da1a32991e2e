import type { SendBuffers } from '#http/send-buffers';

/**
 * Bytes by name in one buffer that is written round and round; what is written over is forgotten. Kept in buffers of their own, listings that are kept and soon replaced would have V8 collect its old
 * generation for every ten megabytes of them, which was a third of what a listing costs.
 */
export interface ListingRing {
  etagOf(name: string): string | undefined;
  /** Copies, lent to the caller. null: there is none, or of another ETag. */
  take(name: string, etag: string): Buffer[] | null;
  /** What is there, to be read at once: the next `put` may write over it. null also for more than one block. */
  look(name: string, etag: string): Buffer | null;
  /** In place of what it was before. */
  put(name: string, etag: string, blocks: readonly Buffer[]): void;
  /** What is larger is not kept. */
  readonly listingBytesMax: number;
  forget(name: string): void;
}

interface Kept {
  etag: string;
  start: number;
  /** Of each block. */
  lengths: readonly number[];
  /** Where its part of the ring ends. */
  next: number;
}

/** What a name and its place take beside the bytes. */
const PLACE_BYTES = 200;

/** @param listingBytesMax at most `bytesMax` */
export function createListingRing(bytesMax: number, listingBytesMax: number, { lend }: Pick<SendBuffers, 'lend'>): ListingRing {
  /** In the order in which they were written, which is that of the ring from the head on. */
  const kept = new Map<string, Kept>();
  let ring: Buffer | null = null;
  let head = 0;

  /** From the head on, if need be from the beginning. */
  function clear(bytes: number): void {
    if (head + bytes > bytesMax) {
      for (const [name, { start }] of kept) {
        if (start < head) break;
        kept.delete(name);
      }
      head = 0;
    }
    for (const [name, { start, next }] of kept) {
      if (next <= head || start >= head + bytes) break;
      kept.delete(name);
    }
  }

  return {
    etagOf: (name) => kept.get(name)?.etag,
    take(name, etag) {
      const found = kept.get(name);
      if (found?.etag !== etag || ring === null) return null;
      const blocks: Buffer[] = [];
      let at = found.start;
      for (const length of found.lengths) {
        const block = lend(length);
        ring.copy(block, 0, at, (at += length));
        blocks.push(block);
      }
      return blocks;
    },
    look(name, etag) {
      const found = kept.get(name);
      if (found?.etag !== etag || ring === null || found.lengths.length !== 1) return null;
      return ring.subarray(found.start, found.start + (found.lengths[0] ?? 0));
    },
    put(name, etag, blocks) {
      kept.delete(name);
      const lengths = blocks.map(({ length }) => length);
      // A name is of two bytes a character.
      const room = lengths.reduce((sum, length) => sum + length, 2 * name.length + PLACE_BYTES);
      if (room > listingBytesMax) return;
      clear(room);
      ring ??= Buffer.allocUnsafeSlow(bytesMax);
      let at = head;
      for (const block of blocks) at += block.copy(ring, at);
      kept.set(name, { etag, start: head, lengths, next: head + room });
      head += room;
    },
    listingBytesMax,
    forget: (name) => void kept.delete(name),
  };
}
