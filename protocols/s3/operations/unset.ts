import type { S3Code } from '../errors.ts';
import { S3Error } from '../errors.ts';
import { bucketOf, type Handler } from '../exchange.ts';
import type { Output } from '../response-writer.ts';

/** Terraform, mc and s3cmd ask these of every bucket and take 501 for a fault: nothing is set, in AWS's own words. */
const MISSING: Record<string, S3Code> = {
  GetBucketReplication: 'ReplicationConfigurationNotFoundError',
  GetBucketAnalyticsConfiguration: 'NoSuchConfiguration',
  GetBucketIntelligentTieringConfiguration: 'NoSuchConfiguration',
  GetBucketInventoryConfiguration: 'NoSuchConfiguration',
  GetBucketMetricsConfiguration: 'NoSuchConfiguration',
  GetBucketMetadataConfiguration: 'MetadataConfigurationNotFound',
  GetBucketMetadataTableConfiguration: 'MetadataTableConfigurationNotFound',
  DeleteBucketAnalyticsConfiguration: 'NoSuchConfiguration',
  DeleteBucketIntelligentTieringConfiguration: 'NoSuchConfiguration',
  DeleteBucketInventoryConfiguration: 'NoSuchConfiguration',
  DeleteBucketMetricsConfiguration: 'NoSuchConfiguration',
};

/** What is so by default, and true here: bytes are always encrypted. */
const DEFAULTS: Record<string, Output> = {
  GetBucketAbac: { AbacStatus: { Status: 'Disabled' } },
  GetBucketAccelerateConfiguration: {},
  GetBucketRequestPayment: { Payer: 'BucketOwner' },
  ListBucketAnalyticsConfigurations: { IsTruncated: false },
  ListBucketIntelligentTieringConfigurations: { IsTruncated: false },
  ListBucketInventoryConfigurations: { IsTruncated: false },
  ListBucketMetricsConfigurations: { IsTruncated: false },
};

/** Removing what is not there succeeds, as at AWS. */
const REMOVALS = ['DeleteBucketMetadataConfiguration', 'DeleteBucketMetadataTableConfiguration', 'DeleteBucketReplication'];

/** Every read of a subresource that nobody can set yet. */
export function unsetHandlers(): Record<string, Handler> {
  const handlers: Record<string, Handler> = {};
  for (const [name, code] of Object.entries(MISSING)) {
    handlers[name] = async (x) => {
      const bucket = await bucketOf(x);
      throw new S3Error(code, undefined, { BucketName: bucket.name });
    };
  }
  for (const [name, output] of [...Object.entries(DEFAULTS), ...REMOVALS.map((removal): [string, Output] => [removal, {}])]) {
    handlers[name] = async (x) => {
      await bucketOf(x);
      return output;
    };
  }
  return handlers;
}
