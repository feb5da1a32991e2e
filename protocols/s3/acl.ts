import type { IncomingHttpHeaders } from 'node:http';
import type { AccessControlPolicy, Grant, Grantee } from '@aws-sdk/client-s3';
import { ACL_PERMISSIONS, type Acl, type AclGrantee, type AclRequest, CANNED_ACLS, GRANTS_MAX } from '#core/acl';
import type { PrincipalId } from '#core/principal';
import { S3Error } from './errors.ts';
import type { Output } from './response-writer.ts';

const GROUPS = 'http://acs.amazonaws.com/groups/';
const ALL_USERS = `${GROUPS}global/AllUsers`;
const AUTHENTICATED_USERS = `${GROUPS}global/AuthenticatedUsers`;
const LOG_DELIVERY = `${GROUPS}s3/LogDelivery`;

const HEADERS = {
  'x-amz-grant-read': 'READ',
  'x-amz-grant-write': 'WRITE',
  'x-amz-grant-read-acp': 'READ_ACP',
  'x-amz-grant-write-acp': 'WRITE_ACP',
  'x-amz-grant-full-control': 'FULL_CONTROL',
} as const;

/** S3's canonical user id: 64 hex digits, ours made of the principal's number. */
export function canonicalId(id: PrincipalId): string {
  return id.toString(16).padStart(64, '0');
}

/** The account of a user, as bucket policies name it: twelve digits. */
export function accountId(id: PrincipalId): string {
  return String(id).padStart(12, '0');
}

/** What x-amz-acl or the grant headers ask for; null: nothing. @throws InvalidArgument, InvalidRequest */
export function aclOfHeaders(headers: IncomingHttpHeaders): AclRequest | null {
  const canned = headers['x-amz-acl'];
  const grants: Acl['grants'][number][] = [];
  for (const [name, permission] of Object.entries(HEADERS)) {
    const value = headers[name];
    if (typeof value !== 'string') continue;
    for (const grantee of granteesOf(name, value)) grants.push({ grantee, permission });
  }
  if (canned === undefined) return grants.length === 0 ? null : { acl: { owner: null, grants } };
  if (grants.length > 0) throw new S3Error('InvalidRequest', 'Specifying both Canned ACLs and Header Grants is not allowed');
  const known = CANNED_ACLS.find((one) => one === canned);
  if (known === undefined) {
    throw new S3Error('InvalidArgument', undefined, { ArgumentName: 'x-amz-acl', ArgumentValue: String(canned).slice(0, 200) });
  }
  return { canned: known };
}

/** `id="…", uri="…"`. */
function granteesOf(name: string, value: string): AclGrantee[] {
  const parts = value.split(',');
  if (parts.length > GRANTS_MAX) throw new S3Error('MalformedACLError');
  return parts.map((part) => {
    const found = /^\s*(id|uri|emailAddress)\s*=\s*"?([^"]*)"?\s*$/.exec(part);
    if (found === null)
      throw new S3Error('InvalidArgument', undefined, { ArgumentName: name, ArgumentValue: value.slice(0, 200) });
    const [, kind, text = ''] = found;
    if (kind === 'emailAddress') throw new S3Error('UnresolvableGrantByEmailAddress');
    return kind === 'uri' ? groupOf(text) : userOf(text);
  });
}

/** The list of a body. @throws MalformedACLError, InvalidArgument, UnresolvableGrantByEmailAddress */
export function aclOfDocument(document: AccessControlPolicy): AclRequest {
  const { Owner, Grants } = document;
  if (Owner?.ID === undefined || Grants === undefined || Grants.length > GRANTS_MAX) throw new S3Error('MalformedACLError');
  const owner = userOf(Owner.ID);
  return { acl: { owner: owner.kind === 'user' ? owner.id : null, grants: Grants.map(grantOf) } };
}

function grantOf({ Grantee: grantee, Permission }: Grant): Acl['grants'][number] {
  const permission = ACL_PERMISSIONS.find((one) => one === Permission);
  if (grantee === undefined || permission === undefined) throw new S3Error('MalformedACLError');
  return { permission, grantee: granteeOf(grantee) };
}

function granteeOf({ Type, ID, URI }: Grantee): AclGrantee {
  if (Type === 'CanonicalUser' && ID !== undefined) return userOf(ID);
  if (Type === 'Group' && URI !== undefined) return groupOf(URI);
  if (Type === 'AmazonCustomerByEmail') throw new S3Error('UnresolvableGrantByEmailAddress');
  throw new S3Error('MalformedACLError');
}

function userOf(text: string): Extract<AclGrantee, { kind: 'user' }> {
  const id = /^[0-9a-f]{64}$/.test(text) ? Number.parseInt(text, 16) : Number.NaN;
  if (Number.isSafeInteger(id) && id > 0) return { kind: 'user', id };
  throw new S3Error('InvalidArgument', 'Invalid id', { ArgumentName: 'CanonicalUser/ID', ArgumentValue: text.slice(0, 200) });
}

function groupOf(uri: string): AclGrantee {
  if (uri === ALL_USERS) return { kind: 'everybody' };
  if (uri === AUTHENTICATED_USERS) return { kind: 'authenticated' };
  if (uri === LOG_DELIVERY) return { kind: 'logs' };
  throw new S3Error('InvalidArgument', 'Invalid group uri', { ArgumentName: 'uri', ArgumentValue: uri.slice(0, 200) });
}

/** A list as AWS's members. */
export function aclOutput({ owner, grants }: Acl): Output {
  return {
    Owner: { ID: canonicalId(owner) },
    Grants: grants.map(({ grantee, permission }) => ({ Grantee: granteeOutput(grantee), Permission: permission })),
  };
}

function granteeOutput(grantee: AclGrantee): Output {
  switch (grantee.kind) {
    case 'user':
      return { Type: 'CanonicalUser', ID: canonicalId(grantee.id) };
    case 'everybody':
      return { Type: 'Group', URI: ALL_USERS };
    case 'authenticated':
      return { Type: 'Group', URI: AUTHENTICATED_USERS };
    default:
      return { Type: 'Group', URI: LOG_DELIVERY };
  }
}
