import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from './errors.ts';
import type { Scope } from './sigv4.ts';
import type { Query } from './uri.ts';

/** A SigV4 claim, read but not believed yet. */
export interface Credentials {
  kind: 'header' | 'query';
  accessKeyId: string;
  scope: Scope;
  /** yyyymmddThhmmssZ */
  stamp: string;
  /** The same in ms since the epoch. */
  at: number;
  /** Of a presigned request. */
  expiresSeconds: number;
  signedHeaders: readonly string[];
  signature: string;
}

const PRESIGN_SECONDS_MAX = 604_800;
const SKEW_MS_MAX = 900_000;
const STAMP = /^\d{8}T\d{6}Z$/;
const SIGNATURE = /^[0-9a-f]{64}$/;
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256\s+Credential=([^,\s]{1,256})\s*,\s*SignedHeaders=([a-z0-9!#$%&'*+.^_`|~;-]{1,8192})\s*,\s*Signature=([0-9a-f]{64})\s*$/;

/** What a client's authorization says before its signature, which is the same all day. */
export type KnownClaims = Map<string, Pick<Credentials, 'accessKeyId' | 'scope' | 'signedHeaders'>>;

const KNOWN_MAX = 1000;
const KNOWN_CHARS_MAX = 512;

/** null: anonymous. `known` remembers what was parsed. @throws AuthorizationHeaderMalformed, AuthorizationQueryParametersError, InvalidArgument, InvalidRequest, AccessDenied */
export function readCredentials(
  headers: IncomingHttpHeaders,
  query: Query,
  service: 's3' | 'sts' = 's3',
  known?: KnownClaims,
): Credentials | null {
  const { authorization } = headers;
  const presigned = query.has('X-Amz-Algorithm') || query.has('X-Amz-Signature') || query.has('X-Amz-Credential');
  if (authorization === undefined) {
    if (presigned) return fromQuery(query, known);
    if (query.has('AWSAccessKeyId') && query.has('Signature')) throw unsupported();
    return null;
  }
  if (presigned) {
    throw new S3Error(
      'InvalidArgument',
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
      {
        ArgumentName: 'Authorization',
      },
    );
  }
  return fromHeader(authorization, headers, service, known);
}

/** Times are checked against the gateway's clock. @throws RequestTimeTooSkewed, AccessDenied (expired, or not yet valid) */
export function checkTime(credentials: Credentials, now: number): void {
  const { at, expiresSeconds } = credentials;
  const serverTime = (): string => new Date(now).toISOString();
  if (credentials.kind === 'header') {
    if (Math.abs(now - at) > SKEW_MS_MAX) {
      throw new S3Error('RequestTimeTooSkewed', undefined, {
        RequestTime: credentials.stamp,
        ServerTime: serverTime(),
        MaxAllowedSkewMilliseconds: SKEW_MS_MAX,
      });
    }
    return;
  }
  if (at - now > SKEW_MS_MAX) throw new S3Error('AccessDenied', 'Request is not valid yet', { ServerTime: serverTime() });
  const end = at + expiresSeconds * 1000;
  if (now > end) {
    throw new S3Error('AccessDenied', 'Request has expired', {
      'X-Amz-Expires': expiresSeconds,
      Expires: new Date(end).toISOString(),
      ServerTime: serverTime(),
    });
  }
}

function fromHeader(
  authorization: string,
  headers: IncomingHttpHeaders,
  service: 's3' | 'sts',
  known: KnownClaims | undefined,
): Credentials {
  const { accessKeyId, scope, signedHeaders, signature } = readAuthorization(authorization, service, known);
  const dated = headers['x-amz-date'] ?? headers.date;
  if (typeof dated !== 'string')
    throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  const stamp = STAMP.test(dated) ? dated : stampOf(Date.parse(dated));
  const at = timeOf(stamp);
  if (at === null) throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  if (!stamp.startsWith(scope.date)) {
    throw new S3Error('AuthorizationHeaderMalformed', 'The authorization header is malformed; Invalid credential date.');
  }
  return { kind: 'header', accessKeyId, scope, stamp, at, expiresSeconds: 0, signedHeaders, signature };
}

type Authorization = Pick<Credentials, 'accessKeyId' | 'scope' | 'signedHeaders' | 'signature'>;

function readAuthorization(authorization: string, service: 's3' | 'sts', known: KnownClaims | undefined): Authorization {
  const cut = authorization.lastIndexOf('Signature=');
  const before = cut < 0 ? '' : authorization.slice(0, cut);
  const claimed = known?.get(before);
  if (claimed !== undefined) {
    const signature = authorization.slice(cut + 'Signature='.length);
    if (SIGNATURE.test(signature)) return { ...claimed, signature };
  }
  if (authorization.startsWith('AWS ')) throw unsupported();
  if (!authorization.startsWith('AWS4-HMAC-SHA256'))
    throw new S3Error('InvalidArgument', 'Unsupported Authorization Type', {
      ArgumentName: 'Authorization',
      ArgumentValue: authorization.slice(0, 100),
    });
  const match = AUTHORIZATION.exec(authorization);
  if (match === null) throw new S3Error('AuthorizationHeaderMalformed');
  const [, credential = '', names = '', signature = ''] = match;
  const claim = { ...readScope(credential, 'AuthorizationHeaderMalformed', service), signedHeaders: names.split(';') };
  remember(known, before, claim);
  return { ...claim, signature };
}

function remember(known: KnownClaims | undefined, text: string, claim: Omit<Authorization, 'signature'>): void {
  if (known === undefined || text.length > KNOWN_CHARS_MAX) return;
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(text, claim);
}

/** What a presigned query must have. */
export const QUERY_CLAIM = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Signature',
] as const;

function fromQuery(query: Query, known: KnownClaims | undefined): Credentials {
  const malformed = (message: string): S3Error => new S3Error('AuthorizationQueryParametersError', message);
  const algorithm = query.get('X-Amz-Algorithm');
  const credential = query.get('X-Amz-Credential');
  const stamp = query.get('X-Amz-Date');
  const expires = query.get('X-Amz-Expires');
  const names = query.get('X-Amz-SignedHeaders');
  const signature = query.get('X-Amz-Signature');
  if (!algorithm || !credential || !stamp || !expires || !names || !signature) {
    throw malformed(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    );
  }
  if (algorithm !== 'AWS4-HMAC-SHA256') throw malformed('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"');
  if (!/^-?\d{1,12}$/.test(expires)) throw malformed('X-Amz-Expires should be a number');
  const expiresSeconds = Number(expires);
  if (expiresSeconds < 0) throw malformed('X-Amz-Expires must be non-negative');
  if (expiresSeconds > PRESIGN_SECONDS_MAX) {
    throw malformed(
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    );
  }
  // No header holds a line feed.
  const claimed = `${credential}\n${names}`;
  let claim = known?.get(claimed);
  if (claim === undefined) {
    claim = { ...readScope(credential, 'AuthorizationQueryParametersError'), signedHeaders: names.split(';') };
    remember(known, claimed, claim);
  }
  const { accessKeyId, scope, signedHeaders } = claim;
  const at = timeOf(stamp);
  if (at === null) throw malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  if (!stamp.startsWith(scope.date)) throw malformed('Invalid credential date. This date is not the same as X-Amz-Date.');
  return { kind: 'query', accessKeyId, scope, stamp, at, expiresSeconds, signedHeaders, signature };
}

/** Of a credential `key/date/region/s3/aws4_request`. @throws the given code */
export function readScope(
  credential: string,
  code: 'AuthorizationHeaderMalformed' | 'AuthorizationQueryParametersError',
  expected: 's3' | 'sts' = 's3',
): { accessKeyId: string; scope: Scope } {
  const match = /^(.+)\/(\d{8})\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(credential);
  const wrong =
    code === 'AuthorizationHeaderMalformed'
      ? 'The authorization header is malformed'
      : 'Error parsing the X-Amz-Credential parameter';
  if (match === null)
    throw new S3Error(
      code,
      `${wrong}; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`,
    );
  const [, accessKeyId = '', date = '', region = '', service, terminator] = match;
  if (service !== expected)
    throw new S3Error(code, `${wrong}; incorrect service "${service}". This endpoint belongs to "${expected}".`);
  if (terminator !== 'aws4_request')
    throw new S3Error(code, `${wrong}; incorrect terminal "${terminator}". This endpoint uses "aws4_request".`);
  return { accessKeyId, scope: { date, region, ...(expected === 'sts' ? { service: expected } : {}) } };
}

function timeOf(stamp: string): number | null {
  if (!STAMP.test(stamp)) return null;
  const two = (from: number): number => (stamp.charCodeAt(from) - ZERO) * 10 + stamp.charCodeAt(from + 1) - ZERO;
  return Date.UTC(two(0) * 100 + two(2), two(4) - 1, two(6), two(9), two(11), two(13));
}

const ZERO = '0'.charCodeAt(0);

function stampOf(at: number): string {
  return Number.isNaN(at) ? '' : new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function unsupported(): S3Error {
  return new S3Error(
    'InvalidRequest',
    'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
  );
}
