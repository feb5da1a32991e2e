import type { IncomingHttpHeaders } from 'node:http';
import type { Bucket } from '#core/bucket';
import type { ObjectAttributes, ObjectInfo, VersionId } from '#core/object';
import { httpDate } from '#http/conditional-headers';
import { S3Error } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Output } from './response-writer.ts';
import { readTagging } from './tag-set.ts';

const METADATA_BYTES_MAX = 2048;
const STORAGE_CLASSES: ReadonlySet<string> = new Set([
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
]);

/** Headers of features that later work adds: taking one silently would be a lie. */
const REFUSED = [
  'x-amz-write-offset-bytes',
  'x-amz-object-lock-event-hold',
  'x-amz-object-lock-event-hold-duration-days',
  'x-amz-object-lock-event-hold-duration-years',
] as const;

/** They mean something with a key management service only. */
const KEY_SERVICE = ['x-amz-server-side-encryption-aws-kms-key-id', 'x-amz-server-side-encryption-context'] as const;

/** The attribute that x-amz-website-redirect-location is kept in. */
export const REDIRECT_ATTRIBUTE = 's3.websiteRedirect';
const REDIRECT_BYTES_MAX = 2048;

/** What GET and HEAD say of an object; who asks for its checksum adds it. */
export function representation(info: ObjectInfo, bucket: Bucket): Output {
  const { attributes } = info;
  const storageClass = attributes.extra?.['s3.storageClass'];
  return {
    AcceptRanges: 'bytes',
    LastModified: new Date(info.modified),
    ETag: `"${info.etag}"`,
    ContentLength: info.size,
    ContentType: attributes.contentType ?? 'binary/octet-stream',
    ContentEncoding: attributes.contentEncoding,
    ContentLanguage: attributes.contentLanguage,
    ContentDisposition: attributes.contentDisposition,
    CacheControl: attributes.cacheControl,
    Expires: attributes.expires,
    ServerSideEncryption: 'AES256',
    StorageClass: storageClass,
    WebsiteRedirectLocation: attributes.extra?.[REDIRECT_ATTRIBUTE],
    TagCount: tagCount(attributes.tags),
    VersionId: shownVersion(info, bucket),
    Metadata: encodeMetadata(attributes.user),
  };
}

function tagCount(tags: ObjectAttributes['tags']): number | undefined {
  return tags === undefined ? undefined : Object.keys(tags).length;
}

/** AWS answers a delete marker by its version with 405. */
export function refuseMarker(x: Exchange, info: ObjectInfo): void {
  if (!info.deleteMarker) return;
  x.res.setHeader('x-amz-delete-marker', 'true');
  x.res.setHeader('x-amz-version-id', info.visibility === 'null' ? 'null' : info.versionId);
  x.res.setHeader('Last-Modified', httpDate(info.modified));
  x.res.setHeader('Allow', 'DELETE');
  throw new S3Error('MethodNotAllowed', undefined, { Method: x.req.method ?? '', ResourceType: 'DeleteMarker' });
}

/** undefined where S3 shows no version. One that has an id of its own is of versioned days, also while what is remembered of the bucket is older. */
export function shownVersion(info: Pick<ObjectInfo, 'visibility' | 'versionId'>, bucket: Bucket): string | undefined {
  if (info.visibility === 'id') return info.versionId;
  return bucket.versioning === 'off' || info.visibility === 'hidden' ? undefined : 'null';
}

/** @throws InvalidArgument */
export function versionOf(text: string | undefined): { version?: VersionId | 'null' } {
  if (text === undefined) return {};
  if (text === 'null' || /^[0-9a-f]{32}$/.test(text)) return { version: text };
  const wrong = text === '' ? 'Version id cannot be the empty string' : 'Invalid version id specified';
  throw new S3Error('InvalidArgument', wrong, {
    ArgumentName: 'versionId',
    ArgumentValue: text.slice(0, 100),
  });
}

/** What a writer's headers say of the object. @throws MetadataTooLarge, InvalidStorageClass, NotImplemented, … */
export function readAttributes(headers: IncomingHttpHeaders): { attributes: ObjectAttributes; mtime?: number } {
  refuseUnwritten(headers);
  const attributes: ObjectAttributes = {};
  const take = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const contentType = take('content-type');
  const contentEncoding = withoutAwsChunked(take('content-encoding'));
  const contentLanguage = take('content-language');
  const contentDisposition = take('content-disposition');
  const cacheControl = take('cache-control');
  const expires = take('expires');
  if (contentType !== undefined) attributes.contentType = contentType;
  if (contentEncoding !== undefined) attributes.contentEncoding = contentEncoding;
  if (contentLanguage !== undefined) attributes.contentLanguage = contentLanguage;
  if (contentDisposition !== undefined) attributes.contentDisposition = contentDisposition;
  if (cacheControl !== undefined) attributes.cacheControl = cacheControl;
  if (expires !== undefined) attributes.expires = expires;
  const user = readMetadata(headers);
  if (user !== null) attributes.user = user;
  const tags = readTagging(take('x-amz-tagging'));
  if (tags !== null) attributes.tags = tags;
  const storageClass = take('x-amz-storage-class');
  if (storageClass !== undefined && !STORAGE_CLASSES.has(storageClass))
    throw new S3Error('InvalidStorageClass', undefined, { StorageClassRequested: storageClass.slice(0, 100) });
  if (storageClass !== undefined && storageClass !== 'STANDARD') attributes.extra = { 's3.storageClass': storageClass };
  const redirect = take('x-amz-website-redirect-location');
  if (redirect !== undefined) attributes.extra = { ...attributes.extra, [REDIRECT_ATTRIBUTE]: checkedRedirect(redirect) };
  const mtime = readMtime(user?.mtime);
  return mtime === null ? { attributes } : { attributes, mtime };
}

function refuseUnwritten(headers: IncomingHttpHeaders): void {
  for (const name of REFUSED) {
    if (headers[name] !== undefined) throw new S3Error('NotImplemented', undefined, { Header: name });
  }
  const encryption = headers['x-amz-server-side-encryption'];
  if (encryption !== undefined && encryption !== 'AES256' && !/^aws:(kms|kms:dsse|fsx)$/.test(String(encryption)))
    throw new S3Error('InvalidEncryptionAlgorithmError', undefined, { ArgumentName: 'x-amz-server-side-encryption' });
  const keyHeader = KEY_SERVICE.find((name) => headers[name] !== undefined);
  if (keyHeader !== undefined && (encryption === undefined || encryption === 'AES256')) {
    throw new S3Error(
      'InvalidArgument',
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
      { ArgumentName: keyHeader },
    );
  }
  if (encryption !== undefined && encryption !== 'AES256') {
    throw new S3Error(
      'NotImplemented',
      'There is no key management service here: AES256 and keys of your own (SSE-C) are available.',
      {
        Header: 'x-amz-server-side-encryption',
      },
    );
  }
}

/** The transport's own token goes, wherever it stands; the object's encodings stay. */
function withoutAwsChunked(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const kept = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && part.toLowerCase() !== 'aws-chunked');
  return kept.length === 0 ? undefined : kept.join(',');
}

function readMetadata(headers: IncomingHttpHeaders): Record<string, string> | null {
  let user: [name: string, value: string][] | null = null;
  let bytes = 0;
  for (const name in headers) {
    const value = headers[name];
    if (!name.startsWith('x-amz-meta-') || typeof value !== 'string') continue;
    user ??= [];
    user.push([name.slice(11), Buffer.from(value, 'latin1').toString('utf8')]);
    bytes += name.length - 11 + value.length;
  }
  if (bytes > METADATA_BYTES_MAX)
    throw new S3Error('MetadataTooLarge', undefined, { Size: bytes, MaxSizeAllowed: METADATA_BYTES_MAX });
  return user === null ? null : Object.fromEntries(user); // also where a name is `__proto__`
}

function checkedRedirect(location: string): string {
  if (/^(\/|https?:\/\/)/.test(location) && location.length <= REDIRECT_BYTES_MAX) return location;
  throw new S3Error('InvalidRedirectLocation');
}

/** rclone's and s3fs's modification time: seconds since the epoch with a fraction. */
function readMtime(text: string | undefined): number | null {
  const match = /^(\d{1,11})(?:\.(\d+))?$/.exec(text ?? '');
  return match === null ? null : Number(match[1]) * 1000 + Number((match[2] ?? '').slice(0, 3).padEnd(3, '0'));
}

/** Headers carry ASCII; AWS answers anything else by RFC 2047. */
function encodeMetadata(user: Record<string, string> | undefined): Record<string, string> {
  const encode = (value: string): string =>
    /^[\t\x20-\x7e]*$/.test(value) ? value : `=?UTF-8?B?${Buffer.from(value).toString('base64')}?=`;
  return Object.fromEntries(Object.entries(user ?? {}).map(([name, value]) => [name, encode(value)]));
}
