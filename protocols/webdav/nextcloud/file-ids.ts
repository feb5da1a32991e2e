import type { Address, ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ObjectInfo, ShownEntry } from '#core/object';
import type { Exchange } from '../exchange.ts';
import { fileIdOf } from '../owncloud.ts';
import type { NextcloudDeps } from './deps.ts';

const KNOWN_MAX = 20_000;
const SEARCHES_MAX = 2;

/**
 * Where the files are that clients name by `oc:fileid`. They do so right after they were told it, so what listings show is remembered; whatever else is asked
 * for is looked for in the whole bucket, a few at a time.
 */
export interface FileIds {
  saw(entries: readonly ShownEntry[]): void;
  /** What lies in the trash is another file than what is there now. */
  sawDeleted(entry: ShownEntry): void;
  /** The file as it is now, if the caller may read it. @throws not_found, rate_limited */
  find(x: Exchange, home: Bucket, id: number): Promise<ObjectInfo>;
  /** Only what a listing of the trash has shown. */
  deleted(home: Bucket, id: number): Address | null;
}

export function createFileIds({ nodes, namespace }: Pick<NextcloudDeps, 'nodes' | 'namespace'>): FileIds {
  const live = createKnown();
  const trashed = createKnown();
  let searches = 0;

  async function search(bucket: number, node: number): Promise<ObjectKey | null> {
    if (searches >= SEARCHES_MAX)
      throw new CloudStoreError('rate_limited', 'Too many files are looked for.', { details: { retryAfterSeconds: 1 } });
    searches++;
    try {
      return await nodes.keyOf(bucket, node);
    } finally {
      searches--;
    }
  }

  async function fileAt(x: Exchange, at: Address, id: number): Promise<ObjectInfo | null> {
    try {
      const info = await namespace.stat(x.who, at);
      return fileIdOf(info) === id ? info : null;
    } catch (error) {
      if (isCloudStoreError(error, 'not_found')) return null;
      throw error;
    }
  }

  return {
    saw: (entries) => entries.forEach(live.add),
    sawDeleted: trashed.add,
    async find(x, home, id) {
      const known = live.get(home.id, id);
      const found = known === null ? null : await fileAt(x, { bucket: home.id, key: known }, id);
      if (found !== null) return found;
      // Those of folders are odd.
      const key = id % 2 === 0 ? await search(home.id, id / 2) : null;
      const info = key === null ? null : await fileAt(x, { bucket: home.id, key }, id);
      if (info === null) throw new CloudStoreError('not_found', 'There is no such file.');
      live.add(info);
      return info;
    },
    deleted(home, id) {
      const key = trashed.get(home.id, id);
      return key === null ? null : { bucket: home.id, key };
    },
  };
}

/** The latest that were seen. */
function createKnown() {
  const keys = new Map<string, ObjectKey>();
  return {
    add(entry: ShownEntry): void {
      if (entry.kind !== 'object') return;
      const name = `${entry.bucket} ${fileIdOf(entry)}`;
      keys.delete(name);
      keys.set(name, entry.key);
      for (const oldest of keys.keys()) {
        if (keys.size <= KNOWN_MAX) break;
        keys.delete(oldest);
      }
    },
    get: (bucket: number, id: number): ObjectKey | null => keys.get(`${bucket} ${id}`) ?? null,
  };
}
