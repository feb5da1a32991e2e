import { createSendBuffers } from '#http/send-buffers';
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
  /** Takes over what is not too large, in place of what it was before. */
  put(name: string, listing: KeptListing): void;
  /** A buffer for one answer that is a small listing. null: it is no small one. */
  lend(length: number): Buffer | null;
  /** One that `lend` or `take` gave has been sent. */
  back(bytes: Buffer): void;
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

  function keepLarge(name: string, listing: KeptListing): void {
    // A name is of two bytes a character, and there is one more of it below.
    const bytes = listing.blocks.reduce((sum, { length }) => sum + length, 2 * name.length);
    if (bytes > largestBytes) return;
    large.set(name, { listing, bytes });
    held += bytes;
    for (const oldest of large.keys()) {
      if (held <= bytesMax.large) return;
      forget(oldest);
    }
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
      if (bytes <= small.listingBytesMax) small.put(name, listing.etag, listing.blocks);
      else keepLarge(name, listing);
    },
  };
}
