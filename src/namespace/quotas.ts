import type { Authorizer } from '#contracts/authorizer';
import type { PrincipalStore } from '#contracts/principal-store';
import type { Quotas, UsageStore } from '#contracts/usage';
import type { Quota } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import type { BucketsRoom } from './buckets.ts';

export interface QuotasDeps {
  usage: UsageStore;
  principals: PrincipalStore;
  buckets: BucketsRoom;
  authorizer: Authorizer;
}

/** The contract is Quotas. */
export function createQuotas({ usage, principals, buckets, authorizer }: QuotasDeps): Quotas {
  return {
    async usage(who) {
      if (who.principal === null) throw new CloudStoreError('unauthenticated', 'Who are you?');
      await authorizer.require(who, 'account.read', null);
      const all = (await authorizer.decide(who, 'admin', null)).allowed;
      const { id } = who.principal;
      const [owners, owned] = await Promise.all([usage.owners(), usage.buckets(all ? undefined : id)]);
      return { owners: all ? owners : owners.filter(({ owner }) => owner === id), buckets: owned };
    },
    async setOwner(who, name, quota) {
      await authorizer.require(who, 'admin', null);
      assertQuota(quota);
      const owner = await principals.findByName(name);
      if (owner === null) throw new CloudStoreError('principal_not_found', `There is no user ${name}.`);
      await principals.update(owner.id, {
        ...(quota.bytes === undefined ? {} : { quotaBytes: quota.bytes }),
        ...(quota.objects === undefined ? {} : { quotaObjects: quota.objects }),
      });
      return (await usage.owners()).find((one) => one.owner === owner.id)!;
    },
    async setBucket(who, id, quota) {
      assertQuota(quota);
      const bucket = await buckets.update(who, id, { quota });
      return (await usage.buckets(bucket.owner)).find((one) => one.bucket === id)!;
    },
  };
}

function assertQuota(quota: Partial<Quota>): void {
  for (const most of [quota.bytes, quota.objects]) {
    if (most === undefined || most === null || (Number.isSafeInteger(most) && most >= 0)) continue;
    throw new CloudStoreError('invalid_argument', 'A quota is a whole number, or null for none.');
  }
}
