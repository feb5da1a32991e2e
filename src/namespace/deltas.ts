import type { Delta } from '#contracts/delta';
import type { Deltas } from '#contracts/deltas';
import { assertKey, type BucketId } from '#core/address';
import type { DomainId } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import { createAccess } from './access.ts';
import type { NamespaceDeps, Rooms } from './deps.ts';
import { commitStaged } from './put.ts';
import { createQuotaGuard } from './quota-guard.ts';
import { createVersionIds } from './version-id.ts';

export interface DeltasDeps extends NamespaceDeps {
  delta: Delta;
}

/** Uploads of what changed, for owners. */
export function createDeltas(deps: DeltasDeps): Deltas {
  const access = createAccess({ cache: deps.buckets.cache, authorizer: deps.authorizer });
  const rooms: Rooms = { ...deps, access, quotas: createQuotaGuard(deps), mint: createVersionIds(deps) };

  /** A grant on one bucket must tell nothing about the others of its owner. */
  async function domainOf(who: Who, id: BucketId): Promise<DomainId> {
    const bucket = await access.require(who, 'write', id, '');
    if (who.principal?.id === bucket.owner) return bucket.domain;
    throw new CloudStoreError('access_denied', 'Only the owner of a bucket may ask what is stored already.');
  }

  return {
    secrets: async (who, bucket) => deps.delta.secrets(await domainOf(who, bucket)),
    begin: async (who, bucket) => deps.delta.begin(await domainOf(who, bucket)),
    async put(who, at, staged, options) {
      try {
        assertKey(at.key);
        const bucket = await access.require(who, 'write', at.bucket, at.key);
        if (options.etag === 'md5' && staged.digests.md5 === undefined) {
          throw new CloudStoreError('invalid_argument', 'No MD5 was computed of this content.');
        }
        return await commitStaged(rooms, who, at, bucket, staged, options);
      } finally {
        staged.release();
      }
    },
  };
}
