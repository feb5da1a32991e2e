import type { IncomingMessage } from 'node:http';
import type { DigestName, Digests } from '#core/digest';
import type { ObjectAttributes } from '#core/object';
import { type Bytes, collect } from '#core/stream';
import { contentLength, requestBytes } from '#http/body';
import { decodeChunked } from './aws-chunked.ts';
import {
  CHECKSUM_NAMES,
  type ChecksumName,
  checksumNamed,
  contentMd5,
  declaredChecksum,
  readChecksum,
  storedChecksum,
} from './checksums.ts';
import { badDigest, S3Error, sha256Mismatch } from './errors.ts';
import { smallDigest } from './small-digest.ts';
import type { Payload } from './verifier.ts';

/** A request's body as the namespace takes it: plain bytes, their length, what they must hash to. */
export interface Upload {
  body: Bytes;
  /** undefined: only its end tells (a form's file). */
  size: number | undefined;
  digests: readonly DigestName[];
  /** Complete only when the body has ended: trailers fill it in. */
  expect: () => Digests;
  checksumOf: (digests: Digests) => ObjectAttributes['checksum'];
}

export const PUT_BYTES_MAX = 5 * 1024 ** 3;
export const XML_BYTES_MAX = 2 * 1024 ** 2;

/** @throws MissingContentLength, EntityTooLarge, InvalidRequest, InvalidDigest; the body throws IncompleteBody, SignatureDoesNotMatch */
export function openUpload(req: IncomingMessage, payload: Payload): Upload {
  const size = declaredSize(req, payload);
  if (size > PUT_BYTES_MAX) throw new S3Error('EntityTooLarge', undefined, { ProposedSize: size, MaxSizeAllowed: PUT_BYTES_MAX });
  const declared = declaredChecksum(req.headers);
  const expect = declaredDigests(req);
  if (payload.kind === 'sha256') {
    if (expect.sha256 !== undefined && !expect.sha256.equals(payload.sha256)) throw new S3Error('BadDigest');
    expect.sha256 = payload.sha256;
  }
  const trailing = trailerName(req, payload);
  if (trailing !== null && declared !== null) {
    throw new S3Error('InvalidRequest', 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
  }
  const kept = announced(req, declared?.name ?? trailing, expect);
  const onTrailers = (trailers: Map<string, string>): void => {
    for (const [name, value] of trailers) if (name.startsWith('x-amz-checksum-')) takeTrailer(name, value);
    if (trailing !== null && expect[trailing] === undefined) {
      throw new S3Error('MalformedTrailerError');
    }
  };
  const takeTrailer = (name: string, value: string): void => {
    const checksum = readChecksum(name, value);
    if (checksum.name !== trailing) throw new S3Error('MalformedTrailerError');
    expect[checksum.name] = checksum.value;
  };
  const source = requestBytes(req);
  return {
    body:
      payload.kind === 'chunked'
        ? decodeChunked(source, { decodedLength: size, onTrailers: payload.trailer ? onTrailers : null, chain: payload.chain })
        : source,
    size,
    digests: kept === null ? [] : [kept],
    expect: () => expect,
    checksumOf: (digests) => (kept === null ? undefined : storedChecksum(kept, digests)),
  };
}

/** The whole of a small XML body, verified; a checksum in the headers is the body's unless it is `ofObject`. @throws MaxMessageLengthExceeded, BadDigest, XAmzContentSHA256Mismatch */
export async function readXmlBody(req: IncomingMessage, payload: Payload, ofObject = false): Promise<string> {
  const tooLarge = (): S3Error => new S3Error('MaxMessageLengthExceeded', undefined, { MaxMessageLengthBytes: XML_BYTES_MAX });
  if ((contentLength(req) ?? 0) > XML_BYTES_MAX) throw tooLarge();
  // A length is not needed to read what is bounded anyway.
  if (payload.kind !== 'chunked') trailerName(req, payload);
  const upload = payload.kind === 'chunked' ? openUpload(req, payload) : null;
  const bytes = await collect(upload?.body ?? requestBytes(req), XML_BYTES_MAX, tooLarge);
  const expect = upload?.expect() ?? declaredDigests(req, ofObject);
  const named = declaredChecksum(req.headers, ofObject)?.name;
  for (const name of Object.keys(expect) as DigestName[]) {
    if (ofObject && name === named) continue;
    const [computed, wanted] = [await smallDigest(name, bytes), expect[name] as Buffer];
    if (!computed.equals(wanted)) throw badDigest(wanted.toString('base64'), computed.toString('base64'));
  }
  if (payload.kind === 'sha256') {
    const computed = await smallDigest('sha256', bytes);
    if (!computed.equals(payload.sha256)) throw sha256Mismatch(payload.sha256, computed);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new S3Error('MalformedXML');
  }
}

/** An algorithm that an SDK announces needs its checksum; that of MD5 it sends as Content-MD5. @throws InvalidRequest */
function announced(req: IncomingMessage, given: ChecksumName | null, expect: Digests): ChecksumName | null {
  const name = checksumNamed(headerText(req, 'x-amz-sdk-checksum-algorithm'));
  if (name === null || given !== null) return given;
  if (name === 'md5' && expect.md5 !== undefined) return name;
  throw new S3Error(
    'InvalidRequest',
    'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
  );
}

function declaredDigests(req: IncomingMessage, ofParts = false): Digests {
  const expect: Digests = {};
  const md5 = contentMd5(req.headers);
  if (md5 !== null) expect.md5 = md5;
  const declared = declaredChecksum(req.headers, ofParts);
  if (declared !== null) expect[declared.name] = declared.value;
  return expect;
}

function declaredSize(req: IncomingMessage, payload: Payload): number {
  if (payload.kind !== 'chunked') {
    const length = contentLength(req);
    if (length === undefined) throw new S3Error('MissingContentLength');
    return length;
  }
  const text = headerText(req, 'x-amz-decoded-content-length') ?? '';
  if (!/^\d{1,15}$/.test(text)) throw new S3Error('MissingContentLength');
  return Number(text);
}

/** @throws InvalidRequest, also for one that cannot come with such a body: its checksum would be verified by nobody */
function trailerName(req: IncomingMessage, payload: Payload): ChecksumName | null {
  const named = (headerText(req, 'x-amz-trailer') ?? '').trim().toLowerCase();
  if (named === '') return null;
  if (payload.kind !== 'chunked' || !payload.trailer)
    throw new S3Error('InvalidRequest', 'x-amz-trailer needs an x-amz-content-sha256 that ends in -TRAILER');
  const name = CHECKSUM_NAMES.find((one) => `x-amz-checksum-${one}` === named);
  if (name === undefined) throw new S3Error('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported');
  return name;
}

function headerText(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
