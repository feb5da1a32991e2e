/**
 * Listings as they were sent, least recently used out first. A folder's ETag moves with every change at or below it, so what is kept under
 * it cannot be wrong, whichever gateway or door made the change; what else an answer hangs on is in its name.
 */
export interface ListingCache {
  get(name: string): readonly Buffer[] | undefined;
  /** Takes over what is not too large. */
  put(name: string, blocks: readonly Buffer[]): void;
  /** Above it, an answer need not be gathered for `put`. */
  readonly answerBytesMax: number;
}

export function createListingCache(bytesMax: number): ListingCache {
  const entries = new Map<string, { blocks: readonly Buffer[]; bytes: number }>();
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
      return found.blocks;
    },
    put(name, blocks) {
      // A name is of two bytes a character, and there is one more of it below.
      const bytes = blocks.reduce((sum, { length }) => sum + length, 2 * name.length);
      if (bytes > bytesMax >> 1) return;
      forget(name);
      entries.set(name, { blocks, bytes });
      held += bytes;
      for (const oldest of entries.keys()) {
        if (held <= bytesMax) return;
        forget(oldest);
      }
    },
  };
}
