import type { Authorizer } from '#contracts/authorizer';
import type { Bucket } from '#core/bucket';
import type { ObjectInfo, VersionId } from '#core/object';
import type { Who } from '#core/principal';

/**
 * Whether an answer may tell how many tags an object has: to whoever may read them. Of one without tags there is nothing to ask.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 * @param version as it was named; null: none was
 */
export function tellsTags(
  authorizer: Authorizer,
  who: Who,
  bucket: Bucket,
  info: ObjectInfo,
  version: VersionId | null,
): boolean | Promise<boolean> {
  if (info.attributes.tags === undefined) return true;
  const found =
    version === null
      ? authorizer.decide(who, 'tags.read', bucket, info.key)
      : authorizer.decide(who, 'version.tags.read', bucket, info.key, { version });
  return found instanceof Promise ? found.then(({ allowed }) => allowed) : found.allowed;
}
