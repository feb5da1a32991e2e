import type { Verdict } from '#contracts/authorizer';
import type { Acl, AclGrantee, AclPermission } from '#core/acl';
import type { Action } from '#core/actions';
import type { Principal } from '#core/principal';

/**
 * What each permission of a list allows. https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#acl-access-policy-permission-mapping
 */
const ON_BUCKET: Readonly<Record<Exclude<AclPermission, 'FULL_CONTROL'>, readonly Action[]>> = {
  READ: ['list', 'list.versions', 'list.uploads'],
  WRITE: ['write', 'create', 'upload.parts', 'upload.abort'],
  READ_ACP: ['bucket.acl.read'],
  WRITE_ACP: ['bucket.acl.write'],
};
const ON_OBJECT: typeof ON_BUCKET = {
  READ: ['read', 'version.read', 'attributes.read', 'version.attributes.read'],
  WRITE: [],
  READ_ACP: ['acl.read', 'version.acl.read'],
  WRITE_ACP: ['acl.write', 'version.acl.write'],
};

/** What the owner of an object may do whatever its list says, so that nobody locks oneself out. */
const ALWAYS_OWNERS: readonly Action[] = [...ON_OBJECT.READ_ACP, ...ON_OBJECT.WRITE_ACP];

/** Whether a list of an object could allow the action at all. */
export function isObjectAclAction(action: Action): boolean {
  return Object.values(ON_OBJECT).some((actions) => actions.includes(action));
}

/** The grant of a list that allows, or null. A list never denies. */
export function decideAcl(
  acl: Acl,
  on: 'bucket' | 'object',
  principal: Principal | null,
  action: Action,
  ignorePublic: boolean,
): Verdict | null {
  const table = on === 'bucket' ? ON_BUCKET : ON_OBJECT;
  if (on === 'object' && principal?.id === acl.owner && ALWAYS_OWNERS.includes(action))
    return { allowed: true, rule: { kind: 'acl', on, grantee: 'its owner', permission: 'FULL_CONTROL' } };
  for (const { grantee, permission } of acl.grants) {
    if (!isGrantee(grantee, principal, ignorePublic)) continue;
    const holds =
      permission === 'FULL_CONTROL'
        ? Object.values(table).some((actions) => actions.includes(action))
        : table[permission].includes(action);
    if (holds) return { allowed: true, rule: { kind: 'acl', on, grantee: granteeName(grantee), permission } };
  }
  return null;
}

export function isGrantee(grantee: AclGrantee, principal: Principal | null, ignorePublic: boolean): boolean {
  switch (grantee.kind) {
    case 'user':
      return principal !== null && principal.id === grantee.id;
    case 'everybody':
      return !ignorePublic;
    case 'authenticated':
      return !ignorePublic && principal !== null;
    default:
      return false;
  }
}

function granteeName(grantee: AclGrantee): string {
  return grantee.kind === 'user' ? `user ${grantee.id}` : grantee.kind;
}
