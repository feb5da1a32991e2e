import type { Lock } from '#contracts/locks';
import type { AclIntent, AnnotateIntent, LockIntent, PutIntent, RemoveIntent, TagIntent } from '#contracts/metadata-store';
import type { BucketId, ObjectKey } from '#core/address';
import type { Quota, Versioning } from '#core/bucket';
import type { DomainId } from '#core/content-ref';
import type { DirectoryInfo, ObjectAttributes, VersionId, Visibility } from '#core/object';
import type { PrincipalId } from '#core/principal';
import type { DefaultRetention, ObjectLock } from '#core/retention';

export type Intent = PutIntent | RemoveIntent | AnnotateIntent | LockIntent | TagIntent | AclIntent;

export interface BucketState {
  id: BucketId;
  owner: PrincipalId;
  domain: DomainId;
  versioning: Versioning;
  revision: number;
  seq: number;
  epoch: number;
  /** What is live. */
  objects: number;
  bytes: number;
  quota: Quota;
  objectLock: boolean;
  defaultRetention: DefaultRetention | null;
  /** The latest time that any commit of this bucket had. */
  lastMs: number;
  /** Anything in it is locked. */
  locked: boolean;
}

export interface AccountState {
  usedBytes: number;
  usedObjects: number;
  quota: Quota;
}

/** What a slot holds; `versionId` null: nothing current (no version, or history only). */
export interface SlotState {
  id: number;
  live: boolean;
  versionId: VersionId | null;
  visibility: Visibility | null;
  deleteMarker: boolean;
  nodeId: number;
  size: number;
  etag: string;
  modified: number;
  mtime: number;
  created: number;
  attributes: ObjectAttributes;
  properties: Record<string, string> | null;
  /** The slot's null version, current or not. */
  nullVersion: VersionId | null;
}

/** The version that an intent names, and what would be current without it. */
export interface NamedVersion {
  id: VersionId;
  visibility: Visibility;
  deleteMarker: boolean;
  size: number;
  lock: ObjectLock;
  next: Omit<SlotState, 'id' | 'nullVersion'> | null;
}

/** Everything that a batch touches, as one snapshot of the database. Folding a batch changes it. */
export interface BatchState {
  now: number;
  /** The database's clock: locks end when both say so. */
  databaseNow: number;
  buckets: Map<BucketId, BucketState>;
  accounts: Map<PrincipalId, AccountState>;
  /** By `slotKey`. */
  slots: Map<string, SlotState>;
  directories: Map<string, DirectoryInfo>;
  locks: Lock[];
  /** For removals by version and locks, by `slotKey`. */
  versions: Map<string, NamedVersion>;
  /** Directories that hold live keys other than those removed by this batch (asked for keepParent). */
  occupied: Set<string>;
  /** Uploads by id. */
  uploads: Map<string, { bucket: BucketId; key: ObjectKey; completedVersion: VersionId | null }>;
}

export function slotKey(bucket: BucketId, key: ObjectKey): string {
  return `${bucket}\0${key}`;
}

/** Of which nothing was read. */
export function emptyBatch(now: number): BatchState {
  return {
    now,
    databaseNow: now,
    buckets: new Map(),
    accounts: new Map(),
    slots: new Map(),
    directories: new Map(),
    locks: [],
    versions: new Map(),
    occupied: new Set(),
    uploads: new Map(),
  };
}
