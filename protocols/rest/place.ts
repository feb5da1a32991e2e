import type { Address, ObjectKey } from '#core/address';
import { assertKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import type { Exchange } from './exchange.ts';
import { parsePlace } from './paths.ts';

/** A bucket and a key in it. An empty key is the bucket's root. */
export interface Located {
  bucket: Bucket;
  /** What an answer calls the bucket, so that whoever asked comes to the same one by it. */
  name: string;
  at: Address;
  /** The key is empty or ends in `/`. */
  folder: boolean;
}

/**
 * The place that a path below `root` names, or `?key=` in its stead.
 * @throws invalid_key, invalid_argument (both given), bucket_not_found
 */
export async function locate(
  x: Exchange,
  root: '/activity/' | '/checksum/' | '/files/' | '/stat/' | '/thumbnails/' | '/versions/' | '/trash/',
  keyInQuery: ObjectKey | undefined,
): Promise<Located> {
  const place = parsePlace(x.path.slice(root.length));
  if (keyInQuery !== undefined && place.key !== '') {
    throw new CloudStoreError('invalid_argument', 'The key stands in the path and in ?key=.');
  }
  return locateKey(x, place.bucket, keyInQuery ?? place.key);
}

/** @throws invalid_key, bucket_not_found */
export async function locateKey(x: Exchange, name: string, key: ObjectKey): Promise<Located> {
  const { buckets } = x.deps;
  if (key !== '') assertKey(key);
  const bucket = buckets.resolved(x.who, name) ?? (await buckets.resolve(x.who, name));
  return {
    bucket,
    name: name.startsWith('~') ? name : bucket.name,
    at: { bucket: bucket.id, key },
    folder: key === '' || key.endsWith('/'),
  };
}
