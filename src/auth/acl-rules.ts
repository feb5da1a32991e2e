import { type Acl, type AclRequest, cannedAcl, GRANTS_MAX, isPublicAcl } from '#core/acl';
import type { Bucket } from '#core/bucket';
import { ownershipOf, publicAccessBlockOf } from '#core/bucket-access';
import { CloudStoreError } from '#core/errors';
import type { PrincipalId } from '#core/principal';

/** The list that a request asks for, of a bucket or an object of it. `owner` is whose it is now. @throws invalid_argument (details.acl), access_denied */
export function requestedAcl(request: AclRequest, bucket: Bucket, owner: PrincipalId, on: 'bucket' | 'object'): Acl {
  const acl = listOf(request, bucket, owner);
  if (ownershipOf(bucket.config).effective === 'BucketOwnerEnforced') {
    // What changes nothing is taken, so that clients which always send it go on working.
    if (on === 'bucket' ? isPrivate(acl, owner) : isPrivate(acl, bucket.owner) || isPrivate(acl, owner) || isForOwner(request))
      return acl;
    throw new CloudStoreError('invalid_argument', 'The bucket does not allow ACLs', { details: { acl: 'unsupported' } });
  }
  if (isPublicAcl(acl) && publicAccessBlockOf(bucket.config).effective.blockPublicAcls) {
    throw new CloudStoreError('access_denied', 'A public list is blocked by the public access block of the bucket.');
  }
  return acl;
}

/** Who a new object belongs to: its writer, unless the bucket's owner has it that way. */
export function newOwner(bucket: Bucket, writer: PrincipalId, request: AclRequest | null): PrincipalId {
  const { effective } = ownershipOf(bucket.config);
  if (effective === 'BucketOwnerEnforced') return bucket.owner;
  const given = request !== null && 'canned' in request && request.canned === 'bucket-owner-full-control';
  return effective === 'BucketOwnerPreferred' && given ? bucket.owner : writer;
}

function listOf(request: AclRequest, bucket: Bucket, owner: PrincipalId): Acl {
  if ('canned' in request) return cannedAcl(request.canned, owner, bucket.owner);
  const { acl } = request;
  if (acl.owner !== null && acl.owner !== owner)
    throw new CloudStoreError('access_denied', 'The owner of a list cannot be changed.');
  if (acl.grants.length > GRANTS_MAX) {
    throw new CloudStoreError('invalid_argument', `A list has at most ${GRANTS_MAX} grants.`, { details: { acl: 'malformed' } });
  }
  return { owner, grants: acl.grants };
}

function isForOwner(request: AclRequest): boolean {
  return 'canned' in request && (request.canned === 'bucket-owner-full-control' || request.canned === 'bucket-owner-read');
}

/** Nothing for anybody but its owner. */
export function isPrivate({ grants }: Acl, owner: PrincipalId): boolean {
  return grants.every(
    ({ grantee, permission }) => grantee.kind === 'user' && grantee.id === owner && permission === 'FULL_CONTROL',
  );
}
