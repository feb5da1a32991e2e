import { createSendBuffers, type SendBuffers } from '#http/send-buffers';
import { createListingRing } from './listing-ring.ts';

/**
 * Listings as they were sent, the oldest out first. A folder's ETag moves with every change at or below it, so what has
 * its ETag cannot be wrong, whichever gateway or door made the change; what else an answer hangs on is in its name.
 */
export interface ListingCache {
  /** Of the folder, as it was when it was listed. */
  etagOf(name: string): string | undefined;
  /** Lent, to be given `back` each. null: there is none any more, or it is of another ETag. */
  take(name: string, etag: string): readonly Buffer[] | null;
  /** As `take`, to be read at once: the next `put` may write over them. */
  look(name: string, etag: string): readonly Buffer[] | null;
  /** Keeps what is not too large, in place of what it was before. Its blocks are not written to any more, and stay lent to the caller. */
  put(name: string, listing: KeptListing): void;
  /** What is lent comes from there. */
  readonly buffers: SendBuffers;
  /** Somebody more has it, and gives it `back`. */
  hold(block: Buffer): void;
  /** A block that was lent, or taken, is of no use any more to who has it. */
  back(bytes: Buffer): void;
  /** Above it, an answer need not be gathered for `put`. */
  readonly answerBytesMax: number;
}

export interface KeptListing {
  /** Of the folder. */
  etag: string;
  blocks: readonly Buffer[];
}

/** Buffers of each size, for what is lent next: as many as a folder of 10,000 files is sent in. */
const SPARE_MAX = 24;

/** @param bytesMax of small listings, of which each answer gets a copy, and of larger ones, which are sent from where they lie and so in buffers of their own */
export function createListingCache(bytesMax: { small: number; smallEach: number; large: number }): ListingCache {
  const buffers = createSendBuffers([16 << 10, 64 << 10, 256 << 10], SPARE_MAX);
  /** How many have a block, where it is more than one: a listing that is kept, another that it was mended to, and answers under way. */
  const shared = new WeakMap<Buffer, number>();
  const small = createListingRing(bytesMax.small, bytesMax.smallEach, buffers);
  const large = new Map<string, { listing: KeptListing; bytes: number }>();
  const largestBytes = bytesMax.large >> 1;
  let held = 0;

  function hold(block: Buffer): void {
    shared.set(block, (shared.get(block) ?? 1) + 1);
  }

  function back(block: Buffer): void {
    const left = (shared.get(block) ?? 1) - 1;
    if (left > 0) shared.set(block, left);
    else {
      shared.delete(block);
      buffers.back(block);
    }
  }

  function forget(name: string): void {
    const found = large.get(name);
    if (found === undefined) return;
    large.delete(name);
    held -= found.bytes;
    for (const block of found.listing.blocks) back(block);
  }

  function keepLarge(name: string, { etag, blocks }: KeptListing): void {
    // A name is of two bytes a character, and there is one more of it below.
    const bytes = blocks.reduce((sum, { length }) => sum + length, 2 * name.length);
    if (bytes > largestBytes) {
      forget(name);
      return;
    }
    const kept = blocks.map((block) => alone(block) ?? block);
    for (const block of kept) if (blocks.includes(block)) hold(block);
    // Its blocks of before may be among them.
    forget(name);
    large.set(name, { listing: { etag, blocks: kept }, bytes });
    held += bytes;
    for (const oldest of large.keys()) {
      if (held <= bytesMax.large) return;
      forget(oldest);
    }
  }

  function take(name: string, etag: string): readonly Buffer[] | null {
    const copies = small.take(name, etag);
    if (copies !== null) return copies;
    const blocks = lookLarge(name, etag);
    blocks?.forEach(hold);
    return blocks;
  }

  function lookLarge(name: string, etag: string): readonly Buffer[] | null {
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
    hold,
    back,
    look(name, etag) {
      const seen = small.look(name, etag);
      return seen === null ? lookLarge(name, etag) : [seen];
    },
    put(name, listing) {
      small.forget(name);
      const bytes = listing.blocks.reduce((sum, { length }) => sum + length, 0);
      if (bytes > small.listingBytesMax) return keepLarge(name, listing);
      forget(name);
      small.put(name, listing.etag, listing.blocks);
    },
  };
}

/** A copy of what is a small part of the memory that it lies in, as the last block of a listing is. */
function alone(block: Buffer): Buffer | null {
  if (2 * block.length > block.buffer.byteLength) return null;
  const copy = Buffer.allocUnsafeSlow(block.length);
  block.copy(copy);
  return copy;
}
