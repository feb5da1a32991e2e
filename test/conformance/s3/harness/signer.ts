import { createHash, createHmac } from 'node:crypto';

/**
 * SigV4 as AWS's pages describe it, written apart from the product so that the two check each other.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 */
export interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface Signable {
  method: string;
  /** Percent-encoded, as it is sent. */
  path: string;
  /** Encoded `name=value` pairs, in any order. */
  query: string;
  /** All that goes out, names in any case. */
  headers: readonly (readonly [string, string])[];
  payloadHash: string;
}

export interface SigningScope {
  at: Date;
  region: string;
  service?: string;
}

export interface Signature {
  signature: string;
  signedHeaders: string;
  stamp: string;
  scope: string;
  key: Buffer;
}

export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}

export function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** yyyymmddThhmmssZ */
export function stampOf(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d{3}/g, '');
}

/** Every byte but the unreserved as %XX; `/` stays in a path. */
export function encode(text: string, path = false): string {
  const encoded = encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return path ? encoded.replaceAll('%2F', '/') : encoded;
}

/** Signs the headers named; without names, all of them. */
export function sign(request: Signable, keys: Keys, { at, region, service = 's3' }: SigningScope, names?: string[]): Signature {
  const stamp = stampOf(at);
  const scope = `${stamp.slice(0, 8)}/${region}/${service}/aws4_request`;
  const values = new Map<string, string>();
  for (const [name, value] of request.headers) {
    const lower = name.toLowerCase();
    const clean = value.replace(/^[ \t]+|[ \t]+$/g, '').replace(/ +/g, ' ');
    const known = values.get(lower);
    values.set(lower, known === undefined ? clean : `${known},${clean}`);
  }
  const signed = (names ?? [...values.keys()].filter((name) => name !== 'authorization' && name !== 'connection')).sort();
  const query = request.query
    .split('&')
    .filter((pair) => pair !== '' && !pair.startsWith('X-Amz-Signature='))
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : a < b ? -1 : 1))
    .join('&');
  const canonical = [
    request.method,
    request.path,
    query,
    ...signed.map((name) => `${name}:${values.get(name) ?? ''}`),
    '',
    signed.join(';'),
    request.payloadHash,
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, sha256(Buffer.from(canonical, 'latin1'))].join('\n');
  const key = signingKey(keys.secretAccessKey, scope);
  return { signature: hmac(key, toSign).toString('hex'), signedHeaders: signed.join(';'), stamp, scope, key };
}

/** For POST policies too. */
export function signingKey(secret: string, scope: string): Buffer {
  return scope.split('/').reduce<Buffer>((key, part) => hmac(key, part), Buffer.from(`AWS4${secret}`));
}

function keyOf(pair: string): string {
  return pair.slice(0, pair.indexOf('='));
}
