import type { Acl, AclRequest } from '#core/acl';
import type { Action } from '#core/actions';
import type { Address, BucketId, ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { ObjectOwnership, PublicAccessBlock } from '#core/bucket-access';
import type { Grant, GrantRole, SubjectKind } from '#core/grant';
import type { VersionId } from '#core/object';
import type { RequestFacts, Who } from '#core/principal';
import type { Verdict } from './authorizer.ts';

/**
 * What is granted, seen and changed, authorized: grants, and S3's documents. What is changed here is in force in this gateway when the call resolves, and in
 * every other within a second.
 */
export interface AccessControl {
  /** At this place (a prefix: empty, or ends in `/`), and inherited from the folders above it. @throws access_denied */
  grants(who: Who, bucket: BucketId, prefix: ObjectKey): Promise<NamedGrant[]>;
  /** All of a bucket, wherever in it: from the bucket down. @throws access_denied */
  bucketGrants(who: Who, bucket: BucketId): Promise<NamedGrant[]>;
  /** Nobody gives more than they have. @throws access_denied, principal_not_found, invalid_argument (the prefix) */
  grant(who: Who, bucket: BucketId, grant: GivenGrant): Promise<NamedGrant>;
  /** false: there was none. */
  revoke(who: Who, bucket: BucketId, grant: Omit<GivenGrant, 'role'>): Promise<boolean>;
  /** What somebody may, and which rule says so: about oneself, or by who may see what is granted there. null: nobody, who comes without credentials. */
  explain(who: Who, question: ExplainQuestion): Promise<Explanation>;

  /** As it was put; null: there is none. */
  policy(who: Who, bucket: BucketId): Promise<string | null>;
  /** @throws invalid_argument (details.policy), access_denied (it is public, and that is blocked) */
  putPolicy(who: Who, bucket: BucketId, text: string): Promise<void>;
  removePolicy(who: Who, bucket: BucketId): Promise<void>;
  /** null: there is no policy. */
  policyIsPublic(who: Who, bucket: BucketId): Promise<boolean | null>;

  acl(who: Who, bucket: BucketId): Promise<Acl>;
  /** @throws invalid_argument (details.acl: `unsupported`, lists count for nothing here; `malformed`), access_denied (public, and that is blocked) */
  putAcl(who: Who, bucket: BucketId, request: AclRequest): Promise<void>;
  /** @throws not_found, version_not_found */
  objectAcl(who: Who, at: Address, version?: VersionId | 'null'): Promise<Acl>;
  putObjectAcl(who: Who, at: Address, version: VersionId | 'null' | undefined, request: AclRequest): Promise<void>;
  /** The list of a new object, before its bytes are taken; null: it needs none of its own. @throws as putAcl */
  newObjectAcl(who: Who, bucket: Bucket, request: AclRequest | null): Acl | null;
  /** For whoever has just written the version. */
  setNewObjectAcl(version: VersionId, acl: Acl): Promise<void>;

  /** null: it was taken away, and nothing is blocked. */
  publicAccessBlock(who: Who, bucket: BucketId): Promise<PublicAccessBlock | null>;
  putPublicAccessBlock(who: Who, bucket: BucketId, block: PublicAccessBlock | null): Promise<void>;
  /** null: it was taken away. */
  ownership(who: Who, bucket: BucketId): Promise<ObjectOwnership | null>;
  putOwnership(who: Who, bucket: BucketId, ownership: ObjectOwnership | null): Promise<void>;
}

/** With the subject's name, which is what people know. */
export interface NamedGrant extends Grant {
  name: string;
}

export interface GivenGrant {
  kind: SubjectKind;
  name: string;
  prefix: ObjectKey;
  role: GrantRole;
}

export interface ExplainQuestion {
  /** The user's name; null: anonymous. */
  user: string | null;
  action: Action;
  /** null: for what is done to no bucket. */
  bucket: BucketId | null;
  key: ObjectKey;
  version?: VersionId | 'null';
  /** By default the asker's own request. */
  context?: RequestFacts;
}

export interface Explanation extends Verdict {
  /** The rule, as a sentence. */
  because: string;
}
