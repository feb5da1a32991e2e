import type { GrantRole } from './grant.ts';

/** One thing that can be asked of the Authorizer. */
export interface ActionDefinition {
  /** Its name in policies: S3's, or ours where S3 knows no such thing. */
  s3: `${'s3' | 'cloudstore'}:${string}`;
  /** What it is done to: in a policy, an object's ARN, a bucket's, or none. */
  on: 'object' | 'bucket' | 'service';
  /** The least role that holds it; nobody: no grant gives it. */
  least: Exclude<GrantRole, 'uploader'> | 'nobody';
  /** The uploader's role holds it too. */
  uploader?: true;
}

/**
 * Every action. `write` may overwrite; `create` is for who may only add: the namespace then commits under `If-None-Match: *`. What is done to a named
 * version is another action than what is done to the current object, as at AWS: `version.delete` is how something is lost for good (purge), `version.restore`
 * brings a version or a trashed object back. A list's key is its prefix.
 * What is done to no bucket is `on: 'service'`: `account.*` is about the caller itself, `admin` about the gateway and its users.
 */
export const ACTIONS = {
  read: { s3: 's3:GetObject', on: 'object', least: 'viewer' },
  write: { s3: 's3:PutObject', on: 'object', least: 'editor' },
  create: { s3: 's3:PutObject', on: 'object', least: 'editor', uploader: true },
  delete: { s3: 's3:DeleteObject', on: 'object', least: 'editor' },
  'attributes.read': { s3: 's3:GetObjectAttributes', on: 'object', least: 'viewer' },
  'tags.read': { s3: 's3:GetObjectTagging', on: 'object', least: 'viewer' },
  'tags.write': { s3: 's3:PutObjectTagging', on: 'object', least: 'editor' },
  'tags.remove': { s3: 's3:DeleteObjectTagging', on: 'object', least: 'editor' },
  'acl.read': { s3: 's3:GetObjectAcl', on: 'object', least: 'manager' },
  'acl.write': { s3: 's3:PutObjectAcl', on: 'object', least: 'manager' },
  'version.read': { s3: 's3:GetObjectVersion', on: 'object', least: 'editor' },
  'version.delete': { s3: 's3:DeleteObjectVersion', on: 'object', least: 'manager' },
  'version.restore': { s3: 'cloudstore:RestoreVersion', on: 'object', least: 'editor' },
  'version.attributes.read': { s3: 's3:GetObjectVersionAttributes', on: 'object', least: 'editor' },
  'version.tags.read': { s3: 's3:GetObjectVersionTagging', on: 'object', least: 'editor' },
  'version.tags.write': { s3: 's3:PutObjectVersionTagging', on: 'object', least: 'editor' },
  'version.tags.remove': { s3: 's3:DeleteObjectVersionTagging', on: 'object', least: 'editor' },
  'version.acl.read': { s3: 's3:GetObjectVersionAcl', on: 'object', least: 'manager' },
  'version.acl.write': { s3: 's3:PutObjectVersionAcl', on: 'object', least: 'manager' },
  'retention.read': { s3: 's3:GetObjectRetention', on: 'object', least: 'viewer' },
  'retention.write': { s3: 's3:PutObjectRetention', on: 'object', least: 'manager' },
  'retention.bypass': { s3: 's3:BypassGovernanceRetention', on: 'object', least: 'owner' },
  'hold.read': { s3: 's3:GetObjectLegalHold', on: 'object', least: 'viewer' },
  'hold.write': { s3: 's3:PutObjectLegalHold', on: 'object', least: 'manager' },
  'upload.parts': { s3: 's3:ListMultipartUploadParts', on: 'object', least: 'editor', uploader: true },
  'upload.abort': { s3: 's3:AbortMultipartUpload', on: 'object', least: 'editor', uploader: true },
  comment: { s3: 'cloudstore:Comment', on: 'object', least: 'commenter' },
  share: { s3: 'cloudstore:Share', on: 'object', least: 'manager' },
  'access.read': { s3: 'cloudstore:GetAccess', on: 'object', least: 'manager' },
  'access.write': { s3: 'cloudstore:PutAccess', on: 'object', least: 'manager' },
  list: { s3: 's3:ListBucket', on: 'bucket', least: 'viewer' },
  'list.versions': { s3: 's3:ListBucketVersions', on: 'bucket', least: 'editor' },
  'list.uploads': { s3: 's3:ListBucketMultipartUploads', on: 'bucket', least: 'editor' },
  'bucket.location.read': { s3: 's3:GetBucketLocation', on: 'bucket', least: 'viewer' },
  'bucket.configure': { s3: 'cloudstore:ConfigureBucket', on: 'bucket', least: 'manager' },
  'bucket.remove': { s3: 's3:DeleteBucket', on: 'bucket', least: 'owner' },
  'bucket.create': { s3: 's3:CreateBucket', on: 'service', least: 'nobody' },
  'bucket.list': { s3: 's3:ListAllMyBuckets', on: 'service', least: 'nobody' },
  'account.read': { s3: 'cloudstore:ReadAccount', on: 'service', least: 'nobody' },
  'account.write': { s3: 'cloudstore:ManageAccount', on: 'service', least: 'nobody' },
  admin: { s3: 'cloudstore:Administer', on: 'service', least: 'nobody' },
  'bucket.policy.read': { s3: 's3:GetBucketPolicy', on: 'bucket', least: 'manager' },
  'bucket.policy.write': { s3: 's3:PutBucketPolicy', on: 'bucket', least: 'owner' },
  'bucket.policy.remove': { s3: 's3:DeleteBucketPolicy', on: 'bucket', least: 'owner' },
  'bucket.policyStatus.read': { s3: 's3:GetBucketPolicyStatus', on: 'bucket', least: 'manager' },
  'bucket.acl.read': { s3: 's3:GetBucketAcl', on: 'bucket', least: 'manager' },
  'bucket.acl.write': { s3: 's3:PutBucketAcl', on: 'bucket', least: 'owner' },
  'bucket.publicAccessBlock.read': { s3: 's3:GetBucketPublicAccessBlock', on: 'bucket', least: 'manager' },
  'bucket.publicAccessBlock.write': { s3: 's3:PutBucketPublicAccessBlock', on: 'bucket', least: 'owner' },
  'bucket.ownershipControls.read': { s3: 's3:GetBucketOwnershipControls', on: 'bucket', least: 'manager' },
  'bucket.ownershipControls.write': { s3: 's3:PutBucketOwnershipControls', on: 'bucket', least: 'owner' },
  'bucket.versioning.read': { s3: 's3:GetBucketVersioning', on: 'bucket', least: 'viewer' },
  'bucket.versioning.write': { s3: 's3:PutBucketVersioning', on: 'bucket', least: 'manager' },
  'bucket.objectLock.read': { s3: 's3:GetBucketObjectLockConfiguration', on: 'bucket', least: 'viewer' },
  'bucket.objectLock.write': { s3: 's3:PutBucketObjectLockConfiguration', on: 'bucket', least: 'owner' },
  'bucket.cors.read': { s3: 's3:GetBucketCORS', on: 'bucket', least: 'manager' },
  'bucket.cors.write': { s3: 's3:PutBucketCORS', on: 'bucket', least: 'manager' },
  'bucket.lifecycle.read': { s3: 's3:GetLifecycleConfiguration', on: 'bucket', least: 'manager' },
  'bucket.lifecycle.write': { s3: 's3:PutLifecycleConfiguration', on: 'bucket', least: 'manager' },
  'bucket.tagging.read': { s3: 's3:GetBucketTagging', on: 'bucket', least: 'manager' },
  'bucket.tagging.write': { s3: 's3:PutBucketTagging', on: 'bucket', least: 'manager' },
  'bucket.notification.read': { s3: 's3:GetBucketNotification', on: 'bucket', least: 'manager' },
  'bucket.notification.write': { s3: 's3:PutBucketNotification', on: 'bucket', least: 'manager' },
  'bucket.website.read': { s3: 's3:GetBucketWebsite', on: 'bucket', least: 'manager' },
  'bucket.website.write': { s3: 's3:PutBucketWebsite', on: 'bucket', least: 'manager' },
  'bucket.website.remove': { s3: 's3:DeleteBucketWebsite', on: 'bucket', least: 'manager' },
  'bucket.logging.read': { s3: 's3:GetBucketLogging', on: 'bucket', least: 'manager' },
  'bucket.logging.write': { s3: 's3:PutBucketLogging', on: 'bucket', least: 'manager' },
  'bucket.encryption.read': { s3: 's3:GetEncryptionConfiguration', on: 'bucket', least: 'viewer' },
  'bucket.encryption.write': { s3: 's3:PutEncryptionConfiguration', on: 'bucket', least: 'manager' },
  'bucket.replication.read': { s3: 's3:GetReplicationConfiguration', on: 'bucket', least: 'manager' },
  'bucket.replication.write': { s3: 's3:PutReplicationConfiguration', on: 'bucket', least: 'manager' },
  'bucket.payment.read': { s3: 's3:GetBucketRequestPayment', on: 'bucket', least: 'manager' },
  'bucket.payment.write': { s3: 's3:PutBucketRequestPayment', on: 'bucket', least: 'manager' },
  'bucket.accelerate.read': { s3: 's3:GetAccelerateConfiguration', on: 'bucket', least: 'manager' },
  'bucket.accelerate.write': { s3: 's3:PutAccelerateConfiguration', on: 'bucket', least: 'manager' },
  'bucket.analytics.read': { s3: 's3:GetAnalyticsConfiguration', on: 'bucket', least: 'manager' },
  'bucket.analytics.write': { s3: 's3:PutAnalyticsConfiguration', on: 'bucket', least: 'manager' },
  'bucket.inventory.read': { s3: 's3:GetInventoryConfiguration', on: 'bucket', least: 'manager' },
  'bucket.inventory.write': { s3: 's3:PutInventoryConfiguration', on: 'bucket', least: 'manager' },
  'bucket.metrics.read': { s3: 's3:GetMetricsConfiguration', on: 'bucket', least: 'manager' },
  'bucket.metrics.write': { s3: 's3:PutMetricsConfiguration', on: 'bucket', least: 'manager' },
  'bucket.tiering.read': { s3: 's3:GetIntelligentTieringConfiguration', on: 'bucket', least: 'manager' },
  'bucket.tiering.write': { s3: 's3:PutIntelligentTieringConfiguration', on: 'bucket', least: 'manager' },
} as const satisfies Record<string, ActionDefinition>;

export type Action = keyof typeof ACTIONS;

/** As `ACTIONS`, with every field that a definition may have. */
export function definitionOf(action: Action): ActionDefinition {
  return ACTIONS[action];
}

const LADDER = ['viewer', 'commenter', 'editor', 'manager', 'owner'] as const;

/** Whether a grant's role holds an action. */
export function roleHolds(role: GrantRole, action: Action): boolean {
  const { least, uploader } = definitionOf(action);
  if (role === 'uploader') return uploader === true;
  return least !== 'nobody' && LADDER.indexOf(role) >= LADDER.indexOf(least);
}

/** The action that reads, writes or takes away a document of a bucket's config by its name there, e.g. `cors`; null: no such document has one of its own. */
export function configAction(document: string, verb: 'read' | 'write' | 'remove'): Action | null {
  const name = `bucket.${document}.${verb}`;
  return Object.hasOwn(ACTIONS, name) ? (name as Action) : null;
}

/** What a route, method, operation or message asks of the Authorizer: at least one of these; `none`: nothing is asked, and why that is right. */
export type Asked = readonly [Action, ...Action[]] | { none: string };

/**
 * TypeScript asks for a declaration; this is for whoever does not ask TypeScript.
 * @throws when something would be served that does not say what it asks for
 */
export function assertDeclared(
  kind: string,
  names: Iterable<string>,
  declared: Readonly<Record<string, Asked | undefined>>,
): void {
  for (const name of names) {
    const asked = Object.hasOwn(declared, name) ? declared[name] : undefined;
    const said = asked === undefined ? false : 'none' in asked ? asked.none !== '' : asked.length > 0;
    if (!said) throw new Error(`The ${kind} ${name} does not say which action it asks for.`);
  }
}
