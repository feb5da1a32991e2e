import type { PutObjectTaggingCommandInput } from '@aws-sdk/client-s3';
import { addressOf, type Handler } from '../exchange.ts';
import { refuseMarker, shownVersion, versionOf } from '../representation.ts';
import { checkTags, TAGS_MAX, tagsOf } from '../tag-set.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html */
export const getObjectTagging: Handler<{ VersionId?: string }> = async (x, input) => {
  const { bucket, at } = await addressOf(x);
  const info = await x.deps.namespace.stat(x.who, at, { ...versionOf(input.VersionId), only: 'tags' });
  refuseMarker(x, info);
  const TagSet = Object.entries(info.attributes.tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  return { VersionId: shownVersion(info, bucket), TagSet };
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html */
export const putObjectTagging: Handler<PutObjectTaggingCommandInput> = async (x, input) => {
  const tags = tagsOf(checkTags(input.Tagging?.TagSet, TAGS_MAX));
  const { bucket, at } = await addressOf(x);
  const info = await x.deps.namespace.tag(x.who, at, tags, versionOf(input.VersionId));
  return { VersionId: shownVersion(info, bucket) };
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html */
export const deleteObjectTagging: Handler<{ VersionId?: string }> = async (x, input) => {
  const { bucket, at } = await addressOf(x);
  const info = await x.deps.namespace.tag(x.who, at, null, versionOf(input.VersionId));
  return { VersionId: shownVersion(info, bucket) };
};
