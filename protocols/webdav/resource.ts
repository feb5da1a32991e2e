import type { Address } from '#core/address';
import { isCloudStoreError } from '#core/errors';
import type { EntryInfo } from '#core/object';
import type { Exchange, Located } from './exchange.ts';
import { folderKey } from './paths.ts';

/**
 * What lies at a place: the object, else the folder. A URL that says so (`folder`) means the folder beside an object of
 * its name; a key whose last segment is empty is an object only where it has bytes, else `key/` is the folder.
 * @throws not_found
 */
export async function getEntry(x: Exchange, located: Located): Promise<EntryInfo> {
  const { namespace } = x.deps;
  const { place, bucket } = located;
  const at: Address = { bucket: bucket.id, key: place.key };
  const folder: Address = { bucket: bucket.id, key: folderKey(place) };
  if (place.root || place.folder || place.key === '') return namespace.directory(x.who, folder);
  if (!place.key.endsWith('/')) return namespace.entry(x.who, at);
  const marker = await orNull(namespace.stat(x.who, at));
  return marker !== null && marker.size > 0 ? marker : namespace.directory(x.who, folder);
}

export function findEntry(x: Exchange, located: Located): Promise<EntryInfo | null> {
  return orNull(getEntry(x, located));
}

/** null instead of `not_found`. */
async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (isCloudStoreError(error, 'not_found')) return null;
    throw error;
  }
}

/** The key of locks, which has no trailing slash. */
export function lockKey(key: string): string {
  return key.endsWith('/') ? key.slice(0, -1) : key;
}
