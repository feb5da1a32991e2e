import type { BucketId } from '#core/address';
import type { Bucket, BucketKind, Quota, Versioning } from '#core/bucket';
import type { DomainId } from '#core/content-ref';
import type { PrincipalId } from '#core/principal';

/** Rows of buckets and their names. Nothing here authorizes. Each change publishes `buckets`. */
export interface BucketStore {
  /** @throws bucket_exists, bucket_owned_by_you (details.bucket) */
  create(bucket: NewBucket): Promise<Bucket>;
  find(id: BucketId): Promise<Bucket | null>;
  /** A name as `principal` sees it: an alias of that principal first, then the global one. null principal: global only. */
  resolve(principal: PrincipalId | null, name: string): Promise<Bucket | null>;
  /** In byte order of names; of one owner, or all. */
  list(owner?: PrincipalId): Promise<Bucket[]>;
  /** @throws conflict (details.objectLock): object lock stays once it is on, and goes with versions only */
  update(id: BucketId, patch: BucketPatch): Promise<Bucket>;
  /**
   * From then on it is nowhere but in `removed`, and its names are free. What it holds stays as long as its retention says; one that holds nothing, not even
   * history, is gone.
   * @throws bucket_not_empty when live objects or S3-visible versions exist (unless `force`); hidden history never counts, and uploads end with it; object_locked when a
   * version is held, also with `force`
   */
  remove(id: BucketId, options?: { force?: boolean }): Promise<void>;
  /** What can come back, the latest removed first; of one owner, or all. */
  removed(owner?: PrincipalId): Promise<RemovedBucket[]>;
  findRemoved(id: BucketId): Promise<RemovedBucket | null>;
  /** As it was, with all in it, its settings and rights; under another name where one is given. @throws bucket_not_found, bucket_exists, bucket_owned_by_you, quota_exceeded (its owner's) */
  restore(id: BucketId, name?: string): Promise<Bucket>;
  /** A removed one, with all in it, for good. @throws bucket_not_found */
  drop(id: BucketId): Promise<void>;
  usage(id: BucketId): Promise<BucketUsage>;
}

export interface NewBucket {
  name: string;
  owner: PrincipalId;
  domain: DomainId;
  kind?: BucketKind;
  versioning?: Versioning;
  objectLock?: boolean;
  /** A further name, for the owner only. */
  alias?: string;
}

export interface BucketPatch {
  versioning?: Versioning;
  owner?: PrincipalId;
  objectLock?: boolean;
  /** Merged by top-level name; null removes one. */
  config?: Record<string, unknown>;
  quota?: Partial<Quota>;
}

export interface RemovedBucket extends Bucket {
  /** ms since the epoch */
  removed: number;
  usage: BucketUsage & { historyVersions: number; historyBytes: number };
}

export interface BucketUsage {
  /** Live objects and their plaintext bytes. */
  objects: number;
  bytes: number;
}
