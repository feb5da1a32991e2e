import type { Action, ActionFacts, Authorizer } from '#contracts/authorizer';
import type { Address, BucketId, ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Conditions } from '#core/conditions';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import { type BucketCache, bucketMissing } from './bucket-cache.ts';

/** The first step of every method: the bucket, if the caller may do this there. */
export interface Access {
  /** @throws bucket_not_found, access_denied, unauthenticated, not_implemented (a kind of bucket that this version cannot serve) */
  require(who: Who, action: Action, bucket: BucketId, key: ObjectKey, about?: ActionFacts): Promise<Bucket>;
  /** `require` for what a tree's path without trailing slash names: true when the caller may act on the key as such, false when only on the folder. */
  requirePath(who: Who, action: Action, bucket: BucketId, path: ObjectKey): Promise<boolean>;
  /**
   * `require` for what puts an object. Who may only add there (`create`) gets `addsOnly`: the commit must then find nothing, whatever else it asks for.
   * What may overwrite is asked first, so that most pay for one question.
   */
  requireWrite(who: Who, at: Address, tags?: Record<string, string>): Promise<{ bucket: Bucket; addsOnly: boolean }>;
  /** The answer without waiting, or null: ask `require`. Never throws. */
  peek(who: Who, action: Action, bucket: BucketId, key: ObjectKey, about?: ActionFacts): Bucket | null;
}

/** What is asked of whoever takes a folder away, or its place, with all below it. */
export const WHOLE = { wholeFolder: true, below: true } as const;
/** What is asked of whoever does something to all below a folder. */
export const BELOW = { below: true } as const;

export function createAccess({ cache, authorizer }: { cache: BucketCache; authorizer: Authorizer }): Access {
  async function require(who: Who, action: Action, id: BucketId, key: ObjectKey, about?: ActionFacts): Promise<Bucket> {
    const bucket = cache.peek(id) ?? (await cache.get(id));
    try {
      const asked = authorizer.require(who, action, bucket, key, about);
      if (asked !== undefined) await asked;
    } catch (error) {
      // Ids are numbers, easy to guess: one that the caller may not know of does not exist.
      if (isCloudStoreError(error, 'access_denied') && !(await authorizer.visible(who, bucket))) throw bucketMissing();
      throw error;
    }
    assertServed(bucket);
    return bucket;
  }

  return {
    require,
    async requirePath(who, action, bucket, path) {
      try {
        await require(who, action, bucket, path);
        return true;
      } catch (error) {
        // A grant on `photos/` opens the folder that the path `photos` names, but no file of that name.
        if (path === '' || path.endsWith('/') || !isCloudStoreError(error, 'access_denied')) throw error;
        await require(who, action, bucket, `${path}/`);
        return false;
      }
    },
    async requireWrite(who, { bucket: id, key }, tags) {
      const about = tags === undefined ? undefined : { tags };
      try {
        return { bucket: await require(who, 'write', id, key, about), addsOnly: false };
      } catch (error) {
        if (!isCloudStoreError(error, 'access_denied')) throw error;
        return { bucket: await require(who, 'create', id, key, about), addsOnly: true };
      }
    },
    peek(who, action, id, key, about) {
      const bucket = cache.peek(id);
      if (bucket === undefined || bucket.kind !== 'standard') return null;
      try {
        const asked = authorizer.require(who, action, bucket, key, about);
        if (asked === undefined) return bucket;
        // The full path asks again and meets the same answer.
        asked.catch(() => undefined);
        return null;
      } catch {
        return null; // as above
      }
    },
  };
}

function assertServed(bucket: Bucket): void {
  if (bucket.kind === 'standard') return;
  throw new CloudStoreError('not_implemented', `Buckets of the kind "${bucket.kind}" are not served by this version.`, {
    details: { bucket: bucket.name },
  });
}

/** Commits what may only be added, if that is so: where something is already, it is forbidden as overwriting is. */
export async function adding<T>(
  addsOnly: boolean,
  conditions: Conditions | undefined,
  commit: (conditions: Conditions | undefined) => Promise<T>,
): Promise<T> {
  if (!addsOnly) return commit(conditions);
  try {
    return await commit({ ...conditions, ifNoneMatch: '*' });
  } catch (error) {
    if (!isCloudStoreError(error, 'precondition_failed') || conditions?.ifNoneMatch !== undefined) throw error;
    throw new CloudStoreError('access_denied', 'You may add here, and overwrite nothing.');
  }
}
