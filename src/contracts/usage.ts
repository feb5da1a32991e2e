import type { BucketId } from '#core/address';
import type { Quota } from '#core/bucket';
import type { PrincipalId, Who } from '#core/principal';

/** What is used, exact at every commit but for what is said to be measured, and what may be. Nothing here authorizes. */
export interface UsageStore {
  /** What a write into a bucket is held against. @throws bucket_not_found */
  room(bucket: BucketId): Promise<Room>;
  /** Bytes of uploads that have not ended, which no account has yet: of the bucket, and of all buckets of its owner. */
  unfinished(bucket: BucketId): Promise<{ bucket: number; account: number }>;
  buckets(owner?: PrincipalId): Promise<BucketUse[]>;
  owners(): Promise<OwnerUse[]>;
  /** Measures what each bucket of a domain takes after deduplication, as of one moment: a look at everything that it refers to. @returns how many buckets */
  measure(domain: number, watch?: MeasureProgress): Promise<number>;
  /** Those with a bucket, and what is known of their last measurement. */
  domains(): Promise<MeasuredDomain[]>;
}

export interface MeasureProgress {
  /** Ends it between two statements; then nothing is kept of it. */
  signal?: AbortSignal;
  /** So many versions of so many were looked at. */
  progress?(seen: { versions: number; total: number }): void;
}

/** Who asks the job `measure`. `asked`: a user, who may come often; `now`: an admin, who wants to know. */
export type MeasureArgument = 'asked' | 'now';

export interface MeasuredDomain {
  domain: number;
  /** No bucket of it has changed, come or gone since. */
  current: boolean;
  /** ms since the epoch; null: none of its buckets ever was. */
  measured: number | null;
  /** How long that took; 0: not known. */
  tookMs: number;
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
  /** null: not measured yet. */
  physical: Physical | null;
}

/** What a bucket's contents take after deduplication, compression and encryption, history too, exact as of `measured`. */
export interface Physical {
  /** What only this bucket refers to: what its removal would give back. Pieces are what contents are cut into. */
  ownBytes: number;
  ownChunks: number;
  /** What it shares with other buckets of its dedupe domain; each of them counts it. */
  sharedBytes: number;
  sharedChunks: number;
  /** Contents up to 1 KiB, which lie in the database and are not deduplicated. */
  inlineBytes: number;
  /** ms since the epoch. */
  measured: number;
  /** Nothing has changed since, so it is exact now: neither in this bucket nor in one that it may share with. */
  current: boolean;
}

export interface OwnerUse extends Logical {
  owner: PrincipalId;
  name: string;
  quota: Quota;
  /**
   * What the dedupe domain's contents take, after deduplication, compression and encryption, exact. Nobody else's count in it, unless an
   * administrator has joined owners into one domain. What nobody refers to any more is in it until it is collected. Contents up to 1 KiB lie in the
   * database and are not in it.
   */
  storedBytes: number;
  /** Of so many pieces. */
  storedChunks: number;
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
