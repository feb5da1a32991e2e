import { CloudStoreError } from './errors.ts';

/** `governance` may be lifted by who may; `compliance` by nobody before its time. */
export type RetentionMode = 'governance' | 'compliance';

export interface Retention {
  mode: RetentionMode;
  /** ms since the epoch */
  until: number;
}

/** What keeps one version from being removed for good. */
export interface ObjectLock {
  retention: Retention | null;
  /** Without an end, until it is taken away. */
  legalHold: boolean;
  /** It was said at some time whether it is under hold; S3 has another answer where it never was. */
  holdSet?: true;
}

/** What a bucket gives each new version that says nothing of its own; stored as `objectLock` of the bucket's config. */
export interface DefaultRetention {
  mode: RetentionMode;
  days?: number;
  years?: number;
}

const DAY_MS = 24 * 3600 * 1000;

/** The end of a default retention that begins at `from`. A year is 365 days, as at AWS. */
export function retentionFrom({ mode, days = 0, years = 0 }: DefaultRetention, from: number): Retention {
  return { mode, until: from + (days + years * 365) * DAY_MS };
}

/** Whether a version may not be removed. `now` is the earliest of the clocks that are asked, so that one which is fast frees nothing. */
export function isHeld(lock: ObjectLock, now: number): boolean {
  return lock.legalHold || (lock.retention !== null && lock.retention.until > now);
}

/**
 * A new retention of a version that may have one. Longer in the same mode is always possible; less, none, or another mode takes `bypass` under
 * governance, and is impossible under compliance.
 * @throws object_locked
 */
export function assertRetentionChange(before: ObjectLock, after: Retention | null, now: number, bypass: boolean): void {
  const { retention } = before;
  if (retention === null || retention.until <= now) return;
  if (after !== null && after.mode === retention.mode && after.until >= retention.until) return;
  if (retention.mode === 'governance' && bypass) return;
  throw locked(before);
}

export function locked({ retention, legalHold }: ObjectLock): CloudStoreError {
  const why = legalHold ? 'under legal hold' : 'under retention';
  return new CloudStoreError('object_locked', `The version is ${why}.`, {
    details: { legalHold, ...(retention === null ? {} : { mode: retention.mode, until: retention.until }) },
  });
}
