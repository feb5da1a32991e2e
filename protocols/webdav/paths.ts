import { nameOf, type ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import { decodeName, encodeName } from './names.ts';

/** Where a namespace lies among the URLs. */
export interface Mount {
  /** Without a trailing slash, percent-encoded. */
  base: string;
  /** The one bucket that lies there; null: every bucket is a folder of it. */
  bucket: string | null;
  /** Further bases of the same place, under which `Destination` and `If` may speak of it. */
  aliases?: readonly string[];
}

/**
 * What a URL names: the server's root (which holds just the mount), the mount (the collection of buckets), or a place in one
 * bucket (`key` has no trailing slash; `` is the bucket's root).
 */
export type Target = { kind: 'root' } | { kind: 'home' } | Place;
export interface Place {
  kind: 'place';
  bucket: string;
  key: ObjectKey;
  /** The bucket's root itself; an empty key below it is an empty segment. */
  root: boolean;
  /** The URL says that it means the folder, where an object has the same name. */
  folder: boolean;
  /** The URL ended in a slash. Clients disagree about it, so look-ups ignore it; a PUT does not. */
  slash: boolean;
  /** The path as it was asked for, encoded anew, without a trailing slash: answers must name what clients know. */
  href: string;
  /** Set where the path leads into a part of a bucket that shows elsewhere: `key` is then the bucket's, and `root` means that part's own folder. */
  within?: Within;
}

/** A folder of a bucket, or all of it, that shows under a name of its own. */
export interface Within {
  bucket: Bucket;
  /** Empty, or ends in `/`. */
  prefix: ObjectKey;
  name: string;
  /** Its path, with a trailing slash. */
  href: string;
}

/**
 * Reads a request target or a path of `Destination` or `If`.
 * Doubled slashes count as one, as clients that join paths carelessly need; a key that has them shows under an escape.
 * @returns null when the path lies outside of the mount
 * @throws invalid_argument for a malformed escape, bytes that are no UTF-8, an encoded slash, NUL, `.` and `..`, a fragment
 */
export function parsePath(mount: Mount, path: string): Target | null {
  if (path.includes('#')) throw malformed('a fragment');
  const query = path.indexOf('?');
  const plain = query < 0 ? path : path.slice(0, query);
  if (plain === '/' && mount.bucket === null) return { kind: 'root' };
  const under = isUnder(plain, mount.base) ? mount.base : mount.aliases?.find((base) => isUnder(plain, base));
  if (under === undefined) return null;
  const segments = plain
    .slice(under.length + 1)
    .split('/')
    .filter((segment) => segment !== '');
  const names = segments.map(decodeSegment);
  const bucket = mount.bucket ?? names[0];
  if (bucket === undefined) return { kind: 'home' };
  const below = names.slice(mount.bucket === null ? 1 : 0).map(decodeName);
  return {
    kind: 'place',
    bucket,
    key: below.map(({ segment }) => segment).join('/'),
    root: below.length === 0,
    folder: below.at(-1)?.folder ?? false,
    slash: plain.endsWith('/'),
    href: mount.base + names.map((name) => `/${encodeSegment(name)}`).join(''),
  };
}

function isUnder(path: string, base: string): boolean {
  return path.startsWith(base) && (path.length === base.length || path[base.length] === '/');
}

/** The key of a place as a folder. */
export function folderKey(place: Place): ObjectKey {
  return place.root ? (place.within?.prefix ?? '') : `${place.key}/`;
}

/** What a place is called: a bucket and a share by the name in the path, whatever they are called elsewhere. */
export function displayNameOf(place: Place, key: ObjectKey): string {
  return place.root ? (place.within?.name ?? place.bucket) : nameOf(key);
}

/** The absolute path of a key of the place's bucket. What lies above a part that shows elsewhere has none of its own: it is named as that part. */
export function hrefBeside(mount: Mount, { bucket, within }: Place, key: ObjectKey): string {
  if (within === undefined) return hrefOf(mount, bucket, key);
  return key.startsWith(within.prefix) ? hrefBelow(within.href, key.slice(within.prefix.length)) : within.href;
}

/** The absolute path of a key, percent-encoded. A key that ends in `/`, or is empty, is a collection and keeps its slash. */
export function hrefOf({ base, bucket: only }: Mount, bucket: string, key: ObjectKey): string {
  return hrefBelow(only === null ? `${base}/${encodeSegment(bucket)}/` : `${base}/`, key);
}

function hrefBelow(root: string, key: ObjectKey): string {
  if (key === '') return root;
  const collection = key.endsWith('/');
  const segments = (collection ? key.slice(0, -1) : key).split('/');
  return `${root}${segments.map((name) => encodeSegment(encodeName(name))).join('/')}${collection ? '/' : ''}`;
}

/** One name of a key as it shows in an href. */
export function hrefName(name: string, clash = false): string {
  if (!clash && PLAIN.test(name) && name !== '.' && name !== '..') return name;
  return encodeSegment(encodeName(name, clash));
}

/** Shown as it is in every way: most names, of which a folder may have ten thousand. */
const PLAIN = /^[A-Za-z0-9._~-]+$/;
const UNRESERVED = /^[A-Za-z0-9._~!$'()*+,;=:@-]*$/;

const UNRESERVED_BYTES = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x80 && UNRESERVED.test(String.fromCharCode(byte)) ? 1 : 0,
);
const DOT = 0x2e;

/** Whether `hrefName` gives a name as it is, by its bytes. */
export function isUnreserved(bytes: Uint8Array, from: number, end: number): boolean {
  if (end - from <= 2 && bytes[from] === DOT) return false;
  for (let i = from; i < end; i++) if (UNRESERVED_BYTES[bytes[i] as number] === 0) return false;
  return end > from;
}

/** One path segment, percent-encoded by RFC 3986 (and so safe in XML but for `'` and `&`, which `escapeXml` sees to). */
export function encodeSegment(segment: string): string {
  return UNRESERVED.test(segment) ? segment : encodeURIComponent(segment);
}

function decodeSegment(raw: string): string {
  let text = raw;
  if (raw.includes('%')) {
    try {
      text = decodeURIComponent(raw);
    } catch {
      throw malformed('an escape that is no UTF-8');
    }
  }
  if (text.includes('/')) throw malformed('an encoded slash');
  if (text.includes('\0')) throw malformed('NUL');
  if (text === '.' || text === '..') throw malformed('a dot segment');
  return text;
}

function malformed(what: string): CloudStoreError {
  return new CloudStoreError('invalid_argument', `The path holds ${what}.`);
}
