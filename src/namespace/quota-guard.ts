import type { PrincipalStore } from '#contracts/principal-store';
import type { Signals } from '#contracts/signals';
import type { UsageStore } from '#contracts/usage';
import type { BucketId } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { createFreshCache } from '#core/fresh-cache';
import type { PrincipalId } from '#core/principal';
import type { Bytes } from '#core/stream';

/** Refuses bodies that cannot fit, before or while they come. The commit decides anew, and alone. */
export interface QuotaGuard {
  /**
   * The body as it may be read: refused at once where its length is known and too much, cut off where it turns out to be. Costs nothing where
   * neither the bucket nor its owner has a quota.
   * @param replaced bytes that the write will free
   * @throws quota_exceeded
   */
  admit(bucket: Bucket, body: Bytes, size: number | undefined, replaced: () => Promise<number>): Promise<Bytes>;
  /** Bytes that still fit; null: no quota. */
  left(bucket: BucketId): Promise<number | null>;
}

export interface QuotaGuardDeps {
  usage: UsageStore;
  principals: Pick<PrincipalStore, 'find'>;
  signals: Signals;
  clock: Clock;
}

export function createQuotaGuard({ usage, principals, signals, clock }: QuotaGuardDeps): QuotaGuard {
  const limited = createFreshCache<PrincipalId, { any: boolean }>({
    async load(id) {
      const owner = await principals.find(id);
      return { any: owner !== null && (owner.quotaBytes !== null || owner.quotaObjects != null) };
    },
    clock,
  });
  signals.subscribe('principals', (payload) => {
    if (payload === null) limited.clear();
    else limited.drop(Number(payload));
  });

  async function left(bucket: BucketId): Promise<number | null> {
    const room = await usage.room(bucket);
    const each = [room.bucket, room.account].map(({ used, quota }) =>
      quota.bytes === null ? Infinity : quota.bytes - used.bytes,
    );
    const least = Math.min(...each);
    return least === Infinity ? null : Math.max(0, least);
  }

  return {
    left,
    async admit(bucket, body, size, replaced) {
      if (bucket.quota === undefined) {
        const known = limited.peek(bucket.owner) ?? (await limited.get(bucket.owner));
        if (known?.any !== true) return body;
      }
      const [rest, freed] = await Promise.all([left(bucket.id), replaced()]);
      if (rest === null) return body;
      const most = rest + freed;
      if (size === undefined) return atMost(body, most);
      if (size > most && size > freed) throw exceeded(rest);
      return body;
    },
  };
}

async function* atMost(body: Bytes, most: number): Bytes {
  let taken = 0;
  if (most < 0) throw exceeded(0);
  for await (const buffer of body) {
    taken += buffer.length;
    if (taken > most) throw exceeded(most);
    yield buffer;
  }
}

function exceeded(available: number): CloudStoreError {
  return new CloudStoreError('quota_exceeded', 'The quota is used up.', { details: { availableBytes: available } });
}
