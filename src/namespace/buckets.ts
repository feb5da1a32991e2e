import type { Action, Authorizer } from '#contracts/authorizer';
import type { BucketPatch, BucketStore } from '#contracts/bucket-store';
import type { Buckets } from '#contracts/buckets';
import type { Keyring } from '#contracts/keyring';
import type { PrincipalRecord, PrincipalStore } from '#contracts/principal-store';
import type { Signals } from '#contracts/signals';
import { ACTIONS, configAction } from '#core/actions';
import type { BucketId } from '#core/address';
import { assertBucketName, type Bucket } from '#core/bucket';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import { type BucketCache, bucketMissing, createBucketCache, GLOBAL, GLOBAL_IN_S3 } from './bucket-cache.ts';

export interface BucketsDeps {
  buckets: BucketStore;
  principals: PrincipalStore;
  authorizer: Authorizer;
  signals: Signals;
  keyring: Keyring;
  clock: Clock;
}

/** What the namespace needs of its sibling, beyond the contract. */
export interface BucketsRoom extends Buckets {
  cache: BucketCache;
  store: BucketStore;
}

/** Buckets, authorized. One that the caller may not see does not exist for it. */
export function createBuckets(deps: BucketsDeps): BucketsRoom {
  const { buckets: store, principals, authorizer } = deps;
  const cache = createBucketCache(deps);

  async function seen(who: Who, bucket: Bucket | null, name?: string): Promise<Bucket> {
    if (bucket === null || !(await authorizer.visible(who, bucket))) throw bucketMissing(name);
    return bucket;
  }

  /** Whoever may not have it back learns nothing of it. */
  async function removedOne(who: Who, id: BucketId): Promise<void> {
    const bucket = await store.findRemoved(id);
    if (bucket === null || !(await authorizer.decide(who, 'bucket.remove', bucket)).allowed) throw bucketMissing();
  }

  /** Whoever makes a bucket has it; admins make them for others too. */
  async function ownerOf(who: Who, name: string | undefined): Promise<PrincipalRecord | null> {
    if (name === undefined) return who.principal === null ? null : principals.find(who.principal.id);
    await authorizer.require(who, 'admin', null);
    return principals.findByName(name);
  }

  return {
    cache,
    store,
    readAnew: (who, name) => cache.readAnew(who.principal?.id ?? null, name),
    async create(who, name, options = {}) {
      await authorizer.require(who, 'bucket.create', null, name);
      assertBucketName(name);
      const owner = await ownerOf(who, options.owner);
      if (owner === null) throw new CloudStoreError('principal_not_found', 'A bucket needs an owner who exists.');
      // AWS's object lock works on versions only.
      const locked = options.objectLock === true ? { objectLock: true, versioning: 'enabled' as const } : {};
      const bucket = await store.create({ name, owner: owner.id, domain: owner.domain, ...locked });
      cache.clear();
      return bucket;
    },
    resolve: async (who, name) => seen(who, await cache.resolve(who.principal?.id ?? null, name), name),
    resolved(who, name) {
      const bucket = cache.peekName(who.principal?.id ?? null, name);
      return bucket !== undefined && authorizer.visible(who, bucket) === true ? bucket : null;
    },
    named: (name) => cache.resolve(null, name),
    async nameFor(who, { id, name }, dialect) {
      const meant = await cache.resolve(who.principal?.id ?? null, name);
      return meant === null || meant.id === id ? name : dialect === 's3' ? `${name}${GLOBAL_IN_S3}` : `${GLOBAL}${name}`;
    },
    get: async (who, id) => seen(who, await cache.find(id)),
    async list(who) {
      if (who.principal === null) throw new CloudStoreError('unauthenticated', 'Who are you?');
      const all = await store.list();
      const visible = await Promise.all(all.map((bucket) => authorizer.listed(who, bucket)));
      return all.filter((_, index) => visible[index]);
    },
    async update(who, id, patch) {
      const bucket = await seen(who, await cache.find(id));
      for (const action of actionsOf(patch)) await authorizer.require(who, action, bucket);
      if (patch.owner !== undefined && patch.owner !== bucket.owner) await authorizer.require(who, 'admin', bucket);
      const updated = await store.update(id, patch);
      cache.clear();
      return updated;
    },
    async remove(who, id, options = {}) {
      const bucket = await seen(who, await cache.find(id));
      await authorizer.require(who, 'bucket.remove', bucket);
      if (options.force === true) await authorizer.require(who, 'admin', null);
      await store.remove(id, options);
      cache.clear();
    },
    async removed(who) {
      if (who.principal === null) throw new CloudStoreError('unauthenticated', 'Who are you?');
      const all = await store.removed();
      const mine = await Promise.all(all.map(async (bucket) => (await authorizer.decide(who, 'bucket.remove', bucket)).allowed));
      return all.filter((_, index) => mine[index]);
    },
    async restore(who, id, name) {
      if (name !== undefined) assertBucketName(name);
      await removedOne(who, id);
      const bucket = await store.restore(id, name);
      cache.clear();
      return bucket;
    },
    async drop(who, id) {
      await removedOne(who, id);
      await store.drop(id);
    },
    async usage(who, id) {
      const bucket = await seen(who, await cache.find(id));
      await authorizer.require(who, 'list', bucket, '');
      return store.usage(id);
    },
  };
}

/** Each document has an action of its own, as at AWS. */
function actionsOf(patch: BucketPatch): ReadonlySet<Action> {
  const actions = new Set<Action>();
  if (patch.versioning !== undefined) actions.add('bucket.versioning.write');
  if (patch.objectLock !== undefined) actions.add('bucket.objectLock.write');
  if (patch.quota !== undefined) actions.add('bucket.configure');
  for (const [name, value] of Object.entries(patch.config ?? {})) {
    const remove = `bucket.${name}.remove`;
    if (value === null && Object.hasOwn(ACTIONS, remove)) actions.add(remove as Action);
    else actions.add(configAction(name, 'write') ?? 'bucket.configure');
  }
  return actions.size === 0 ? new Set(['bucket.configure']) : actions;
}
