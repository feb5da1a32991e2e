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
  /**
   * The same for a piece of an upload. Uploads that have not ended are in no account, and each alone may fit: together they may be as much as the quota, or
   * UNFINISHED_BYTES where that is more.
   * @param again bytes of the piece that this one takes the place of
   * @throws quota_exceeded
   */
  admitPiece(
    bucket: Bucket,
    body: Bytes,
    size: number | undefined,
    replaced: () => Promise<number>,
    again?: () => Promise<number>,
  ): Promise<Bytes>;
  /** Bytes that still fit; null: no quota. */
  left(bucket: BucketId): Promise<number | null>;
}

export interface QuotaGuardDeps {
  usage: UsageStore;
  principals: Pick<PrincipalStore, 'find'>;
  signals: Signals;
  clock: Clock;
}

/** Of a small quota, so that two large files may be on their way at once. */
const UNFINISHED_BYTES = 64 << 20;

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

  async function isLimited(bucket: Bucket): Promise<boolean> {
    return bucket.quota !== undefined || (limited.peek(bucket.owner) ?? (await limited.get(bucket.owner)))?.any === true;
  }

  /** What unfinished uploads may still take. */
  async function spare(bucket: BucketId): Promise<number> {
    const [room, taken] = await Promise.all([usage.room(bucket), usage.unfinished(bucket)]);
    const each = (['bucket', 'account'] as const).map((name) => {
      const { bytes } = room[name].quota;
      return bytes === null ? Infinity : Math.max(bytes, UNFINISHED_BYTES) - taken[name];
    });
    return Math.max(0, Math.min(...each));
  }

  const admit: QuotaGuard['admit'] = async (bucket, body, size, replaced) => {
    if (!(await isLimited(bucket))) return body;
    const [rest, freed] = await Promise.all([left(bucket.id), replaced()]);
    if (rest === null) return body;
    const most = rest + freed;
    if (size === undefined) return atMost(body, most);
    if (size > most && size > freed) throw exceeded(rest);
    return body;
  };

  return {
    left,
    admit,
    async admitPiece(bucket, body, size, replaced, again) {
      const admitted = await admit(bucket, body, size, replaced);
      if (!(await isLimited(bucket))) return admitted;
      const most = (await spare(bucket.id)) + ((await again?.()) ?? 0);
      if (size === undefined) return atMost(admitted, most);
      if (size > most) throw exceeded(most);
      return admitted;
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
