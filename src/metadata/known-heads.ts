import type { BucketId } from '#core/address';

/** The revisions of buckets' heads as this process last left them: a head that still is as it was left tells that nobody else has changed its bucket since. */
export interface KnownHeads {
  /** undefined: not known. */
  at(bucket: BucketId): number | undefined;
  /** @param from what was found, and moved by one. @returns whether that was known */
  left(bucket: BucketId, from: number): boolean;
  /** Something that changes no row that is remembered has moved it by one, from there. */
  passed(bucket: BucketId, from: number): void;
  /** null: all. */
  forget(bucket: BucketId | null): void;
}

export function createKnownHeads(): KnownHeads {
  const revisions = new Map<BucketId, number>();
  return {
    at: (bucket) => revisions.get(bucket),
    left(bucket, from) {
      const known = revisions.get(bucket) === from;
      revisions.set(bucket, from + 1);
      return known;
    },
    passed(bucket, from) {
      if (revisions.get(bucket) === from) revisions.set(bucket, from + 1);
    },
    forget(bucket) {
      if (bucket === null) revisions.clear();
      else revisions.delete(bucket);
    },
  };
}
