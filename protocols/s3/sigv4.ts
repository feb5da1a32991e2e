import { hash } from 'node:crypto';
import { encodeUri, type Query } from './uri.ts';

/** What a signature is made for (AWS: "Create a signed AWS API request"). Header values as node:http gives them: latin1. */
export interface SignedRequest {
  method: string;
  /** Raw, as it came. */
  path: string;
  query: Query;
  header(name: string): string;
}

export interface Scope {
  /** yyyymmdd */
  date: string;
  region: string;
  /** Absent: s3. */
  service?: 'sts';
}

/** Signs strings under one day's key. */
export interface Signer {
  /** Lower-case hex. */
  sign(text: string): string;
}

export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const KEYS_MAX = 1000;

/** S3's canonical request: the path encoded once and never normalised, the query sorted by its encoded bytes. */
export function canonicalRequest(
  request: SignedRequest,
  canonicalPath: string,
  signedHeaders: readonly string[],
  payloadHash: string,
  query: string = canonicalQuery(request.query),
): string {
  let headers = '';
  for (const name of signedHeaders) headers += `${name}:${collapse(request.header(name))}\n`;
  return `${request.method}\n${canonicalPath}\n${query}\n${headers}\n${signedHeaders.join(';')}\n${payloadHash}`;
}

export function canonicalQuery(query: Query): string {
  if (query.pairs.length === 0) return '';
  const encoded: [string, string][] = [];
  for (const [name, value] of query.pairs) {
    if (name !== 'X-Amz-Signature') encoded.push([encodeUri(name), encodeUri(value)]);
  }
  encoded.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0));
  return encoded.map(([name, value]) => `${name}=${value}`).join('&');
}

/** What most clients send is canonical as it is, but for the signature, which is not signed. */
export function queryAsSent({ raw }: Query): string {
  const name = 'X-Amz-Signature=';
  const at = raw.startsWith(name) ? 0 : raw.indexOf(`&${name}`);
  if (at < 0) return raw;
  const end = raw.indexOf('&', at + 1);
  const rest = raw.slice(0, at) + (end < 0 ? '' : raw.slice(end));
  return rest.startsWith('&') ? rest.slice(1) : rest;
}

export function stringToSign(stamp: string, scope: Scope, canonical: string): string {
  const bytes = /[^\x00-\x7f]/.test(canonical) ? Buffer.from(canonical, 'latin1') : canonical;
  return `AWS4-HMAC-SHA256\n${stamp}\n${scopeText(scope)}\n${hash('sha256', bytes, 'hex')}`;
}

export function scopeText(scope: Scope): string {
  return `${scope.date}/${scope.region}/${scope.service ?? 's3'}/aws4_request`;
}

/** Equal in a time that does not tell where they differ. */
export function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i % (b.length || 1));
  return difference === 0;
}

/** Signing keys by secret and day, remembered: deriving one costs four HMACs. */
export function createSigners(): (secret: string, scope: Scope) => Signer {
  const known = new Map<string, Signer>();
  // A scope that comes again is the same object, mostly.
  const last = new WeakMap<Scope, { secret: string; signer: Signer }>();
  return (secret, scope) => {
    const before = last.get(scope);
    if (before?.secret === secret) return before.signer;
    const name = `${secret}\n${scope.date}\n${scope.region}\n${scope.service ?? ''}`;
    let signer = known.get(name);
    if (signer === undefined) {
      if (known.size >= KEYS_MAX) known.clear();
      signer = createSigner(deriveKey(secret, scope));
      known.set(name, signer);
    }
    last.set(scope, { secret, signer });
    return signer;
  };
}

function deriveKey(secret: string, scope: Scope): Buffer {
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of [scope.date, scope.region, scope.service ?? 's3', 'aws4_request'])
    key = Buffer.from(createSigner(key).sign(part), 'hex');
  return key;
}

/** HMAC of two one-shot hashes over pads made once: half the cost of createHmac for such short texts (RFC 2104). */
function createSigner(key: Buffer): Signer {
  const block = Buffer.alloc(64);
  (key.length > 64 ? hash('sha256', key, 'buffer') : key).copy(block);
  const inner = Buffer.alloc(1024);
  const outer = Buffer.alloc(96);
  for (let i = 0; i < 64; i++) {
    inner[i] = (block[i] as number) ^ 0x36;
    outer[i] = (block[i] as number) ^ 0x5c;
  }
  return {
    sign(text) {
      const bytes = Buffer.byteLength(text);
      const message =
        bytes <= inner.length - 64 ? inner.subarray(0, 64 + bytes) : Buffer.concat([inner.subarray(0, 64)], 64 + bytes);
      message.write(text, 64);
      hash('sha256', message, 'buffer').copy(outer, 64);
      return hash('sha256', outer, 'hex');
    },
  };
}

/** Without the white space that a header's value may have around it: no other, as the last byte of `à` reads as a space in latin1. */
export function trimHeader(value: string): string {
  let [from, to] = [0, value.length];
  while (from < to && isSpace(value.charCodeAt(from))) from++;
  while (to > from && isSpace(value.charCodeAt(to - 1))) to--;
  return value.slice(from, to);
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}

function collapse(value: string): string {
  const trimmed = trimHeader(value);
  return trimmed.includes('  ') ? trimmed.replace(/ +/g, ' ') : trimmed;
}
