import type { BucketId } from '#core/address';

/** What has had its time, removed in bounded steps. Each returns how much went; 0: nothing more. Their chunks are collection's affair. */
export interface ExpiryStore {
  /** Unfinished uploads that were begun, and got their last part, longer ago than this; and what is left of completed ones after a day. */
  uploads(olderMs: number): Promise<{ count: number }>;
  /** Room of links that gateways had taken for what was on its way when they died. */
  rooms(): Promise<{ count: number }>;
  /** Lists of objects (ACLs) whose version has gone, of versions that were minted longer ago than this. */
  lists(olderMs: number): Promise<{ count: number }>;
  /**
   * History that no S3 client sees, superseded longer ago than this, oldest first. Never what is locked or under legal hold, and never a version
   * that S3 shows.
   * @param bytesMax stops when so many bytes of objects are gone
   */
  history(olderMs: number, bytesMax?: number): Promise<{ count: number; bytes: number }>;
  /**
   * A removed bucket with all that was in it, once the days of its retention (else `days`) have gone by since it was removed. Without a limit of its own it stays.
   * @param days null: the one that was removed first, whatever its retention
   */
  buckets(days: number | null): Promise<{ count: number; bytes: number }>;
  /**
   * One step of what each bucket says of its history (its config's `retention`), and where it says nothing, of `days`: too old, too many versions of a
   * file, too much in all, the oldest first. Never what is locked or under legal hold, and never a version that S3 shows.
   * @param from what the step before gave; null: the first
   */
  retain(days: number, from: RetainStep | null): Promise<{ count: number; bytes: number; next: RetainStep | null }>;
}

/** Where a walk over history is. `after` is the rule's own. */
export interface RetainStep {
  rule: 'days' | 'versions' | 'bytes';
  /** The bucket that the rule is at; for `days` none. */
  bucket: BucketId;
  after: string;
}

/** As it stands in a bucket's config; null: without a limit, absent: the gateway's `history-days`, and no other limit. */
export interface RetentionRule {
  days?: number | null;
  /** Versions of one file that are kept beside the current one. */
  versions?: number | null;
  /** Bytes of all history of the bucket. */
  bytes?: number | null;
}
