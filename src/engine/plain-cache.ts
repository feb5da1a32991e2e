import { Oldest } from '#core/oldest';

/** Plaintext of small contents by what names it, least recently used out first. What is named by its id cannot change. */
export interface PlainCache {
  get(key: string): Buffer | undefined;
  put(key: string, plaintext: Buffer): void;
}

/** What an entry costs besides its bytes. */
const ENTRY_BYTES = 200;

export function createPlainCache(bytesMax: number): PlainCache {
  const entries = new Map<string, Buffer>();
  const oldest = new Oldest(entries);
  let bytes = 0;
  const full = (): boolean => bytes > bytesMax;
  function drop(key: string): void {
    const before = entries.get(key);
    if (before === undefined) return;
    entries.delete(key);
    bytes -= before.length + ENTRY_BYTES;
  }
  return {
    get(key) {
      const found = entries.get(key);
      if (found === undefined) return undefined;
      entries.delete(key);
      entries.set(key, found);
      oldest.changed();
      return found;
    },
    put(key, plaintext) {
      drop(key);
      entries.set(key, plaintext);
      bytes += plaintext.length + ENTRY_BYTES;
      oldest.trim(full, drop);
    },
  };
}
