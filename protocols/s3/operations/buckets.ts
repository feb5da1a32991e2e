import type {
  CreateBucketCommandInput,
  GetBucketVersioningCommandOutput,
  ListBucketsCommandInput,
  PutBucketVersioningCommandInput,
} from '@aws-sdk/client-s3';
import { type AclRequest, cannedAcl, isPublicAcl } from '#core/acl';
import type { ObjectOwnership } from '#core/bucket-access';
import { isCloudStoreError } from '#core/errors';
import { accountId, aclOfHeaders, canonicalId } from '../acl.ts';
import { S3Error } from '../errors.ts';
import { bucketOf, type Exchange, type Handler } from '../exchange.ts';
import { checkTags } from '../tag-set.ts';
import { ownershipNamed } from './bucket-access.ts';

const BUCKETS_MAX = 10_000;
const TAGS_MAX = 50;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
export const listBuckets: Handler<ListBucketsCommandInput> = async (x, input) => {
  const max = input.MaxBuckets ?? BUCKETS_MAX;
  if (max < 1 || max > BUCKETS_MAX)
    throw new S3Error('InvalidArgument', `Argument max-buckets must be an integer between 1 and ${BUCKETS_MAX}`, {
      ArgumentName: 'max-buckets',
      ArgumentValue: max,
    });
  await x.deps.authorizer.require(x.who, 'bucket.list', null);
  const after = readToken(input.ContinuationToken);
  // All buckets lie in the one region there is.
  const all = input.BucketRegion === undefined || input.BucketRegion === x.region ? await x.deps.buckets.list(x.who) : [];
  const named = await Promise.all(
    all.map(async (bucket) => ({ name: await x.deps.buckets.nameFor(x.who, bucket, 's3'), created: bucket.created })),
  );
  const matching = named
    .filter(({ name }) => name > after && name.startsWith(input.Prefix ?? ''))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const page = matching.slice(0, max);
  return {
    Buckets: page.map(({ name, created }) => ({
      Name: name,
      CreationDate: new Date(created),
      BucketRegion: x.region,
    })),
    Owner: x.who.principal === null ? undefined : { ID: canonicalId(x.who.principal.id), DisplayName: x.who.principal.name },
    Prefix: input.Prefix,
    ContinuationToken: matching.length > max ? Buffer.from(page.at(-1)?.name ?? '').toString('base64url') : undefined,
  };
};

/** A token is the last name that was given. */
function readToken(token: string | undefined): string {
  if (token === undefined) return '';
  const name = Buffer.from(token, 'base64url').toString();
  if (/^[a-z0-9.-]{3,63}$/.test(name) && Buffer.from(name).toString('base64url') === token) return name;
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', { ArgumentName: 'continuation-token' });
}

/** In us-east-1 the owner's second call succeeds, which s3-tests and old tools rely on. */
export const createBucket: Handler<CreateBucketCommandInput> = async (x, input) => {
  const name = x.target.bucket ?? '';
  const { LocationConstraint, Location, Bucket, Tags } = input.CreateBucketConfiguration ?? {};
  checkLocation(x.region, LocationConstraint);
  checkNamespace(x, name, input.BucketNamespace);
  if (Location !== undefined || Bucket !== undefined)
    throw new S3Error('NotImplemented', 'Directory buckets are not implemented.', { Header: 'CreateBucketConfiguration' });
  const tags = checkTags(Tags, TAGS_MAX);
  const access = newAccess(x, input.ObjectOwnership);
  try {
    const { id } = await x.deps.buckets.create(x.who, name, { objectLock: input.ObjectLockEnabledForBucket === true });
    if (tags.length > 0) await x.deps.buckets.update(x.who, id, { config: { tagging: { TagSet: tags } } });
    if (access.ownership !== null) await x.deps.access.putOwnership(x.who, id, access.ownership);
    if (access.acl !== null) await x.deps.access.putAcl(x.who, id, access.acl);
  } catch (error) {
    if (!isCloudStoreError(error, 'bucket_owned_by_you') || x.region !== 'us-east-1') throw error;
  }
  return { Location: `/${name}` };
};

/** Refused before there is a bucket: what lists would give, where there are none or the public is kept out. @throws InvalidArgument, InvalidBucketAclWith… */
function newAccess(x: Exchange, name: string | undefined): { ownership: ObjectOwnership | null; acl: AclRequest | null } {
  const ownership = ownershipNamed(name);
  if (name !== undefined && ownership === null)
    throw new S3Error('InvalidArgument', 'Invalid x-amz-object-ownership header', {
      ArgumentName: 'x-amz-object-ownership',
      ArgumentValue: name.slice(0, 200),
    });
  const acl = aclOfHeaders(x.req.headers);
  if (acl === null || ('canned' in acl && acl.canned === 'private')) return { ownership, acl: null };
  if ((ownership ?? 'BucketOwnerEnforced') === 'BucketOwnerEnforced') throw new S3Error('InvalidBucketAclWithObjectOwnership');
  const list = 'canned' in acl ? cannedAcl(acl.canned, 0, 0) : acl.acl;
  if (isPublicAcl(list)) throw new S3Error('InvalidBucketAclWithBlockPublicAccessError');
  return { ownership, acl };
}

/**
 * Names that end in `-ACCOUNT-REGION-an` are each account's own, and are asked for as such.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
 */
function checkNamespace({ who, region }: Exchange, name: string, namespace: string | undefined): void {
  if (namespace !== undefined && namespace !== 'global' && namespace !== 'account-regional')
    throw new S3Error('InvalidArgument', 'Invalid x-amz-bucket-namespace header', {
      ArgumentName: 'x-amz-bucket-namespace',
      ArgumentValue: namespace.slice(0, 200),
    });
  const account = who.principal === null ? null : accountId(who.principal.id);
  const fits =
    namespace === 'account-regional' ? name.endsWith(`-${account}-${region}-an`) : !/-\d{12}(-[a-z]+){2,}-\d-an$/.test(name);
  if (!fits) throw new S3Error('InvalidBucketName', undefined, { BucketName: name });
}

/** @throws IllegalLocationConstraintException (another region of AWS's), InvalidLocationConstraint (none) */
function checkLocation(region: string, location: string | undefined): void {
  if (location === undefined || location === '' || location === region) return;
  if (/^([a-z]{2}(-[a-z]+)+-\d|EU)$/.test(location))
    throw new S3Error(
      'IllegalLocationConstraintException',
      `The ${location} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    );
  throw new S3Error('InvalidLocationConstraint', undefined, { LocationConstraint: location });
}

export const headBucket: Handler = async (x) => {
  await x.deps.authorizer.require(x.who, 'list', await bucketOf(x));
  return { BucketRegion: x.region, AccessPointAlias: false };
};

export const deleteBucket: Handler = async (x) => {
  await x.deps.buckets.remove(x.who, (await bucketOf(x)).id);
  return {};
};

export const getBucketLocation: Handler = async (x) => {
  await bucketOf(x);
  return { LocationConstraint: x.region === 'us-east-1' ? '' : x.region };
};

/** A bucket that never was versioned has no Status at all. */
export const getBucketVersioning: Handler<object, Partial<GetBucketVersioningCommandOutput>> = async (x) => {
  const { versioning } = await bucketOf(x);
  if (versioning === 'off') return {};
  return { Status: versioning === 'enabled' ? 'Enabled' : 'Suspended' };
};

export const putBucketVersioning: Handler<PutBucketVersioningCommandInput> = async (x, input) => {
  const { Status, MFADelete } = input.VersioningConfiguration ?? {};
  if (MFADelete === 'Enabled')
    throw new S3Error('NotImplemented', 'MFA delete is not implemented: object lock keeps versions from being deleted here.', {
      Header: 'MfaDelete',
    });
  if (MFADelete !== undefined && MFADelete !== 'Disabled') throw new S3Error('MalformedXML');
  if (Status === undefined) throw new S3Error('IllegalVersioningConfigurationException');
  if (Status !== 'Enabled' && Status !== 'Suspended') throw new S3Error('MalformedXML');
  const bucket = await bucketOf(x);
  await x.deps.buckets.update(x.who, bucket.id, { versioning: Status === 'Enabled' ? 'enabled' : 'suspended' });
  return {};
};
