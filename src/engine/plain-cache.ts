/** Plaintext of small contents by what names it, least recently used out first. What is named by its id cannot change. */
export interface PlainCache {
  get(key: string): Buffer | undefined;
  put(key: string, plaintext: Buffer): void;
}

/** What an entry costs besides its bytes. */
const ENTRY_BYTES = 200;

export function createPlainCache(bytesMax: number): PlainCache {
  const entries = new Map<string, Buffer>();
  let bytes = 0;
  return {
    get(key) {
      const found = entries.get(key);
      if (found === undefined) return undefined;
      entries.delete(key);
      entries.set(key, found);
      return found;
    },
    put(key, plaintext) {
      const before = entries.get(key);
      if (before !== undefined) {
        entries.delete(key);
        bytes -= before.length + ENTRY_BYTES;
      }
      entries.set(key, plaintext);
      bytes += plaintext.length + ENTRY_BYTES;
      for (const [oldest, { length }] of entries) {
        if (bytes <= bytesMax) return;
        entries.delete(oldest);
        bytes -= length + ENTRY_BYTES;
      }
    },
  };
}
