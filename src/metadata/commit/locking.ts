import type { LockIntent } from '#contracts/metadata-store';
import { CloudStoreError } from '#core/errors';
import { assertRetentionChange, type ObjectLock, retentionFrom } from '#core/retention';
import type { BatchState, BucketState } from './state.ts';

/**
 * The times that locks go by. One begins at the latest that is known (a clock that went back would make it end early once it is right again), and
 * ends when both clocks say so (one that is fast frees nothing).
 */
export function clocksOf({ now, databaseNow }: Pick<BatchState, 'now' | 'databaseNow'>, { lastMs }: Pick<BucketState, 'lastMs'>) {
  return { begins: Math.max(now, databaseNow, lastMs), ends: Math.min(now, databaseNow) };
}

/**
 * What a new version is kept by: what its writer asks for, else the bucket's default.
 * @param before it was asked for before, when its time was still ahead: an upload may be completed after it
 * @throws invalid_argument
 */
export function lockOfNew(
  state: BatchState,
  bucket: BucketState,
  asked: Partial<ObjectLock> | undefined,
  before: boolean,
): ObjectLock | null {
  if (!bucket.objectLock) {
    if (asked !== undefined) throw noObjectLock();
    return null;
  }
  const { begins } = clocksOf(state, bucket);
  const { defaultRetention } = bucket;
  const usual = defaultRetention === null ? null : retentionFrom(defaultRetention, begins);
  const retention = asked?.retention ?? usual;
  if (asked?.retention && !before) assertAhead(asked.retention.until, begins);
  return { retention, legalHold: asked?.legalHold ?? false };
}

/** What a version is kept by from now on. @throws object_locked, invalid_argument */
export function assertLockChange(state: BatchState, bucket: BucketState, before: ObjectLock, intent: LockIntent): ObjectLock {
  if (!bucket.objectLock) throw noObjectLock();
  const { begins, ends } = clocksOf(state, bucket);
  const { retention = before.retention, legalHold = before.legalHold } = intent;
  if (intent.retention !== undefined) {
    if (intent.retention !== null) assertAhead(intent.retention.until, begins);
    assertRetentionChange(before, intent.retention, ends, intent.bypassGovernance === true);
  }
  return { retention, legalHold };
}

function assertAhead(until: number, now: number): void {
  if (until > now) return;
  throw new CloudStoreError('invalid_argument', 'The retain until date must be in the future!', { details: { until } });
}

function noObjectLock(): CloudStoreError {
  return new CloudStoreError('invalid_argument', 'Bucket is missing Object Lock Configuration', {
    details: { objectLock: false },
  });
}
