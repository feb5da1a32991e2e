import type { Authorizer } from '#contracts/authorizer';
import type { ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import { isCloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import { S3Error } from './errors.ts';

/** That an object is not there is told to whoever may list; to others it is as forbidden as one that is, as at AWS. Other errors stay as they are. */
export async function unlessListed(
  authorizer: Pick<Authorizer, 'decide'>,
  who: Who,
  bucket: Bucket,
  key: ObjectKey,
  error: unknown,
): Promise<unknown> {
  if (!isCloudStoreError(error, 'not_found')) return error;
  const { allowed } = await authorizer.decide(who, 'list', bucket, key);
  return allowed ? error : new S3Error('AccessDenied');
}
