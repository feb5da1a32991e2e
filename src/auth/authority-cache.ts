import type { AuthorityStore } from '#contracts/authority-store';
import type { BucketId } from '#core/address';
import type { Bucket } from '#core/bucket';
import { type Authority, compileAuthority } from './policy-authority.ts';

/**
 * What is compiled of buckets, by revision. The bucket's row is at most a second old wherever it is used, and says which revision is the least that counts:
 * nothing here has to be asked again while that stays, and nothing older is ever used.
 */
export interface AuthorityCache {
  /** undefined: ask `get`. */
  peek(bucket: Bucket): Authority | undefined;
  /** null: the bucket has gone. */
  get(bucket: Bucket): Promise<Authority | null>;
}

const BUCKETS_MAX = 1_000;

export function createAuthorityCache(store: AuthorityStore): AuthorityCache {
  const known = new Map<BucketId, Authority>();
  const loading = new Map<BucketId, Promise<Authority | null>>();

  function peek(bucket: Bucket): Authority | undefined {
    const found = known.get(bucket.id);
    return found !== undefined && found.revision >= bucket.authority ? found : undefined;
  }

  function load(bucket: Bucket): Promise<Authority | null> {
    const promise = store
      .load(bucket.id)
      .then((loaded) => {
        const authority = loaded === null ? null : compileAuthority(bucket, loaded);
        if (authority !== null && authority.revision >= (known.get(bucket.id)?.revision ?? 0)) {
          known.delete(bucket.id);
          known.set(bucket.id, authority);
          const oldest = known.keys().next();
          if (known.size > BUCKETS_MAX && !oldest.done) known.delete(oldest.value);
        }
        return authority;
      })
      .finally(() => {
        if (loading.get(bucket.id) === promise) loading.delete(bucket.id);
      });
    loading.set(bucket.id, promise);
    return promise;
  }

  return {
    peek,
    async get(bucket) {
      const under = loading.get(bucket.id);
      if (under !== undefined) {
        const found = await under;
        // What was asked for before the change is too old.
        if (found === null || found.revision >= bucket.authority) return found;
      }
      return peek(bucket) ?? load(bucket);
    },
  };
}
