import type { BucketStore } from '#contracts/bucket-store';
import type { Keyring } from '#contracts/keyring';
import type { Signals } from '#contracts/signals';
import type { BucketId } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { createFreshCache } from '#core/fresh-cache';
import type { PrincipalId } from '#core/principal';

/** Buckets from memory, by id and by the name that a principal uses. A bucket that is given has its domain's keys loaded. */
export interface BucketCache {
  peek(id: BucketId): Bucket | undefined;
  find(id: BucketId): Promise<Bucket | null>;
  /** @throws bucket_not_found */
  get(id: BucketId): Promise<Bucket>;
  peekName(principal: PrincipalId | null, name: string): Bucket | undefined;
  resolve(principal: PrincipalId | null, name: string): Promise<Bucket | null>;
  /** After a change of ours, before its answer leaves. */
  clear(): void;
}

/** Before a name: the global one, where an alias of the caller's own hides it. */
export const GLOBAL = '~';

export interface BucketCacheOptions {
  buckets: BucketStore;
  signals: Signals;
  keyring: Keyring;
  clock: Clock;
}

/** Changes are rare, so each drops everything: a bucket hangs on several names. */
export function createBucketCache({ buckets, signals, keyring, clock }: BucketCacheOptions): BucketCache {
  const ids = createFreshCache<BucketId, Bucket>({ load: async (id) => withKeys(await buckets.find(id)), clock });
  const names = createFreshCache<string, Bucket>({
    load(key) {
      const at = key.indexOf(' ');
      const principal = at === 0 ? null : Number(key.slice(0, at));
      const name = key.slice(at + 1);
      // No bucket's own name begins like that.
      return (name.startsWith(GLOBAL) ? buckets.resolve(null, name.slice(1)) : buckets.resolve(principal, name)).then(withKeys);
    },
    clock,
  });

  async function withKeys(bucket: Bucket | null): Promise<Bucket | null> {
    if (bucket !== null) await keyring.load(bucket.domain);
    return bucket;
  }
  function clear(): void {
    ids.clear();
    names.clear();
  }
  signals.subscribe('buckets', clear);
  // A removed user's buckets have another owner.
  signals.subscribe('principals', clear);

  return {
    peek: (id) => ids.peek(id),
    find: (id) => ids.get(id),
    async get(id) {
      const bucket = await ids.get(id);
      if (bucket === null) throw bucketMissing();
      return bucket;
    },
    peekName: (principal, name) => names.peek(`${principal ?? ''} ${name}`),
    resolve: (principal, name) => names.get(`${principal ?? ''} ${name}`),
    clear,
  };
}

export function bucketMissing(name?: string): CloudStoreError {
  return new CloudStoreError(
    'bucket_not_found',
    'The bucket does not exist.',
    name === undefined ? {} : { details: { bucket: name } },
  );
}
