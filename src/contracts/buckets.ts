import type { BucketId } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';
import type { BucketPatch, BucketUsage, RemovedBucket } from './bucket-store.ts';

/** Buckets, authorized. */
export interface Buckets {
  /**
   * @param options.owner another user's name; for admins
   * @throws bucket_exists, bucket_owned_by_you, invalid_bucket_name, access_denied (a guest), principal_not_found
   */
  create(who: Who, name: string, options?: { objectLock?: boolean; owner?: string }): Promise<Bucket>;
  /** A name as the caller sees it, once at the door: an alias of its own first, then the global one; `~name` and `name-s3alias` are always the global one. @throws bucket_not_found, also when the caller may not know of it */
  resolve(who: Who, name: string): Promise<Bucket>;
  /** From memory, for short paths; null: ask `resolve`. */
  resolved(who: Who, name: string): Bucket | null;
  /** By its global name, whoever asks: for what a browser is told before anybody signs (CORS, websites). */
  named(name: string): Promise<Bucket | null>;
  /** How the caller names a bucket: `~name`, or in S3 `name-s3alias`, where an alias of its own hides the name. */
  nameFor(who: Who, bucket: Pick<Bucket, 'id' | 'name'>, dialect?: 's3'): Promise<string>;
  get(who: Who, id: BucketId): Promise<Bucket>;
  /** What the caller may see, in byte order of names. */
  list(who: Who): Promise<Bucket[]>;
  update(who: Who, id: BucketId, patch: BucketPatch): Promise<Bucket>;
  /** It can come back with all that was in it, as long as its retention says. @param options.force with everything in it; for admins. What is locked stays, and the bucket with it. */
  remove(who: Who, id: BucketId, options?: { force?: boolean }): Promise<void>;
  /** Removed buckets that the caller may have back: those that it might remove if they were there. The latest removed first. */
  removed(who: Who): Promise<RemovedBucket[]>;
  /** @throws bucket_not_found, bucket_exists, bucket_owned_by_you (the name is taken: give another), quota_exceeded */
  restore(who: Who, id: BucketId, name?: string): Promise<Bucket>;
  /** A removed one, for good. @throws bucket_not_found */
  drop(who: Who, id: BucketId): Promise<void>;
  usage(who: Who, id: BucketId): Promise<BucketUsage>;
  /** For who must know what other processes and gateways have changed up to now: what is remembered of one bucket for a moment is let go, of others nothing. */
  readAnew(who: Who, name: string): Promise<void>;
}
