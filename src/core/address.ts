import { CloudStoreError } from './errors.ts';

export type BucketId = number;
/**
 * A flat key, compared by its UTF-8 bytes. A key that ends in `/` (or is empty: the bucket's root) names a directory
 * where a directory is asked for; as an object it is S3's explicit folder marker.
 */
export type ObjectKey = string;
export interface Address {
  bucket: BucketId;
  key: ObjectKey;
}

/** S3's limit, in UTF-8 bytes. */
export const KEY_BYTES_MAX = 1024;

/**
 * Checks what no protocol may store: an empty key, one over 1,024 UTF-8 bytes, NUL (Postgres text refuses it) and lone
 * surrogates (no UTF-8). Everything else, `..` and `//` included, is a legal flat key.
 * @throws invalid_key
 */
export function assertKey(key: ObjectKey): void {
  if (key.length === 0) throw new CloudStoreError('invalid_key', 'The key is empty.');
  if (key.length > KEY_BYTES_MAX || (key.length * 3 > KEY_BYTES_MAX && Buffer.byteLength(key) > KEY_BYTES_MAX)) {
    throw new CloudStoreError('invalid_key', `The key is longer than ${KEY_BYTES_MAX} bytes.`, {
      details: { tooLong: true, size: Buffer.byteLength(key) },
    });
  }
  if (key.includes('\0')) throw new CloudStoreError('invalid_key', 'The key holds a NUL character.');
  if (!key.isWellFormed()) throw new CloudStoreError('invalid_key', 'The key is not valid UTF-8.');
}

/** `a/b/c` gives `a/b/`; `a/b/` gives `a/`; `a` gives `` (the root). */
export function parentOf(key: ObjectKey): ObjectKey {
  return key.slice(0, key.lastIndexOf('/', key.length - 2) + 1);
}

/** Every directory above `key`, root first: `a/b/c` and `a/b/` give ['', 'a/'] and, for the former, 'a/b/'. */
export function ancestorsOf(key: ObjectKey): ObjectKey[] {
  const out = [''];
  for (let at = key.indexOf('/'); at >= 0 && at < key.length - 1; at = key.indexOf('/', at + 1)) out.push(key.slice(0, at + 1));
  return out;
}

/** The last segment without its slash: `a/b/` gives `b`. */
export function nameOf(key: ObjectKey): string {
  const end = key.endsWith('/') ? key.length - 1 : key.length;
  return key.slice(key.lastIndexOf('/', end - 1) + 1, end);
}

/** Compares as UTF-8 bytes do, which is not JavaScript's order: surrogate pairs sort after U+E000..U+FFFF. */
export function compareKeys(a: ObjectKey, b: ObjectKey): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xs = x >= 0xd800 && x < 0xe000;
    const ys = y >= 0xd800 && y < 0xe000;
    return xs === ys ? x - y : xs ? 1 : -1;
  }
  return a.length - b.length;
}

/**
 * The smallest string greater than every string with this prefix, or null when there is none.
 * Used to skip a common prefix in one index seek.
 */
export function afterPrefix(prefix: string): string | null {
  for (let i = prefix.length; i > 0; ) {
    const low = prefix.charCodeAt(i - 1);
    const pair = low >= 0xdc00 && low < 0xe000 && i > 1;
    const start = pair ? i - 2 : i - 1;
    const code = prefix.codePointAt(start) as number;
    if (code < 0x10ffff) return prefix.slice(0, start) + String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1);
    i = start;
  }
  return null;
}
