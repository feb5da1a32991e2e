import type { ObjectRead } from '#contracts/namespace';
import { nameOf } from '#core/address';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ObjectAttributes } from '#core/object';
import type { Bytes } from '#core/stream';
import { allowBody, contentLength, requestBytes } from '#http/body';
import { answer } from '../answer.ts';
import { guessContentType } from '../content-type.ts';
import { OC_CHECKSUMS, recalculatedChecksum } from '../digests.ts';
import { DavError } from '../errors.ts';
import { type Exchange, type Located, locate } from '../exchange.ts';
import { ownCloudHeaders } from '../owncloud.ts';
import { assertConditions, readPreconditions } from '../preconditions.ts';
import { single } from '../request-headers.ts';

export const PARTIAL_UPDATE = 'application/x-sabredav-partialupdate';

/** sabre/dav's PATCH: `X-Update-Range` says where the body goes. A new version of the file, as every write; what did not change is stored already. */
export async function patch(x: Exchange): Promise<void> {
  const { headers } = x.req;
  const recalculate = single(headers['x-recalculate-hash']);
  if (recalculate !== undefined) return tellChecksum(x, recalculate);
  if ((headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() !== PARTIAL_UPDATE) {
    throw new DavError(415, 'PATCH takes sabre’s partial update.', { headers: { 'Accept-Patch': PARTIAL_UPDATE } });
  }
  const length = contentLength(x.req);
  if (length === undefined) throw new DavError(411, 'A partial update says its length.');
  const range = parseUpdateRange(single(headers['x-update-range']));
  const { located, read } = await open(x);
  if (read === null) throw new CloudStoreError('not_found', 'There is nothing to update.');
  const start = startOf(range, read.info.size, length);
  await writePart(x, located, read, start, length);
}

/** Nothing changes: nobody is told a checksum that was not true when it was stored. */
async function tellChecksum(x: Exchange, kind: string): Promise<void> {
  const { read } = await open(x);
  if (read === null) throw new CloudStoreError('not_found', 'There is nothing to add up.');
  answer(x.res, 204, { 'OC-Checksum': await recalculatedChecksum(kind, read, x.cx.signal) });
}

/** A PUT with `Content-Range`, as Apache takes it: the bytes go where it says, the rest of the file stays (RFC 9110 §14.5). */
export async function putRange(x: Exchange): Promise<void> {
  const match = /^\s*bytes (\d{1,15})-(\d{1,15})\/(?:(\d{1,15})|\*)\s*$/i.exec(single(x.req.headers['content-range']) ?? '');
  if (match === null) throw new CloudStoreError('invalid_argument', 'The Content-Range header cannot be read.');
  const [start, end, total] = [Number(match[1]), Number(match[2]), match[3] === undefined ? null : Number(match[3])];
  const length = end - start + 1;
  const declared = contentLength(x.req);
  if (length < 1 || (total !== null && end >= total) || (declared !== undefined && declared !== length)) {
    throw new CloudStoreError('invalid_argument', 'The Content-Range header contradicts itself or the body.');
  }
  const { located, read } = await open(x);
  if (read === null && start > 0)
    throw new CloudStoreError('invalid_range', 'There is nothing before this part.', { details: { size: 0 } });
  await writePart(x, located, read, start, length);
}

type UpdateRange = { start: number; end: number | null } | { last: number } | 'append';

/** @throws invalid_argument */
function parseUpdateRange(header: string | undefined): UpdateRange {
  const text = (header ?? '').trim();
  if (/^append$/i.test(text)) return 'append';
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(text);
  const [, first = '', last = ''] = match ?? [];
  if (match === null || (first === '' && last === '')) {
    throw new CloudStoreError('invalid_argument', 'X-Update-Range is append, bytes=N-M, bytes=N- or bytes=-N.');
  }
  return first === '' ? { last: Number(last) } : { start: Number(first), end: last === '' ? null : Number(last) };
}

/** @throws invalid_range */
function startOf(range: UpdateRange, size: number, length: number): number {
  if (range === 'append') return size;
  if ('last' in range) return Math.max(0, size - range.last);
  if (range.end !== null && range.end - range.start + 1 !== length) {
    throw new CloudStoreError('invalid_range', 'The range has not the length of the body.', { details: { size } });
  }
  return range.start;
}

async function open(x: Exchange): Promise<{ located: Located; read: ObjectRead | null }> {
  const { target } = x;
  if (target.kind !== 'place' || target.root || target.slash || target.folder)
    throw new DavError(405, 'A collection has no bytes.');
  const located = await locate(x);
  try {
    return { located, read: await x.deps.namespace.get(x.who, { bucket: located.bucket.id, key: located.place.key }) };
  } catch (error) {
    if (!isCloudStoreError(error, 'not_found')) throw error;
    return { located, read: null };
  }
}

/** @throws invalid_range where a hole would be left; conflict when somebody else wrote in between */
async function writePart(x: Exchange, located: Located, read: ObjectRead | null, start: number, length: number): Promise<void> {
  const { key } = located.place;
  const { lockTokens, conditions } = await readPreconditions(x, located);
  assertConditions(conditions, read?.info ?? null);
  const size = read?.info.size ?? 0;
  if (start > size) throw new CloudStoreError('invalid_range', 'The part begins behind the end.', { details: { size } });
  const at = { bucket: located.bucket.id, key };
  try {
    const { info, created } = await x.deps.namespace.put(x.who, at, joined(x, read, start, length), {
      size: Math.max(size, start + length),
      attributes: attributesOf(x, read, key),
      // What the rest was taken from must still be there.
      conditions: read === null ? { ifNoneMatch: '*' } : { ifMatch: [read.info.etag] },
      lockTokens,
      requireParent: true,
      etag: 'opaque',
      signal: x.cx.signal,
    });
    answer(x.res, created ? 201 : 204, { ETag: `"${info.etag}"`, ...ownCloudHeaders(x, info) });
  } catch (error) {
    const asked = conditions.ifMatch !== undefined || conditions.ifNoneMatch !== undefined;
    if (!asked && isCloudStoreError(error, 'precondition_failed'))
      throw new CloudStoreError('conflict', 'Somebody else wrote in between.');
    throw error;
  }
}

async function* joined(x: Exchange, read: ObjectRead | null, start: number, length: number): Bytes {
  const { signal } = x.cx;
  if (read !== null && start > 0) yield* read.body({ start: 0, end: start - 1 }, signal);
  allowBody(x.req, x.res);
  let received = 0;
  for await (const chunk of requestBytes(x.req)) {
    received += chunk.length;
    if (received > length) break;
    yield chunk;
  }
  if (received !== length) throw new CloudStoreError('incomplete_body', 'The body has not the length that was declared.');
  const end = start + length;
  if (read !== null && end < read.info.size) yield* read.body({ start: end, end: read.info.size - 1 }, signal);
}

/** Checksums and parts were of what it was before. */
function attributesOf(x: Exchange, read: ObjectRead | null, key: string): ObjectAttributes {
  if (read === null) {
    const contentType = x.req.headers['content-type'] ?? guessContentType(nameOf(key));
    return contentType === undefined ? {} : { contentType };
  }
  const { checksum: _checksum, partSizes: _partSizes, extra = {}, ...attributes } = read.info.attributes;
  const { [OC_CHECKSUMS]: _checksums, ...kept } = extra;
  return Object.keys(kept).length === 0 ? attributes : { ...attributes, extra: kept };
}
