import type { GetObjectCommandInput } from '@aws-sdk/client-s3';
import type { ObjectRead } from '#contracts/namespace';
import type { Conditions } from '#core/conditions';
import { type ByteRange, parseRange, type RangeRequest } from '#core/range';
import { sendBody } from '#http/body';
import { parseConditions } from '#http/conditional-headers';
import { assertKeyFits, type CustomerKey, openBody, replaceEncryption } from '../customer-key.ts';
import { tellingOfMarker } from '../delete-marker.ts';
import { S3Error } from '../errors.ts';
import { addressOf, type Exchange, type Handler } from '../exchange.ts';
import { expirationOf } from '../expiration.ts';
import { lockMembers } from '../object-lock.ts';
import { refuseMarker, representation, versionOf } from '../representation.ts';
import type { Output } from '../response-writer.ts';

/**
 * GetObject and HeadObject: conditions and range are decided before any byte.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
export const getObject: Handler<GetObjectCommandInput> = async (x, input) => {
  const { bucket, at } = await addressOf(x);
  const conditions = parseConditions(x.req.headers);
  const options = { ...versionOf(input.VersionId), conditions, sealed: true };
  const range = await tellingOfMarker(x, bucket, at, rangeOf(x, input, options));
  const reading = x.deps.namespace.get(x.who, at, {
    ...options,
    ...(range.request === null ? {} : { range: range.request }),
    ...(range.etag === undefined ? {} : { conditions: { ...conditions, ifMatch: conditions.ifMatch ?? [range.etag] } }),
  });
  const read = await tellingOfMarker(x, bucket, at, reading);
  refuseMarker(x, read.info);
  const key = assertKeyFits(x.req.headers, read.info);
  const output: Output = replaceEncryption(
    representation(read.info, bucket, input.ChecksumMode === 'ENABLED' && read.range === null),
    key,
  );
  output.Expiration = expirationOf(read.info, bucket);
  if (bucket.objectLock) Object.assign(output, await lockMembers(x, bucket, read.info));
  if (range.parts !== undefined) output.PartsCount = range.parts;
  const status = read.range === null ? 200 : 206;
  if (read.range !== null) {
    output.ContentRange = `bytes ${read.range.start}-${read.range.end}/${read.info.size}`;
    output.ContentLength = lengthOf(read.range);
  }
  overrideHeaders(output, input);
  x.res.writeHead(status, x.writer.headers(output));
  if (x.req.method === 'HEAD') x.res.end();
  else await send(x, read, key);
  return null;
};

async function send({ res, cx }: Exchange, read: ObjectRead, key: CustomerKey | null): Promise<void> {
  if (read.info.size === 0) {
    res.end();
    return;
  }
  const body = read.body(read.range ?? undefined, cx.signal);
  await sendBody(res, key === null ? body : openBody(body, read.info, key, read.range), cx.signal);
}

/** A part's place depends on the object, so one look goes ahead and the read is tied to what it saw. */
async function rangeOf(
  x: Exchange,
  input: GetObjectCommandInput,
  options: { version?: string; conditions: Conditions },
): Promise<{ request: RangeRequest | null; etag?: string; parts?: number }> {
  const number = input.PartNumber;
  if (number === undefined) {
    const ranges = parseRange(x.req.headers.range);
    const [first, second] = ranges ?? [];
    return { request: first !== undefined && second === undefined ? first : null };
  }
  if (x.req.headers.range !== undefined) {
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter');
  }
  if (number < 1 || number > 10_000) {
    throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive', {
      ArgumentName: 'partNumber',
    });
  }
  const { at } = await addressOf(x);
  const info = await x.deps.namespace.stat(x.who, at, options);
  const sizes = info.attributes.partSizes;
  const size = sizes === undefined ? (number === 1 ? info.size : undefined) : sizes[number - 1];
  if (size === undefined) {
    throw new S3Error('InvalidPartNumber', undefined, { ActualPartCount: sizes?.length ?? 1, PartNumberRequested: number });
  }
  const start = sizes?.slice(0, number - 1).reduce((sum, one) => sum + one, 0) ?? 0;
  const request = size === 0 ? null : { start, end: start + size - 1 };
  return { request, etag: info.etag, ...(sizes === undefined ? {} : { parts: sizes.length }) };
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
