import type { IncomingHttpHeaders } from 'node:http';
import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import type { Address } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Conditions } from '#core/conditions';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ObjectAttributes, ObjectInfo, VersionId } from '#core/object';
import type { ObjectLock } from '#core/retention';
import { allowBody } from '#http/body';
import { parseConditions } from '#http/conditional-headers';
import { checksumMembers } from '../checksums.ts';
import { encryptionMembers, newCustomerKey, newMark, sealUpload } from '../customer-key.ts';
import { S3Error } from '../errors.ts';
import { addressOf, bucketOf, type Exchange, type Handler } from '../exchange.ts';
import { requireExpectedSourceOwner } from '../expected-owner.ts';
import { expirationOf } from '../expiration.ts';
import { lockOption, requireIntegrity } from '../object-lock.ts';
import { openUpload, type Upload } from '../payload.ts';
import { readAttributes, shownVersion, versionOf } from '../representation.ts';
import type { Output } from '../response-writer.ts';
import { decodePath } from '../uri.ts';
import { keepAcl, newObjectAcl } from './new-object-acl.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export const putObject: Handler<PutObjectCommandInput> = async (x) => {
  const { attributes, mtime } = readAttributes(x.req.headers);
  const conditions = writeConditions(x);
  const upload = openUpload(x.req, x.payload);
  const { bucket, at } = await addressOf(x);
  const lock = lockOption(x, bucket);
  if (lock.lock !== undefined) requireIntegrity(x.req.headers);
  await allowTags(x, bucket, at, attributes);
  allowBody(x.req, x.res);
  return store(x, bucket, at, upload, { attributes, conditions, ...lock, ...(mtime === undefined ? {} : { mtime }) });
};

interface StoreOptions {
  attributes: ObjectAttributes;
  conditions: Conditions;
  mtime?: number;
  lock?: Partial<ObjectLock>;
}

/** Stores a body, under the customer's key if the request brings one, and says what every upload is answered with. */
export async function store(
  x: Exchange,
  bucket: Bucket,
  at: Address,
  upload: Upload,
  options: StoreOptions,
  headers?: IncomingHttpHeaders,
): Promise<Output> {
  return (await storeObject(x, bucket, at, upload, options, headers)).output;
}

/** As `store`, with what was made: who may write it may not be allowed to look at it. */
export async function storeObject(
  x: Exchange,
  bucket: Bucket,
  at: Address,
  upload: Upload,
  options: StoreOptions,
  headers: IncomingHttpHeaders = x.req.headers,
): Promise<{ info: ObjectInfo; output: Output }> {
  const acl = await newObjectAcl(x, { bucket, at }, headers);
  const key = newCustomerKey(headers, bucket);
  const mark = key === null ? null : newMark(key, x.deps.random);
  const stored = key === null || mark === null ? upload : sealUpload(upload, key, mark);
  const attributes = mark === null ? options.attributes : { ...options.attributes, customerKey: mark };
  const { info } = await found(
    x.deps.namespace.put(x.who, at, stored.body, {
      ...options,
      attributes,
      ...(stored.size === undefined ? {} : { size: stored.size }),
      digests: stored.digests,
      expect: stored.expect,
      checksumOf: stored.checksumOf,
      etag: 'md5',
      signal: x.cx.signal,
    }),
  );
  await keepAcl(x, info, acl);
  const output = {
    ETag: `"${info.etag}"`,
    Expiration: expirationOf(info, bucket),
    VersionId: shownVersion(info, bucket),
    ...encryptionMembers(key),
    ...checksumMembers(info.attributes.checksum),
  };
  return { info, output };
}

/** Whoever brings tags along must be allowed to set them. */
export async function allowTags(x: Exchange, bucket: Bucket, at: Address, { tags }: ObjectAttributes): Promise<void> {
  if (tags !== undefined) await x.deps.authorizer.require(x.who, 'tags.write', bucket, at.key, { tags });
}

/** AWS says of an If-Match on what is not there that it is not there. */
export async function found<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    const nothing = isCloudStoreError(error, 'precondition_failed') && error.details.missing === true;
    if (nothing && error.details.condition === 'If-Match') throw new CloudStoreError('not_found', 'There is nothing to match.');
    throw error;
  }
}

/** `bucket/key?versionId=…`, with or without a leading slash, percent-encoded. @throws InvalidArgument, bucket_not_found */
export async function copySource(
  x: Exchange,
  text: string,
): Promise<{ bucket: Bucket; at: Address; version?: VersionId | 'null' }> {
  const mark = text.lastIndexOf('?versionId=');
  const path = decodePath(mark < 0 ? text : text.slice(0, mark)).replace(/^\//, '');
  const slash = path.indexOf('/');
  if (slash < 1 || slash === path.length - 1 || path.includes('\0')) {
    throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey', {
      ArgumentName: 'x-amz-copy-source',
    });
  }
  const bucket = await bucketOf(x, path.slice(0, slash));
  requireExpectedSourceOwner(x, bucket);
  const key = path.slice(slash + 1);
  x.cx.copySource = `${bucket.name}/${key}`;
  return {
    bucket,
    at: { bucket: bucket.id, key },
    ...versionOf(mark < 0 ? undefined : text.slice(mark + 11)),
  };
}

export type CopySource = Awaited<ReturnType<typeof copySource>>;

/** An error about the source names it, not the request's own key; whether it may be told is decided where it lies. */
export async function ofSource<T>({ bucket, at, version }: CopySource, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!isCloudStoreError(error, 'not_found') && !isCloudStoreError(error, 'version_not_found')) throw error;
    const source = { bucket: bucket.name, key: at.key, ...(version === undefined ? {} : { version }) };
    throw new CloudStoreError(error.code, error.message, { details: { ...error.details, source } });
  }
}

/** Of the conditions on a write, S3 knows the ETag's. */
export function writeConditions(x: Exchange): Conditions {
  const { ifMatch, ifNoneMatch } = parseConditions(x.req.headers);
  // AWS has If-None-Match on writes for the asterisk alone, and only one of the two.
  if (ifNoneMatch !== undefined && (ifNoneMatch !== '*' || ifMatch !== undefined)) {
    throw new S3Error('NotImplemented', undefined, {
      Header: 'If-None-Match',
      additionalMessage: "We don't accept the provided value of If-None-Match header for this API",
    });
  }
  return { ...(ifMatch === undefined ? {} : { ifMatch }), ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }) };
}
