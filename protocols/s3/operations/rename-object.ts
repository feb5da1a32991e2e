import type { RenameObjectCommandInput } from '@aws-sdk/client-s3';
import { isCloudStoreError } from '#core/errors';
import { parseConditions } from '#http/conditional-headers';
import { S3Error } from '../errors.ts';
import { addressOf, type Handler } from '../exchange.ts';
import { decodePath } from '../uri.ts';

/**
 * AWS has it for directory buckets; here every bucket can, in one transaction and without moving a byte. The source is a key of the same bucket,
 * with or without the bucket before it. https://docs.aws.amazon.com/AmazonS3/latest/API/API_RenameObject.html
 */
export const renameObject: Handler<RenameObjectCommandInput> = async (x, input) => {
  const { bucket, at } = await addressOf(x);
  const text = decodePath(input.RenameSource ?? '').replace(/^\//, '');
  const key = text.startsWith(`${bucket.name}/`) ? text.slice(bucket.name.length + 1) : text;
  if (key === '' || key.includes('\0')) throw badSource();
  if (key.endsWith('/') || at.key.endsWith('/'))
    throw new S3Error('InvalidRequest', 'A key that ends in a slash is not renamed.');
  if (key === at.key) throw new S3Error('InvalidRequest', 'The source and the destination of a rename are the same key.');
  const from = { bucket: bucket.id, key };
  try {
    await x.deps.namespace.move(x.who, from, at, {
      overwrite: true,
      conditions: parseConditions(x.req.headers, 'x-amz-rename-source-'),
      targetConditions: parseConditions(x.req.headers),
    });
  } catch (error) {
    if (isCloudStoreError(error, 'not_found')) throw new S3Error('NoSuchKey', undefined, { Key: key });
    throw error;
  }
  return {};
};

function badSource(): S3Error {
  return new S3Error('InvalidArgument', 'Rename Source must be a key of the same bucket.', {
    ArgumentName: 'x-amz-rename-source',
  });
}
