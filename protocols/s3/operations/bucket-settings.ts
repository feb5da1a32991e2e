import type {
  PutBucketAbacCommandInput,
  PutBucketAccelerateConfigurationCommandInput,
  PutBucketEncryptionCommandInput,
  PutBucketRequestPaymentCommandInput,
  PutBucketTaggingCommandInput,
} from '@aws-sdk/client-s3';
import { documentOf, readDocument, writeDocument } from '../documents.ts';
import { S3Error } from '../errors.ts';
import { bucketOf, type Handler } from '../exchange.ts';
import { checkTags } from '../tag-set.ts';

const TAGS_MAX = 50;

/** What holds without a configuration: everything is encrypted by the gateway. */
const ENCRYPTED_RULE = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false };
const ENCRYPTED = { Rules: [ENCRYPTED_RULE] };

export const getBucketTagging: Handler = async (x) => readDocument(x, 'tagging', 'NoSuchTagSet');

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html */
export const putBucketTagging: Handler<PutBucketTaggingCommandInput> = async (x, input) => {
  await writeDocument(x, 'tagging', { TagSet: checkTags(input.Tagging?.TagSet, TAGS_MAX) });
  return {};
};

export const deleteBucketTagging: Handler = async (x) => {
  await writeDocument(x, 'tagging', null);
  return {};
};

export const getBucketEncryption: Handler = async (x) => ({
  ServerSideEncryptionConfiguration: documentOf(await bucketOf(x), 'encryption') ?? ENCRYPTED,
});

/** SSE-S3 is what there is. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html */
export const putBucketEncryption: Handler<PutBucketEncryptionCommandInput> = async (x, input) => {
  const rules = input.ServerSideEncryptionConfiguration?.Rules ?? [];
  const [rule] = rules;
  if (rule === undefined || rules.length > 1) throw new S3Error('MalformedXML');
  const { SSEAlgorithm: algorithm, KMSMasterKeyID: key } = rule.ApplyServerSideEncryptionByDefault ?? {};
  if (algorithm === 'aws:kms' || algorithm === 'aws:kms:dsse')
    throw new S3Error('NotImplemented', 'There is no key management service here: the default encryption is AES256.', {
      Header: 'SSEAlgorithm',
    });
  const blocked = rule.BlockedEncryptionTypes?.EncryptionType;
  if (rule.ApplyServerSideEncryptionByDefault === undefined ? blocked === undefined : algorithm !== 'AES256')
    throw new S3Error('MalformedXML');
  if (blocked !== undefined && !isBlockList(blocked)) throw new S3Error('MalformedXML');
  if (key !== undefined)
    throw new S3Error(
      'InvalidArgument',
      'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse',
      { ArgumentName: 'ApplyServerSideEncryptionByDefault' },
    );
  await writeDocument(x, 'encryption', { Rules: [{ ...ENCRYPTED_RULE, ...rule }] });
  return {};
};

/** `NONE` takes back what `SSE-C` said, and so stands alone. */
function isBlockList(types: readonly string[]): boolean {
  return types.length === 1 && (types[0] === 'SSE-C' || types[0] === 'NONE');
}

export const deleteBucketEncryption: Handler = async (x) => {
  await writeDocument(x, 'encryption', null);
  return {};
};

/** The owner pays, as nobody does. */
export const putBucketRequestPayment: Handler<PutBucketRequestPaymentCommandInput> = async (x, input) => {
  const payer = input.RequestPaymentConfiguration?.Payer;
  if (payer !== 'BucketOwner' && payer !== 'Requester') throw new S3Error('MalformedXML');
  await bucketOf(x);
  if (payer === 'Requester') throw new S3Error('NotImplemented', 'Nobody pays for requests here.', { Header: 'Payer' });
  return {};
};

export const putBucketAccelerateConfiguration: Handler<PutBucketAccelerateConfigurationCommandInput> = async (x, input) => {
  const status = input.AccelerateConfiguration?.Status;
  if (status !== 'Enabled' && status !== 'Suspended') throw new S3Error('MalformedXML');
  const { name } = await bucketOf(x);
  if (name.includes('.'))
    throw new S3Error('InvalidRequest', 'S3 Transfer Acceleration is not supported for buckets with periods (.) in their names');
  if (status === 'Enabled')
    throw new S3Error('NotImplemented', 'There are no edge locations to accelerate transfers.', { Header: 'Status' });
  return {};
};

export const putBucketAbac: Handler<PutBucketAbacCommandInput> = async (x, input) => {
  const status = input.AbacStatus?.Status;
  if (status !== 'Enabled' && status !== 'Disabled') throw new S3Error('MalformedXML');
  await bucketOf(x);
  if (status === 'Enabled')
    throw new S3Error('NotImplemented', 'Access by the tags of a bucket is not implemented.', { Header: 'Status' });
  return {};
};
