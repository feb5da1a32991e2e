import type { CopyObjectCommandInput } from '@aws-sdk/client-s3';
import type { Address } from '#core/address';
import type { Bucket } from '#core/bucket';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ObjectAttributes, ObjectInfo } from '#core/object';
import { parseConditions } from '#http/conditional-headers';
import { type ChecksumName, checksumMembers, checksumNamed, storedChecksum } from '../checksums.ts';
import { assertKeyFits, type CustomerKey, newCustomerKey, openBody, replaceEncryption } from '../customer-key.ts';
import { S3Error } from '../errors.ts';
import { addressOf, type Exchange, type Handler } from '../exchange.ts';
import { expirationOf } from '../expiration.ts';
import { lockOption } from '../object-lock.ts';
import { PUT_BYTES_MAX, type Upload } from '../payload.ts';
import { REDIRECT_ATTRIBUTE, readAttributes, shownVersion } from '../representation.ts';
import type { Output } from '../response-writer.ts';
import { keepAcl, newObjectAcl } from './new-object-acl.ts';
import { allowTags, type CopySource, copySource, found, ofSource, storeObject, writeConditions } from './put-object.ts';

/** Bytes are named once more, unless a customer's key or another checksum needs them read. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export const copyObject: Handler<CopyObjectCommandInput> = async (x, input) => {
  const given = readAttributes(x.req.headers);
  const replace = directive(input.MetadataDirective, 'x-amz-metadata-directive');
  const retag = directive(input.TaggingDirective, 'x-amz-tagging-directive');
  const conditions = writeConditions(x);
  const { bucket, at } = await addressOf(x);
  const source = await copySource(x, input.CopySource ?? '');
  const key = newCustomerKey(x.req.headers, bucket);
  const wanted = checksumNamed(input.ChecksumAlgorithm);
  if (isItself(source, at) && !replace && !changes(input, retag)) {
    throw new S3Error(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  const version = source.version === undefined ? {} : { version: source.version };
  const info = await ofSource(source, x.deps.namespace.stat(x.who, source.at, version));
  if (info.deleteMarker)
    throw new S3Error(
      'InvalidRequest',
      'The source of a copy request may not specifically refer to a delete marker by version id.',
    );
  const sourceKey = assertKeyFits(x.req.headers, info, true);
  if (info.size > PUT_BYTES_MAX)
    throw new S3Error(
      'InvalidRequest',
      `The specified copy source is larger than the maximum allowable size for a copy source: ${PUT_BYTES_MAX}`,
    );
  const attributes = attributesOf(info, given.attributes, replace, retag);
  if (retag) await allowTags(x, bucket, at, attributes);
  else if (info.attributes.tags !== undefined) await allowSourceTags(x, source);
  const mtimeOf = ({ mtime, modified }: ObjectInfo): { mtime?: number } => {
    const kept = replace ? given.mtime : mtime === modified ? undefined : mtime;
    return kept === undefined ? {} : { mtime: kept };
  };
  const lock = lockOption(x, bucket);
  const again = wanted !== null && wanted !== info.attributes.checksum?.algorithm;
  if (sourceKey !== null || key !== null || again) {
    const { checksum: _, partSizes: __, partChecksums: ___, customerKey: ____, ...plain } = attributes;
    const upload = await reread(x, source, info, sourceKey, wanted);
    const options = { attributes: plain, conditions, ...mtimeOf(info), ...lock };
    const made = await storeObject({ ...x, who: { ...x.who, cause: 'copy' } }, bucket, at, upload, options);
    const { VersionId, ...said } = made.output;
    return answer(shownVersion(info, source.bucket), said, VersionId, key, made.info, bucket);
  }
  const acl = await newObjectAcl(x, { bucket, at });
  let read = info;
  const copied = await found(
    x.deps.namespace.copyObject(x.who, source.at, at, {
      ...version,
      sourceConditions: parseConditions(x.req.headers, 'x-amz-copy-source-'),
      conditions,
      etag: 'md5',
      attributes,
      // The source may be another by now.
      describe(found) {
        read = found;
        return { attributes: attributesOf(found, given.attributes, replace, retag), ...mtimeOf(found) };
      },
      ...lock,
    }),
  );
  await keepAcl(x, copied.info, acl);
  return answer(
    shownVersion(read, source.bucket),
    checksumMembers(copied.info.attributes.checksum),
    shownVersion(copied.info, bucket),
    null,
    copied.info,
    bucket,
  );
};

function answer(
  copied: string | undefined,
  sums: object,
  VersionId: unknown,
  key: CustomerKey | null,
  info: ObjectInfo,
  bucket: Bucket,
): Output {
  const output = {
    CopyObjectResult: { ...sums, ETag: `"${info.etag}"`, LastModified: new Date(info.modified) },
    CopySourceVersionId: copied,
    VersionId,
    Expiration: expirationOf(info, bucket),
    ServerSideEncryption: 'AES256',
  };
  return replaceEncryption(output, key);
}

/** What the copy says of itself. What belongs to the bytes stays with them, whoever replaces the metadata. */
function attributesOf(info: ObjectInfo, given: ObjectAttributes, replace: boolean, retag: boolean): ObjectAttributes {
  const { tags, checksum, partSizes, partChecksums, extra, ...described } = info.attributes;
  const { tags: newTags, extra: newExtra, ...newlyDescribed } = given;
  const kept = retag ? newTags : tags;
  // Storage class and website redirect are the request's own, never the source's.
  const { 's3.storageClass': _, [REDIRECT_ATTRIBUTE]: __, ...rest } = extra ?? {};
  const both = { ...(replace ? {} : rest), ...newExtra };
  return {
    ...(replace ? newlyDescribed : described),
    ...(Object.keys(both).length === 0 ? {} : { extra: both }),
    ...(kept === undefined ? {} : { tags: kept }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(partSizes === undefined ? {} : { partSizes }),
    ...(partChecksums === undefined ? {} : { partChecksums }),
  };
}

/** A version's are read by another right than the current object's. */
async function allowSourceTags(x: Exchange, { bucket, at, version }: CopySource): Promise<void> {
  if (version === undefined) await x.deps.authorizer.require(x.who, 'tags.read', bucket, at.key);
  else await x.deps.authorizer.require(x.who, 'version.tags.read', bucket, at.key, { version });
}

/** The source's plain bytes, as if they were sent again; tied to what was looked at. */
async function reread(
  x: Exchange,
  source: CopySource,
  info: ObjectInfo,
  key: CustomerKey | null,
  wanted: ChecksumName | null,
): Promise<Upload> {
  const conditions = parseConditions(x.req.headers, 'x-amz-copy-source-');
  const read = await asPrecondition(
    x.deps.namespace.get(x.who, source.at, {
      ...(source.version === undefined ? {} : { version: source.version }),
      conditions: { ...conditions, ifMatch: conditions.ifMatch ?? [info.etag] },
      sealed: true,
    }),
  );
  const bytes = read.body(undefined, x.cx.signal);
  const name = wanted ?? (info.attributes.checksum?.algorithm as ChecksumName | undefined) ?? null;
  const plain = key === null ? bytes : openBody(bytes, read.info, key, null);
  return {
    body: plain,
    size: info.size,
    digests: name === null ? [] : [name],
    expect: () => ({}),
    checksumOf: (digests) => (name === null ? undefined : storedChecksum(name, digests)),
  };
}

async function asPrecondition<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!isCloudStoreError(error, 'not_modified')) throw error;
    throw new CloudStoreError('precondition_failed', 'A condition on the source does not hold.', { details: error.details });
  }
}

function directive(text: string | undefined, header: string): boolean {
  if (text === undefined || text === 'COPY') return false;
  if (text === 'REPLACE') return true;
  const what = header === 'x-amz-metadata-directive' ? 'metadata' : 'tagging';
  throw new S3Error('InvalidArgument', `Unknown ${what} directive.`, { ArgumentName: header, ArgumentValue: text.slice(0, 100) });
}

function isItself(source: CopySource, at: Address): boolean {
  return source.at.bucket === at.bucket && source.at.key === at.key && source.version === undefined;
}

function changes(input: CopyObjectCommandInput, retag: boolean): boolean {
  const { StorageClass, ServerSideEncryption, SSECustomerAlgorithm, CopySourceSSECustomerAlgorithm } = input;
  const { ChecksumAlgorithm, WebsiteRedirectLocation } = input;
  return [
    retag || undefined,
    StorageClass,
    ServerSideEncryption,
    SSECustomerAlgorithm,
    CopySourceSSECustomerAlgorithm,
    ChecksumAlgorithm,
    WebsiteRedirectLocation,
  ].some((one) => one !== undefined);
}
