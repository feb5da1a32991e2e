/**
 * Listings as they were sent, least recently used out first. A folder's ETag moves with every change at or below it, so what has
 * its ETag cannot be wrong, whichever gateway or door made the change; what else an answer hangs on is in its name.
 */
export interface ListingCache {
  get(name: string): KeptListing | undefined;
  /** Takes over what is not too large, in place of what it was before. */
  put(name: string, listing: KeptListing): void;
  /** Above it, an answer need not be gathered for `put`. */
  readonly answerBytesMax: number;
}

export interface KeptListing {
  /** Of the folder. */
  etag: string;
  blocks: readonly Buffer[];
}

export function createListingCache(bytesMax: number): ListingCache {
  const entries = new Map<string, { listing: KeptListing; bytes: number }>();
  let held = 0;

  function forget(name: string): void {
    held -= entries.get(name)?.bytes ?? 0;
    entries.delete(name);
  }

  return {
    answerBytesMax: bytesMax >> 1,
    get(name) {
      const found = entries.get(name);
      if (found === undefined) return undefined;
      entries.delete(name);
      entries.set(name, found);
      return found.listing;
    },
    put(name, listing) {
      // A name is of two bytes a character, and there is one more of it below.
      const bytes = listing.blocks.reduce((sum, { length }) => sum + length, 2 * name.length);
      forget(name);
      if (bytes > bytesMax >> 1) return;
      entries.set(name, { listing, bytes });
      held += bytes;
      for (const oldest of entries.keys()) {
        if (held <= bytesMax) return;
        forget(oldest);
      }
    },
  };
}
