import type { PrincipalId } from './principal.ts';

/** S3's access control lists. https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html */
export const ACL_PERMISSIONS = ['READ', 'WRITE', 'READ_ACP', 'WRITE_ACP', 'FULL_CONTROL'] as const;
export type AclPermission = (typeof ACL_PERMISSIONS)[number];

export type AclGrantee =
  | { kind: 'user'; id: PrincipalId }
  /** AllUsers, AuthenticatedUsers and LogDelivery at AWS. */
  | { kind: 'everybody' }
  | { kind: 'authenticated' }
  | { kind: 'logs' };

export interface Acl {
  owner: PrincipalId;
  grants: readonly { grantee: AclGrantee; permission: AclPermission }[];
}

export const CANNED_ACLS = [
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'aws-exec-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
  'log-delivery-write',
] as const;
export type CannedAcl = (typeof CANNED_ACLS)[number];

/** What a request asks for: one of AWS's ready lists, or grants. */
export type AclRequest = { canned: CannedAcl } | { acl: { owner: PrincipalId | null; grants: Acl['grants'] } };

export const GRANTS_MAX = 100;

/** The owner's full control, and nothing else. */
export function privateAcl(owner: PrincipalId): Acl {
  return { owner, grants: [{ grantee: { kind: 'user', id: owner }, permission: 'FULL_CONTROL' }] };
}

/** A ready list in full. `bucketOwner` counts for objects only. */
export function cannedAcl(name: CannedAcl, owner: PrincipalId, bucketOwner: PrincipalId): Acl {
  const { grants } = privateAcl(owner);
  const more = (grantee: AclGrantee, ...permissions: AclPermission[]): Acl => ({
    owner,
    grants: [...grants, ...permissions.map((permission) => ({ grantee, permission }))],
  });
  switch (name) {
    case 'public-read':
      return more({ kind: 'everybody' }, 'READ');
    case 'public-read-write':
      return more({ kind: 'everybody' }, 'READ', 'WRITE');
    case 'authenticated-read':
      return more({ kind: 'authenticated' }, 'READ');
    case 'bucket-owner-read':
      return bucketOwner === owner ? more({ kind: 'logs' }) : more({ kind: 'user', id: bucketOwner }, 'READ');
    case 'bucket-owner-full-control':
      return bucketOwner === owner ? more({ kind: 'logs' }) : more({ kind: 'user', id: bucketOwner }, 'FULL_CONTROL');
    case 'log-delivery-write':
      return more({ kind: 'logs' }, 'WRITE', 'READ_ACP');
    default: // private, and aws-exec-read, whose grantee is a service of AWS
      return more({ kind: 'logs' });
  }
}

/** Whether a list gives anything to who is not named in it. */
export function isPublicAcl({ grants }: Pick<Acl, 'grants'>): boolean {
  return grants.some(({ grantee: { kind } }) => kind === 'everybody' || kind === 'authenticated');
}
