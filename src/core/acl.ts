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
