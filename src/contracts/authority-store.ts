import type { Address, BucketId } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Grant, Subject } from '#core/grant';
import type { VersionId } from '#core/object';
import type { Who } from '#core/principal';

/** What decisions rest on. Nothing here authorizes. Each change moves the bucket's `authority` and publishes `buckets`. */
export interface AuthorityStore {
  /** All that is granted in a bucket, and its documents, of one moment; null: there is no such bucket. */
  load(bucket: BucketId): Promise<BucketAuthority | null>;
  /** What was granted to one subject, in any bucket. */
  grantsTo(subject: Subject): Promise<Grant[]>;
  /** One role a subject and place: a second grant takes the place of the first. @throws bucket_not_found, principal_not_found */
  setGrant(grant: Grant): Promise<void>;
  /** false: there was none. */
  removeGrant(grant: Pick<Grant, 'subject' | 'bucket' | 'prefix'>): Promise<boolean>;

  /** Of the current object or a version; null: there is none. */
  object(at: Address, version?: VersionId | 'null'): Promise<ObjectAuthority | null>;
  /** Of a version that has just been made. */
  setNewObjectAcl(version: VersionId, acl: string): Promise<void>;
  /** A commit, which the bucket's journal tells. null: the object is private again. @throws not_found, version_not_found */
  setObjectAcl(who: Who, at: Address, version: VersionId | 'null' | undefined, acl: string | null): Promise<void>;
}

export interface BucketAuthority {
  revision: number;
  config: Bucket['config'];
  grants: Grant[];
}

export interface ObjectAuthority {
  versionId: VersionId;
  deleteMarker: boolean;
  tags: Record<string, string>;
  /** JSON of an Acl; null: private. */
  acl: string | null;
}
