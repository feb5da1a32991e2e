import type { Lock } from '#contracts/locks';
import type { BucketId } from '#core/address';
import type { Clock } from '#core/clock';

/**
 * All live locks of a bucket in memory, where no other process takes any and there are few: most buckets have none, and are asked about with every
 * listing. A reading that was under way while a lock was taken or given back is not kept.
 */
export interface HeldLocks {
  /** undefined: unknown. `many`: they are looked up. */
  get(bucket: BucketId): readonly Lock[] | 'many' | undefined;
  /** What is then read is handed to what this gives; null where that failed. */
  reading(bucket: BucketId): (locks: readonly Lock[] | null) => void;
  /** One was added or renewed: many stay many. */
  taken(bucket: BucketId): void;
  /** Some are gone; null: of any bucket. */
  released(bucket: BucketId | null): void;
}

/** More of one bucket are not kept. */
export const HELD_MAX = 100;
const BUCKETS_MAX = 10_000;
/** Locks end by themselves: many are counted again after a while. */
const MANY_MS = 60_000;

export function createHeldLocks({ clock }: { clock: Clock }): HeldLocks {
  const buckets = new Map<BucketId, { locks: readonly Lock[] | 'many'; asked: number }>();
  const readings = new Set<{ bucket: BucketId; stale: boolean }>();

  function outdate(bucket: BucketId | null): void {
    for (const reading of readings) if (bucket === null || reading.bucket === bucket) reading.stale = true;
  }

  return {
    get(bucket) {
      const known = buckets.get(bucket);
      if (known === undefined) return undefined;
      const { locks, asked } = known;
      if (locks === 'many') return clock.now() - asked < MANY_MS ? locks : undefined;
      if (locks.length === 0) return locks;
      const now = clock.now();
      return locks.filter(({ expires }) => expires > now);
    },
    reading(bucket) {
      const own = { bucket, stale: false };
      readings.add(own);
      return (locks) => {
        readings.delete(own);
        if (locks === null || own.stale) return;
        buckets.delete(bucket);
        buckets.set(bucket, { locks: locks.length > HELD_MAX ? 'many' : locks, asked: clock.now() });
        const oldest = buckets.keys().next();
        if (buckets.size > BUCKETS_MAX && !oldest.done) buckets.delete(oldest.value);
      };
    },
    taken(bucket) {
      outdate(bucket);
      if (buckets.get(bucket)?.locks !== 'many') buckets.delete(bucket);
    },
    released(bucket) {
      outdate(bucket);
      if (bucket === null) buckets.clear();
      else buckets.delete(bucket);
    },
  };
}
