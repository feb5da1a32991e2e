import type { CopyObjectCommandInput, PutObjectCommandInput } from '@aws-sdk/client-s3';
import type { Address } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Conditions } from '#core/conditions';
import type { ObjectAttributes, VersionId } from '#core/object';
import { allowBody } from '#http/body';
import { parseConditions } from '#http/conditional-headers';
import { checksumMembers } from '../checksums.ts';
import { S3Error } from '../errors.ts';
import { addressOf, bucketOf, type Exchange, type Handler } from '../exchange.ts';
import { expirationOf } from '../expiration.ts';
import { openUpload } from '../payload.ts';
import { readAttributes, shownVersion, versionOf } from '../representation.ts';
import { decodePath } from '../uri.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export const putObject: Handler<PutObjectCommandInput> = async (x) => {
  const { attributes, mtime } = readAttributes(x.req.headers);
  const upload = openUpload(x.req, x.payload);
  const { bucket, at } = await addressOf(x);
  allowBody(x.req, x.res);
  const { info } = await x.deps.namespace.put(x.who, at, upload.body, {
    size: upload.size,
    attributes,
    conditions: writeConditions(x),
    digests: upload.digests,
    expect: upload.expect,
    checksumOf: upload.checksumOf,
    etag: 'md5',
    signal: x.cx.signal,
    ...(mtime === undefined ? {} : { mtime }),
  });
  return {
    ETag: `"${info.etag}"`,
    Expiration: expirationOf(info, bucket),
    VersionId: shownVersion(info, bucket),
    ServerSideEncryption: 'AES256',
    ...checksumMembers(info.attributes.checksum),
  };
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export const copyObject: Handler<CopyObjectCommandInput> = async (x, input) => {
  const { attributes: given, mtime } = readAttributes(x.req.headers);
  const { bucket, at } = await addressOf(x);
  const source = await copySource(x, input.CopySource ?? '');
  const directive = input.MetadataDirective ?? 'COPY';
  if (directive !== 'COPY' && directive !== 'REPLACE') {
    throw new S3Error('InvalidArgument', 'Unknown metadata directive.', { ArgumentName: 'x-amz-metadata-directive' });
  }
  const replace = directive === 'REPLACE';
  const itself = source.at.bucket === at.bucket && source.at.key === at.key && source.version === undefined;
  if (itself && !replace && input.StorageClass === undefined && input.ServerSideEncryption === undefined) {
    throw new S3Error(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  const version = source.version === undefined ? {} : { version: source.version };
  // What belongs to the bytes stays with them, whoever replaces the metadata.
  const kept: ObjectAttributes = replace ? (await x.deps.namespace.stat(x.who, source.at, version)).attributes : {};
  const { info } = await x.deps.namespace.copyObject(x.who, source.at, at, {
    ...version,
    sourceConditions: parseConditions(x.req.headers, 'x-amz-copy-source-'),
    conditions: writeConditions(x),
    etag: 'md5',
    ...(replace
      ? {
          attributes: {
            ...given,
            ...(kept.checksum === undefined ? {} : { checksum: kept.checksum }),
            ...(kept.partSizes === undefined ? {} : { partSizes: kept.partSizes }),
          },
        }
      : {}),
    ...(replace && mtime !== undefined ? { mtime } : {}),
  });
  return {
    CopyObjectResult: {
      ETag: `"${info.etag}"`,
      LastModified: new Date(info.modified),
      ...checksumMembers(info.attributes.checksum),
    },
    CopySourceVersionId: source.bucket.versioning === 'off' ? undefined : source.version,
    VersionId: shownVersion(info, bucket),
    Expiration: expirationOf(info, bucket),
    ServerSideEncryption: 'AES256',
  };
};

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
  return {
    bucket,
    at: { bucket: bucket.id, key: path.slice(slash + 1) },
    ...versionOf(mark < 0 ? undefined : text.slice(mark + 11)),
  };
}

/** Of the conditions on a write, S3 knows the ETag's. */
export function writeConditions(x: Exchange): Conditions {
  const { ifMatch, ifNoneMatch } = parseConditions(x.req.headers);
  return { ...(ifMatch === undefined ? {} : { ifMatch }), ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }) };
}
