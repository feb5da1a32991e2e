import type { BucketId, ObjectKey } from '#core/address';
import type { VersionId } from '#core/object';

/** What the lifecycle job looks through: rows alone, no content. Nothing here changes anything. */
export interface LifecycleRows {
  /** The versions that S3 shows, in byte order of keys and of one key from the newest, behind a place. */
  versions(bucket: BucketId, after: LifecyclePlace | null, limit: number): Promise<LifecycleVersion[]>;
}

export interface LifecyclePlace {
  key: ObjectKey;
  /** Of the version that was seen last. */
  seq: number;
}

export interface LifecycleVersion extends LifecyclePlace {
  versionId: VersionId;
  current: boolean;
  deleteMarker: boolean;
  /** No other version of the key is shown. */
  alone: boolean;
  size: number;
  /** ms since the epoch */
  modified: number;
  /** When it stopped being current; null while it is. */
  superseded: number | null;
  tags: Record<string, string> | null;
}
