import type { PutBucketLoggingCommandInput } from '@aws-sdk/client-s3';
import { isCloudStoreError } from '#core/errors';
import type { LoggingDocument } from '../access-log.ts';
import { documentOf, writeDocument } from '../documents.ts';
import { S3Error } from '../errors.ts';
import { bucketOf, type Handler } from '../exchange.ts';

const PREFIX_BYTES_MAX = 800;

export const getBucketLogging: Handler = async (x) => {
  const LoggingEnabled = documentOf<LoggingDocument>(await bucketOf(x), 'logging');
  return LoggingEnabled === null ? {} : { LoggingEnabled };
};

/** An empty status turns it off. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html */
export const putBucketLogging: Handler<PutBucketLoggingCommandInput> = async (x, input) => {
  const given = input.BucketLoggingStatus?.LoggingEnabled;
  if (given === undefined) {
    await writeDocument(x, 'logging', null);
    return {};
  }
  const { TargetBucket = '', TargetPrefix = '', TargetGrants, TargetObjectKeyFormat } = given;
  if ((TargetGrants ?? []).length > 0) throw new S3Error('AccessControlListNotSupported');
  if (Buffer.byteLength(TargetPrefix) > PREFIX_BYTES_MAX)
    throw new S3Error('InvalidArgument', `The target prefix has at most ${PREFIX_BYTES_MAX} bytes.`, {
      ArgumentName: 'TargetPrefix',
    });
  const source = TargetObjectKeyFormat?.PartitionedPrefix?.PartitionDateSource;
  if (source !== undefined && source !== 'EventTime' && source !== 'DeliveryTime') throw new S3Error('MalformedXML');
  const bucket = await bucketOf(x);
  const target = await bucketOf(x, TargetBucket).catch((error: unknown) => {
    if (isCloudStoreError(error, 'bucket_not_found')) return null;
    throw error;
  });
  if (target === null || target.owner !== bucket.owner)
    throw new S3Error('InvalidTargetBucketForLogging', undefined, { TargetBucket });
  await writeDocument(x, 'logging', {
    TargetBucket,
    TargetPrefix,
    ...(TargetObjectKeyFormat === undefined ? {} : { TargetObjectKeyFormat }),
  });
  return {};
};
