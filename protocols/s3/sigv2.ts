import { createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AccessKey } from '#contracts/authenticator';
import { S3Error } from './errors.ts';
import { signatureMismatch } from './signature-mismatch.ts';
import { sameText, trimHeader } from './sigv4.ts';
import type { Target } from './target.ts';
import { decodePath, encodeUri, type Query } from './uri.ts';

/** Which requests may be signed by version 2: none, URLs and forms that were signed beforehand, or headers too. */
export type SignatureV2 = 'off' | 'urls' | 'all';

/** A claim of version 2, read but not believed yet. */
export interface ClaimV2 {
  version: 2;
  credentials: { kind: 'header' | 'query'; accessKeyId: string; signature: string };
  /** The line of the signed text that says when: `Date`, or `Expires` of a URL; empty where x-amz-date is among the headers. */
  date: string;
}

/** What of a query is part of the signed text (AWS: "Constructing the CanonicalizedResource Element"), and what AWS's SDKs count to it. */
const SUBRESOURCES: ReadonlySet<string> = new Set([
  ...[
    'accelerate',
    'acl',
    'analytics',
    'cors',
    'delete',
    'encryption',
    'inventory',
    'lifecycle',
    'location',
    'logging',
    'metrics',
  ],
  ...[
    'notification',
    'object-lock',
    'partNumber',
    'policy',
    'publicAccessBlock',
    'replication',
    'requestPayment',
    'restore',
    'select',
  ],
  ...['select-type', 'tagging', 'torrent', 'uploadId', 'uploads', 'versionId', 'versioning', 'versions', 'website'],
  ...['cache-control', 'content-disposition', 'content-encoding', 'content-language', 'content-type', 'expires'].map(
    (name) => `response-${name}`,
  ),
]);
const PROOF: ReadonlySet<string> = new Set(['AWSAccessKeyId', 'Expires', 'Signature']);
/** Headers that a signer of a URL moved into it, and signed as what they are. */
const MOVED = /^(?:x-amz-[a-z0-9-]+|content-type|content-md5)$/;

const SKEW_MS_MAX = 900_000;
/** As version 4 has it: no URL that anybody holds is good for longer. */
const URL_MS_MAX = 604_800_000;

/**
 * Reads a claim of version 2, as AWS described it before 2014 and as boto3, aws-cli (both in us-east-1, unless told otherwise) and s3cmd still sign URLs.
 * Read more strictly than AWS did: what is not part of the signed text is refused, so that nothing in a URL can be changed; and a URL is good for a week at most.
 * null: it is none, or none that may be.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
 * @throws InvalidArgument, AccessDenied, RequestTimeTooSkewed
 */
export function readV2({ headers }: IncomingMessage, query: Query, allowed: SignatureV2, now: number): ClaimV2 | null {
  const { authorization } = headers;
  const inQuery = query.raw !== '' && query.has('AWSAccessKeyId') && query.has('Signature');
  if (allowed === 'off') return null;
  if (authorization === undefined) return inQuery && !query.has('X-Amz-Signature') ? fromQuery(query, now) : null;
  if (inQuery) {
    throw new S3Error(
      'InvalidArgument',
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
      { ArgumentName: 'Authorization' },
    );
  }
  if (allowed !== 'all' || !authorization.startsWith('AWS ')) return null;
  const match = /^AWS ([^:\s]{1,256}):([A-Za-z0-9+/]{27}=)$/.exec(authorization);
  if (match === null)
    throw new S3Error('InvalidArgument', 'AWS authorization header is invalid.  Expected AwsAccessKeyId:signature');
  const [, accessKeyId = '', signature = ''] = match;
  const dated = headers['x-amz-date'] ?? headers.date;
  const at = typeof dated === 'string' ? timeOf(dated) : Number.NaN;
  if (Number.isNaN(at)) throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  if (Math.abs(now - at) > SKEW_MS_MAX) {
    throw new S3Error('RequestTimeTooSkewed', undefined, {
      RequestTime: String(dated),
      ServerTime: new Date(now).toISOString(),
      MaxAllowedSkewMilliseconds: SKEW_MS_MAX,
    });
  }
  return {
    version: 2,
    credentials: { kind: 'header', accessKeyId, signature },
    date: headers['x-amz-date'] === undefined ? String(dated) : '',
  };
}

/** @throws SignatureDoesNotMatch */
export function verifyV2(req: IncomingMessage, target: Target, { credentials, date }: ClaimV2, key: AccessKey): void {
  const textOf = (path: string): string =>
    [
      req.method ?? '',
      plainHeader(req, target.query, 'content-md5'),
      plainHeader(req, target.query, 'content-type'),
      date,
      `${amzHeaders(req, target.query)}${resourceOf(target, path)}`,
    ].join('\n');
  const signed = (text: string): boolean => sameText(signV2(key.secret, Buffer.from(text, 'latin1')), credentials.signature);
  const asSent = textOf(target.path);
  // Both name the same object: an address is written in more than one way.
  if (signed(asSent) || signed(textOf(encodeUri(decodePath(target.path), true)))) return;
  throw signatureMismatch(key.id, credentials.signature, asSent);
}

/** Of forms, the text is their policy as it came. */
export function signV2(secret: string, text: Buffer | string): string {
  return createHmac('sha1', secret).update(text).digest('base64');
}

function fromQuery(query: Query, now: number): ClaimV2 {
  const names = query.pairs.map(([name]) => name);
  const unsigned = names.filter((name) => !PROOF.has(name) && !SUBRESOURCES.has(name) && !MOVED.test(name));
  if (unsigned.length > 0) {
    throw new S3Error('AccessDenied', 'There were query parameters present in the request which were not signed', {
      QueryParametersNotSigned: unsigned.join(', ').slice(0, 1024),
    });
  }
  if (new Set(names).size < names.length) throw new S3Error('AccessDenied', 'A query parameter is there more than once');
  const expires = query.get('Expires') ?? '';
  if (expires === '')
    throw new S3Error(
      'AccessDenied',
      'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters',
    );
  if (!/^\d{1,12}$/.test(expires))
    throw new S3Error('AccessDenied', `Invalid date (should be seconds since epoch): ${expires.slice(0, 100)}`);
  const end = Number(expires) * 1000;
  const ServerTime = new Date(now).toISOString();
  if (now > end) throw new S3Error('AccessDenied', 'Request has expired', { Expires: new Date(end).toISOString(), ServerTime });
  if (end - now > URL_MS_MAX + SKEW_MS_MAX)
    throw new S3Error('AccessDenied', 'Request is not valid yet: a signed URL is good for a week at most', { ServerTime });
  return {
    version: 2,
    credentials: {
      kind: 'query',
      accessKeyId: query.get('AWSAccessKeyId') ?? '',
      // Who forgot to encode a plus sent what reads as a space.
      signature: (query.get('Signature') ?? '').replaceAll(' ', '+'),
    },
    date: expires,
  };
}

/** yyyymmddThhmmssZ, or a date of HTTP; else NaN. */
function timeOf(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function plainHeader({ headers }: IncomingMessage, query: Query, name: 'content-md5' | 'content-type'): string {
  const sent = headers[name] ?? bytesOf(query.get(name) ?? '');
  return typeof sent === 'string' ? trimHeader(sent) : '';
}

function amzHeaders({ headers, headersDistinct }: IncomingMessage, query: Query): string {
  const values = new Map<string, string>();
  for (const [name, value] of query.pairs) if (name.startsWith('x-amz-')) values.set(name, trimHeader(bytesOf(value)));
  for (const name in headers) {
    if (name.startsWith('x-amz-')) values.set(name, (headersDistinct[name] ?? []).map(trimHeader).join(','));
  }
  return [...values.keys()]
    .sort()
    .map((name) => `${name}:${values.get(name)}\n`)
    .join('');
}

/** The bucket is in it wherever the request has it, so that a URL of one bucket is none of a like-named key in another. */
function resourceOf({ bucket, key, path: sent, query }: Target, path: string): string {
  const hosted = bucket !== null && (key === null ? sent === '/' : decodePath(sent.slice(1)) === key);
  const signed = query.pairs.filter(([name]) => SUBRESOURCES.has(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  // Values are signed without their encoding: one that reads on as a parameter could be taken for it, and the other way round.
  if (signed.some(([, value]) => value.split('&').some((part, index) => index > 0 && SUBRESOURCES.has(part.split('=')[0] ?? ''))))
    throw new S3Error('AccessDenied', 'A query parameter reads as if it were two');
  const text = signed.map(([name, value]) => (value === '' ? name : `${name}=${bytesOf(value)}`)).join('&');
  return `${hosted ? `/${bucket}` : ''}${path}${text === '' ? '' : `?${text}`}`;
}

/** As node:http gives headers: bytes as latin1 characters. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}
