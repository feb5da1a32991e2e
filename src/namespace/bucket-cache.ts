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
  /** What the name means, and the bucket that it is, as they are now. */
  readAnew(principal: PrincipalId | null, name: string): Promise<void>;
  /** After a change of ours, before its answer leaves. */
  clear(): void;
}

/** Before a name: the global one, where an alias of the caller's own hides it. */
export const GLOBAL = '~';
/** The same behind a name, for S3's clients, which take no other letters. AWS keeps names that end so for aliases, so no bucket's own does. */
export const GLOBAL_IN_S3 = '-s3alias';

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
      const global = globalOf(name);
      return (global === null ? buckets.resolve(principal, name) : buckets.resolve(null, global)).then(withKeys);
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
    async readAnew(principal, name) {
      const key = `${principal ?? ''} ${name}`;
      names.drop(key);
      const bucket = await names.get(key);
      if (bucket !== null) ids.drop(bucket.id);
    },
    clear,
  };
}

/** No bucket's own name begins, or ends, like that. */
function globalOf(name: string): string | null {
  if (name.startsWith(GLOBAL)) return name.slice(GLOBAL.length);
  return name.endsWith(GLOBAL_IN_S3) ? name.slice(0, -GLOBAL_IN_S3.length) : null;
}

export function bucketMissing(name?: string): CloudStoreError {
  return new CloudStoreError(
    'bucket_not_found',
    'The bucket does not exist.',
    name === undefined ? {} : { details: { bucket: name } },
  );
}
