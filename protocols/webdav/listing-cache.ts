import { createSendBuffers, type SendBuffers } from '#http/send-buffers';
import { createListingRing } from './listing-ring.ts';

/**
 * Listings as they were sent, the oldest out first. A folder's ETag moves with every change at or below it, so what has
 * its ETag cannot be wrong, whichever gateway or door made the change; what else an answer hangs on is in its name.
 */
export interface ListingCache {
  /** Of the folder, as it was when it was listed. */
  etagOf(name: string): string | undefined;
  /** null: there is none any more, or it is of another ETag. */
  take(name: string, etag: string): readonly Buffer[] | null;
  /** As `take`, to be read at once: the next `put` may write over the first of them. */
  look(name: string, etag: string): readonly Buffer[] | null;
  /** Keeps what is not too large, in place of what it was before. `true`: the blocks are its own from now on; else it has made copies, or keeps nothing. */
  put(name: string, listing: KeptListing): boolean;
  /** A buffer for one answer that is a small listing. null: it is no small one. */
  lend(length: number): Buffer | null;
  /** One that `lend` or `take` gave has been sent. */
  back(bytes: Buffer): void;
  /** What is lent comes from there. */
  readonly buffers: SendBuffers;
  /** Above it, an answer need not be gathered for `put`. */
  readonly answerBytesMax: number;
}

export interface KeptListing {
  /** Of the folder. */
  etag: string;
  blocks: readonly Buffer[];
}

/** @param bytesMax of small listings, of which each answer gets a copy, and of larger ones, which are sent from where they lie and so in buffers of their own */
export function createListingCache(bytesMax: { small: number; smallEach: number; large: number }): ListingCache {
  const buffers = createSendBuffers([16 << 10, 64 << 10, 256 << 10], 8);
  const small = createListingRing(bytesMax.small, bytesMax.smallEach, buffers);
  const large = new Map<string, { listing: KeptListing; bytes: number }>();
  const largestBytes = bytesMax.large >> 1;
  let held = 0;

  function forget(name: string): void {
    held -= large.get(name)?.bytes ?? 0;
    large.delete(name);
  }

  function keepLarge(name: string, { etag, blocks }: KeptListing): boolean {
    // A name is of two bytes a character, and there is one more of it below.
    const bytes = blocks.reduce((sum, { length }) => sum + length, 2 * name.length);
    if (bytes > largestBytes) return false;
    large.set(name, { listing: { etag, blocks: blocks.map(alone) }, bytes });
    held += bytes;
    for (const oldest of large.keys()) {
      if (held <= bytesMax.large) break;
      forget(oldest);
    }
    return true;
  }

  function take(name: string, etag: string): readonly Buffer[] | null {
    const copies = small.take(name, etag);
    if (copies !== null) return copies;
    const found = large.get(name);
    if (found?.listing.etag !== etag) return null;
    large.delete(name);
    large.set(name, found);
    return found.listing.blocks;
  }

  return {
    buffers,
    answerBytesMax: largestBytes,
    etagOf: (name) => small.etagOf(name) ?? large.get(name)?.listing.etag,
    take,
    lend: (length) => (length <= small.listingBytesMax ? buffers.lend(length) : null),
    back: buffers.back,
    look(name, etag) {
      const seen = small.look(name, etag);
      return seen === null ? take(name, etag) : [seen];
    },
    put(name, listing) {
      small.forget(name);
      forget(name);
      const bytes = listing.blocks.reduce((sum, { length }) => sum + length, 0);
      if (bytes > small.listingBytesMax) return keepLarge(name, listing);
      small.put(name, listing.etag, listing.blocks);
      return false;
    },
  };
}

/** In memory of its own where it is a small part of what it lies in, as the last block of a listing is. */
function alone(block: Buffer): Buffer {
  if (2 * block.length > block.buffer.byteLength) return block;
  const copy = Buffer.allocUnsafeSlow(block.length);
  block.copy(copy);
  return copy;
}
