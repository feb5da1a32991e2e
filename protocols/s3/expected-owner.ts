import type { Bucket } from '#core/bucket';
import { accountId } from './acl.ts';
import { S3Error } from './errors.ts';
import { bucketOf, type Exchange } from './exchange.ts';

/** Who a client says owns the bucket that it names. */
export const EXPECTED_OWNER = 'x-amz-expected-bucket-owner';

/**
 * A client may name the account that it takes for the bucket's owner; where that is another's, nothing is done. What makes or lists buckets has no such condition.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
 * @throws InvalidBucketOwnerAWSAccountID, AccessDenied
 */
export async function requireExpectedOwner(x: Exchange): Promise<void> {
  const expected = x.req.headers[EXPECTED_OWNER];
  if (expected === undefined || x.target.bucket === null || x.operation.name === 'CreateBucket') return;
  assertOwner(String(expected), await bucketOf(x));
}

/** The same of a copy's source. @throws InvalidBucketOwnerAWSAccountID, AccessDenied */
export function requireExpectedSourceOwner({ req }: Exchange, bucket: Bucket): void {
  const expected = req.headers['x-amz-source-expected-bucket-owner'];
  if (expected !== undefined) assertOwner(String(expected), bucket);
}

function assertOwner(expected: string, { owner }: Bucket): void {
  if (!/^\d{12}$/.test(expected)) {
    throw new S3Error(
      'InvalidBucketOwnerAWSAccountID',
      `The value of the expected bucket owner parameter must be an AWS account ID. [${expected.slice(0, 100)}]`,
    );
  }
  if (expected !== accountId(owner)) throw new S3Error('AccessDenied');
}
