import type { GetObjectCommandInput } from '@aws-sdk/client-s3';
import type { ObjectRead } from '#contracts/namespace';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ObjectInfo, StoredChecksum } from '#core/object';
import type { ByteRange } from '#core/range';
import { sendBody } from '#http/body';
import { httpDate, parseConditions } from '#http/conditional-headers';
import { askedRange } from '../asked-range.ts';
import { checksumMembers } from '../checksums.ts';
import { assertKeyFits, openBody, replaceEncryption } from '../customer-key.ts';
import { tellingOfMarker } from '../delete-marker.ts';
import { S3Error } from '../errors.ts';
import { addressOf, type Exchange, type Handler } from '../exchange.ts';
import { expirationOf } from '../expiration.ts';
import { lockMembers } from '../object-lock.ts';
import { refuseMarker, representation, versionOf } from '../representation.ts';
import type { Output } from '../response-writer.ts';
import { tellsTags } from '../tag-count.ts';

/**
 * GetObject and HeadObject: conditions and range are decided before any byte.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
export const getObject: Handler<GetObjectCommandInput> = async (x, input) => {
  const number = partNumberOf(x, input);
  const { bucket, at } = await addressOf(x);
  const conditions = parseConditions(x.req.headers);
  const reading = x.deps.namespace.get(x.who, at, { ...versionOf(input.VersionId), conditions, sealed: true });
  const read = await tellingOfMarker(x, bucket, at, overridingNotModified(reading, input));
  const { info } = read;
  refuseMarker(x, info);
  const key = assertKeyFits(x.req.headers, info);
  const range = number === null ? askedRange(x.req, info) : rangeOfPart(info, number);
  const output: Output = replaceEncryption(representation(info, bucket), key);
  if (!(await tellsTags(x.deps.authorizer, x.who, bucket, info, input.VersionId ?? null))) delete output.TagCount;
  if (input.ChecksumMode === 'ENABLED') Object.assign(output, checksumMembers(checksumOf(info, range)));
  output.Expiration = expirationOf(info, bucket);
  if (bucket.objectLock) Object.assign(output, await lockMembers(x, bucket, info));
  if (number !== null) output.PartsCount = info.attributes.partSizes?.length;
  if (range !== null) {
    output.ContentRange = `bytes ${range.start}-${range.end}/${info.size}`;
    output.ContentLength = lengthOf(range);
  }
  overrideHeaders(output, input);
  const { res, cx } = x;
  const begin = (): void => void res.writeHead(range === null ? 200 : 206, x.writer.headers(output));
  if (x.req.method === 'HEAD' || info.size === 0) {
    begin();
    res.end();
    return null;
  }
  const body = read.body(range ?? undefined, cx.signal);
  await sendBody(res, key === null ? body : openBody(body, info, key, range), cx.signal, begin);
  return null;
};

/** null: no part is asked for. @throws InvalidRequest, InvalidArgument */
function partNumberOf({ req }: Exchange, { PartNumber }: GetObjectCommandInput): number | null {
  if (PartNumber === undefined) return null;
  if (req.headers.range !== undefined)
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter');
  if (PartNumber >= 1 && PartNumber <= 10_000) return PartNumber;
  throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive', {
    ArgumentName: 'partNumber',
  });
}

/** null: the whole of nothing. An object that was put at once is its own first part. @throws InvalidPartNumber, InvalidRange */
function rangeOfPart(info: ObjectInfo, number: number): ByteRange | null {
  const sizes = info.attributes.partSizes ?? [info.size];
  const size = sizes[number - 1];
  if (size === undefined)
    throw new S3Error('InvalidPartNumber', undefined, { ActualPartCount: sizes.length, PartNumberRequested: number });
  if (info.size === 0) return null;
  if (size === 0) throw new S3Error('InvalidRange', undefined, { ActualObjectSize: info.size });
  const start = sizes.slice(0, number - 1).reduce((sum, one) => sum + one, 0);
  return { start, end: start + size - 1 };
}

/**
 * Of what is sent: the object's, or that of the one part that the range is.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
function checksumOf({ attributes, size }: ObjectInfo, range: ByteRange | null): StoredChecksum | undefined {
  const { checksum, partSizes = [size], partChecksums } = attributes;
  if (range === null || checksum === undefined) return checksum;
  let start = 0;
  for (const [index, length] of partSizes.entries()) {
    if (start === range.start && lengthOf(range) === length) {
      const value = attributes.partSizes === undefined ? checksum.value : partChecksums?.[index];
      return value === undefined ? undefined : { ...checksum, value };
    }
    start += length;
  }
  return undefined;
}

/** response-cache-control and response-expires go with a 304 as they would with its 200 (RFC 9110 §15.4.5). */
function overridingNotModified(
  reading: Promise<ObjectRead>,
  { ResponseCacheControl: cacheControl, ResponseExpires: expires }: GetObjectCommandInput,
): Promise<ObjectRead> {
  if (cacheControl === undefined && expires === undefined) return reading;
  return reading.catch((error: unknown) => {
    if (!isCloudStoreError(error, 'not_modified')) throw error;
    const kept = {
      ...(cacheControl === undefined ? {} : { cacheControl }),
      ...(expires === undefined ? {} : { expires: httpDate(Number(expires)) }),
    };
    throw new CloudStoreError('not_modified', error.message, { details: { ...error.details, ...kept } });
  });
}

/** response-*: only signed requests come this far. @throws InvalidArgument for what no header can carry */
function overrideHeaders(output: Output, input: GetObjectCommandInput): void {
  const { ResponseExpires } = input;
  const given = {
    CacheControl: input.ResponseCacheControl,
    ContentDisposition: input.ResponseContentDisposition,
    ContentEncoding: input.ResponseContentEncoding,
    ContentLanguage: input.ResponseContentLanguage,
    ContentType: input.ResponseContentType,
    Expires: ResponseExpires,
  };
  for (const [member, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (typeof value === 'string' && /[\x00-\x08\x0a-\x1f\x7f]/.test(value)) {
      throw new S3Error('InvalidArgument', 'Header value cannot be represented.', { ArgumentName: member });
    }
    output[member] = typeof value === 'string' ? Buffer.from(value).toString('latin1') : value;
  }
}

function lengthOf(range: ByteRange): number {
  return range.end - range.start + 1;
}
