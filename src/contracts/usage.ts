import type { BucketId } from '#core/address';
import type { Quota } from '#core/bucket';
import type { PrincipalId, Who } from '#core/principal';

/** What is used, exact at every commit but for what is said to be measured, and what may be. Nothing here authorizes. */
export interface UsageStore {
  /** What a write into a bucket is held against. @throws bucket_not_found */
  room(bucket: BucketId): Promise<Room>;
  buckets(owner?: PrincipalId): Promise<BucketUse[]>;
  owners(): Promise<OwnerUse[]>;
  /** Measures what each bucket of a domain takes after deduplication: a look at everything that it refers to. @returns how many buckets */
  measure(domain: number): Promise<number>;
  domains(): Promise<number[]>;
}

/** `used` against `quota`, of a bucket and of who owns it. */
export interface Room {
  owner: PrincipalId;
  bucket: { used: Used; quota: Quota };
  account: { used: Used; quota: Quota };
}

export interface Used {
  objects: number;
  bytes: number;
}

/** Bytes as they were written: `current`, and `history`, which no quota counts. */
export interface Logical extends Used {
  historyVersions: number;
  historyBytes: number;
}

export interface BucketUse extends Logical {
  bucket: BucketId;
  name: string;
  owner: PrincipalId;
  quota: Quota;
  /** After deduplication, compression and encryption, at `measured`: what only this bucket refers to, and what it shares with others of its owner. */
  physical: { ownBytes: number; sharedBytes: number; measured: number } | null;
}

export interface OwnerUse extends Logical {
  owner: PrincipalId;
  name: string;
  quota: Quota;
  /**
   * What the dedupe domain's contents take, after deduplication, compression and encryption, exact. Nobody else's count in it, unless an
   * administrator has joined owners into one domain. Contents up to 1 KiB lie in the database and are not in it.
   */
  storedBytes: number;
}

/** The same, authorized, and the only way to a quota. */
export interface Quotas {
  /** What the caller may see: its own account and buckets; all for an admin. */
  usage(who: Who): Promise<{ owners: OwnerUse[]; buckets: BucketUse[] }>;
  /** Admins. @throws principal_not_found */
  setOwner(who: Who, owner: string, quota: Partial<Quota>): Promise<OwnerUse>;
  /** Who may configure the bucket. */
  setBucket(who: Who, bucket: BucketId, quota: Partial<Quota>): Promise<BucketUse>;
}
