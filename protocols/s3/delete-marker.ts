import type { Address } from '#core/address';
import type { Bucket } from '#core/bucket';
import { isCloudStoreError } from '#core/errors';
import type { Exchange } from './exchange.ts';

/**
 * A read of a key whose latest version is a delete marker finds nothing, and AWS says why in headers.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
 */
export async function tellingOfMarker<T>(x: Exchange, bucket: Bucket, at: Address, read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (bucket.versioning === 'off' || !isCloudStoreError(error, 'not_found')) throw error;
    const marker = await x.deps.history.marker(x.who, at);
    if (marker === null) throw error;
    x.res.setHeader('x-amz-delete-marker', 'true');
    x.res.setHeader('x-amz-version-id', marker);
    throw error;
  }
}
