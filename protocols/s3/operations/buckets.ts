import type {
  CreateBucketCommandInput,
  GetBucketVersioningCommandOutput,
  ListBucketsCommandInput,
  PutBucketVersioningCommandInput,
} from '@aws-sdk/client-s3';
import { isCloudStoreError } from '#core/errors';
import { S3Error } from '../errors.ts';
import { bucketOf, type Handler, ownerOf } from '../exchange.ts';
import type { Output } from '../response-writer.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
export const listBuckets: Handler<ListBucketsCommandInput> = async (x, input) => {
  const max = input.MaxBuckets ?? 10_000;
  if (max < 1 || max > 10_000)
    throw new S3Error('InvalidArgument', 'MaxBuckets must be between 1 and 10000.', { ArgumentName: 'max-buckets' });
  const after = input.ContinuationToken === undefined ? '' : Buffer.from(input.ContinuationToken, 'base64url').toString();
  const all = await x.deps.buckets.list(x.who);
  const matching = all.filter(({ name }) => name > after && name.startsWith(input.Prefix ?? ''));
  const page = matching.slice(0, max);
  return {
    Buckets: page.map(({ name, created }) => ({ Name: name, CreationDate: new Date(created), BucketRegion: x.region })),
    Owner: { ID: x.who.principal.id.toString(16).padStart(64, '0'), DisplayName: x.who.principal.name },
    Prefix: input.Prefix,
    ContinuationToken: matching.length > max ? Buffer.from(page.at(-1)?.name ?? '').toString('base64url') : undefined,
  };
};

/** In us-east-1 the owner's second call succeeds, which s3-tests and old tools rely on. */
export const createBucket: Handler<CreateBucketCommandInput> = async (x, input) => {
  const name = x.target.bucket ?? '';
  const location = input.CreateBucketConfiguration?.LocationConstraint;
  if (location && location !== x.region)
    throw new S3Error('InvalidLocationConstraint', undefined, { LocationConstraint: location });
  if (input.ObjectLockEnabledForBucket === true)
    throw new S3Error('NotImplemented', undefined, { Header: 'x-amz-bucket-object-lock-enabled' });
  try {
    await x.deps.buckets.create(x.who, name);
  } catch (error) {
    if (!isCloudStoreError(error, 'bucket_owned_by_you') || x.region !== 'us-east-1') throw error;
  }
  return { Location: `/${name}` };
};

export const headBucket: Handler = async (x) => {
  await bucketOf(x);
  return { BucketRegion: x.region };
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
  if (MFADelete === 'Enabled') throw new S3Error('NotImplemented', 'MFA delete is not implemented.');
  if (Status !== 'Enabled' && Status !== 'Suspended') throw new S3Error('MalformedXML');
  const bucket = await bucketOf(x);
  await x.deps.buckets.update(x.who, bucket.id, { versioning: Status === 'Enabled' ? 'enabled' : 'suspended' });
  return {};
};

export const getBucketAcl: Handler = async (x) => privateAcl(ownerOf(x, await bucketOf(x)));

/** Owner, and full control for the owner alone: what every bucket and object has while ACLs are off. */
export function privateAcl(owner: { ID: string; DisplayName?: string }): Output {
  return { Owner: owner, Grants: [{ Grantee: { Type: 'CanonicalUser', ...owner }, Permission: 'FULL_CONTROL' }] };
}
