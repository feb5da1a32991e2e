import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { nameOf } from '#core/address';
import { CloudStoreError } from '#core/errors';
import type { ObjectAttributes } from '#core/object';
import { contentLength, requestBytes } from '#http/body';
import { answer } from '../answer.ts';
import { guessContentType } from '../content-type.ts';
import { checksumsOf, comparesByMd5, digestHeaders, expectedDigests, wantedDigest } from '../digests.ts';
import { DavError } from '../errors.ts';
import { type Exchange, locate } from '../exchange.ts';
import { ownCloudHeaders } from '../owncloud.ts';
import { readPreconditions } from '../preconditions.ts';
import { single } from '../request-headers.ts';
import { parseSeconds } from '../times.ts';
import { putRange } from './patch.ts';

/** RFC 4918 §9.7, RFC 9110 §9.3.4: atomic; an aborted or short body leaves what was there. */
export async function put(x: Exchange): Promise<void> {
  const { headers } = x.req;
  if (headers['content-range'] !== undefined) return putRange(x);
  if (x.target.kind !== 'place' || x.target.root || x.target.slash || x.target.folder) {
    throw new DavError(405, 'A collection is made with MKCOL.');
  }
  const located = await locate(x);
  const { key } = located.place;
  const { lockTokens, conditions } = await readPreconditions(x, located);
  const size = declaredLength(x.req);
  const mtime = clientTime(headers);
  const expect = expectedDigests(headers);
  const wanted = wantedDigest(headers);
  const result = await x.deps.namespace.put(x.who, { bucket: located.bucket.id, key }, requestBytes(x.req, x.res), {
    ...(size === undefined ? {} : { size }),
    ...(mtime === undefined ? {} : { mtime }),
    ...(expect === null ? {} : { expect }),
    ...(wanted === null ? {} : { digests: [wanted.name] }),
    attributes: { ...attributesOf(headers, nameOf(key)), ...checksumsOf(headers) },
    conditions,
    lockTokens,
    requireParent: true,
    etag: comparesByMd5(headers) ? 'md5' : 'opaque',
    signal: x.cx.signal,
  });
  answer(x.res, result.created ? 201 : 204, {
    ETag: `"${result.info.etag}"`,
    ...(mtime === undefined ? {} : { 'X-OC-Mtime': 'accepted' }),
    ...ownCloudHeaders(x, result.info),
    ...digestHeaders(wanted, result.digests),
  });
}

/** Finder sends chunks and says how many bytes they will be; fewer is an upload that broke off. @throws invalid_argument */
function declaredLength(req: IncomingMessage): number | undefined {
  const declared = contentLength(req);
  // Of HTTP/1.0 the end of a body without a length is the connection's, which the parser takes for no body (RFC 1945 §7.2.2).
  if (req.httpVersionMinor === 0 && declared === undefined) throw new DavError(411, 'A body by HTTP/1.0 has a length.');
  const expected = single(req.headers['x-expected-entity-length']);
  if (declared !== undefined || expected === undefined) return declared;
  if (!/^\d{1,15}$/.test(expected)) throw new CloudStoreError('invalid_argument', 'X-Expected-Entity-Length is no number.');
  return Number(expected);
}

/** The ownCloud header: seconds since the epoch, with a fraction from some clients. What cannot be read is left out, and not accepted. */
export function clientTime(headers: IncomingHttpHeaders): number | undefined {
  return parseSeconds(single(headers['x-oc-mtime'])?.trim() ?? '') ?? undefined;
}

export function attributesOf(headers: IncomingHttpHeaders, name: string): ObjectAttributes {
  const attributes: ObjectAttributes = {};
  const contentType = headers['content-type'] ?? guessContentType(name);
  const contentEncoding = headers['content-encoding'];
  const contentLanguage = single(headers['content-language']);
  if (contentType !== undefined) attributes.contentType = contentType;
  if (contentEncoding !== undefined) attributes.contentEncoding = contentEncoding;
  if (contentLanguage !== undefined) attributes.contentLanguage = contentLanguage;
  return attributes;
}
