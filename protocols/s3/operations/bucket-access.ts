import type {
  PutBucketAclCommandInput,
  PutBucketOwnershipControlsCommandInput,
  PutObjectAclCommandInput,
  PutPublicAccessBlockCommandInput,
} from '@aws-sdk/client-s3';
import type { AclRequest } from '#core/acl';
import { OBJECT_OWNERSHIPS, type ObjectOwnership } from '#core/bucket-access';
import { allowBody } from '#http/body';
import { aclOfDocument, aclOfHeaders, aclOutput } from '../acl.ts';
import { S3Error } from '../errors.ts';
import { addressOf, bucketOf, type Exchange, type Handler } from '../exchange.ts';
import { readXmlBody } from '../payload.ts';
import { versionOf } from '../representation.ts';

/** The document goes out as it came, as JSON. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html */
export const getBucketPolicy: Handler = async (x) => {
  const bucket = await bucketOf(x);
  const policy = await x.deps.access.policy(x.who, bucket.id);
  if (policy === null) throw new S3Error('NoSuchBucketPolicy', undefined, { BucketName: bucket.name });
  const bytes = Buffer.from(policy);
  x.res.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length }).end(bytes);
  return null;
};

export const putBucketPolicy: Handler = async (x) => {
  const bucket = await bucketOf(x);
  allowBody(x.req, x.res);
  const text = await readXmlBody(x.req, x.payload);
  if (text === '') throw new S3Error('MissingRequestBodyError');
  await x.deps.access.putPolicy(x.who, bucket.id, text);
  // AWS's model says 200, AWS says 204.
  x.res.writeHead(204).end();
  return null;
};

export const deleteBucketPolicy: Handler = async (x) => {
  await x.deps.access.removePolicy(x.who, (await bucketOf(x)).id);
  return {};
};

export const getBucketPolicyStatus: Handler = async (x) => {
  const bucket = await bucketOf(x);
  const isPublic = await x.deps.access.policyIsPublic(x.who, bucket.id);
  if (isPublic === null) throw new S3Error('NoSuchBucketPolicy', undefined, { BucketName: bucket.name });
  return { PolicyStatus: { IsPublic: isPublic } };
};

export const getPublicAccessBlock: Handler = async (x) => {
  const bucket = await bucketOf(x);
  const block = await x.deps.access.publicAccessBlock(x.who, bucket.id);
  if (block === null) throw new S3Error('NoSuchPublicAccessBlockConfiguration', undefined, { BucketName: bucket.name });
  return {
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: block.blockPublicAcls,
      IgnorePublicAcls: block.ignorePublicAcls,
      BlockPublicPolicy: block.blockPublicPolicy,
      RestrictPublicBuckets: block.restrictPublicBuckets,
    },
  };
};

/** What is not named is false. */
export const putPublicAccessBlock: Handler<PutPublicAccessBlockCommandInput> = async (x, input) => {
  const bucket = await bucketOf(x);
  const given = input.PublicAccessBlockConfiguration;
  if (given === undefined) throw new S3Error('MalformedXML');
  await x.deps.access.putPublicAccessBlock(x.who, bucket.id, {
    blockPublicAcls: given.BlockPublicAcls ?? false,
    ignorePublicAcls: given.IgnorePublicAcls ?? false,
    blockPublicPolicy: given.BlockPublicPolicy ?? false,
    restrictPublicBuckets: given.RestrictPublicBuckets ?? false,
  });
  return {};
};

export const deletePublicAccessBlock: Handler = async (x) => {
  await x.deps.access.putPublicAccessBlock(x.who, (await bucketOf(x)).id, null);
  return {};
};

export const getBucketOwnershipControls: Handler = async (x) => {
  const bucket = await bucketOf(x);
  const ownership = await x.deps.access.ownership(x.who, bucket.id);
  if (ownership === null) throw new S3Error('OwnershipControlsNotFoundError', undefined, { BucketName: bucket.name });
  return { OwnershipControls: { Rules: [{ ObjectOwnership: ownership }] } };
};

export const putBucketOwnershipControls: Handler<PutBucketOwnershipControlsCommandInput> = async (x, input) => {
  const bucket = await bucketOf(x);
  const rules = input.OwnershipControls?.Rules ?? [];
  const ownership = ownershipNamed(rules[0]?.ObjectOwnership);
  if (rules.length !== 1 || ownership === null) throw new S3Error('MalformedXML');
  await x.deps.access.putOwnership(x.who, bucket.id, ownership);
  return {};
};

export const deleteBucketOwnershipControls: Handler = async (x) => {
  await x.deps.access.putOwnership(x.who, (await bucketOf(x)).id, null);
  return {};
};

export function ownershipNamed(name: string | undefined): ObjectOwnership | null {
  return OBJECT_OWNERSHIPS.find((one) => one === name) ?? null;
}

export const getBucketAcl: Handler = async (x) => aclOutput(await x.deps.access.acl(x.who, (await bucketOf(x)).id));

export const putBucketAcl: Handler<PutBucketAclCommandInput> = async (x, input) => {
  const bucket = await bucketOf(x);
  await x.deps.access.putAcl(x.who, bucket.id, requested(x, input));
  return {};
};

export const getObjectAcl: Handler<{ VersionId?: string }> = async (x, input) => {
  const { at } = await addressOf(x);
  return aclOutput(await x.deps.access.objectAcl(x.who, at, versionOf(input.VersionId).version));
};

export const putObjectAcl: Handler<PutObjectAclCommandInput> = async (x, input) => {
  const { at } = await addressOf(x);
  await x.deps.access.putObjectAcl(x.who, at, versionOf(input.VersionId).version, requested(x, input));
  return {};
};

/** The body's list, or the headers'; both or neither is refused. */
function requested(x: Exchange, { AccessControlPolicy }: Pick<PutBucketAclCommandInput, 'AccessControlPolicy'>): AclRequest {
  const byHeaders = aclOfHeaders(x.req.headers);
  if (AccessControlPolicy === undefined) {
    if (byHeaders === null) throw new S3Error('MissingSecurityHeader', undefined, { MissingHeaderName: 'x-amz-acl' });
    return byHeaders;
  }
  if (byHeaders !== null) throw new S3Error('UnexpectedContent');
  return aclOfDocument(AccessControlPolicy);
}
