import type { IncomingMessage } from 'node:http';
import type { AccessKey } from '#contracts/authenticator';
import { type Credentials, checkTime, type KnownClaims, readCredentials } from './credentials.ts';
import { S3Error } from './errors.ts';
import { signatureMismatch } from './signature-mismatch.ts';
import { type ClaimV2, readV2, type SignatureV2, verifyV2 } from './sigv2.ts';
import {
  canonicalRequest,
  createSigners,
  queryAsSent,
  type Signer,
  sameText,
  scopeText,
  stringToSign,
  trimHeader,
} from './sigv4.ts';
import type { Target } from './target.ts';
import { decodePath, encodeUri } from './uri.ts';

/** How the body is covered by the signature. */
export type Payload =
  | { kind: 'unsigned' }
  | { kind: 'sha256'; sha256: Buffer }
  | { kind: 'chunked'; trailer: boolean; chain: ChunkChain | null };

/** The chain of chunk signatures begins at the request's own ("seed"). */
export interface ChunkChain {
  signer: Signer;
  stamp: string;
  scope: string;
  seed: string;
}

export type Claim = ClaimV4 | ClaimV2;

export interface ClaimV4 {
  version: 4;
  credentials: Credentials;
  /** As signed: `UNSIGNED-PAYLOAD`, a SHA-256 in hex, or one of the `STREAMING-…`. */
  payloadHash: string;
}

export interface Verifier {
  /** Reads the request's claim and checks all that needs no secret; null: anonymous. @throws S3Error */
  claim(req: IncomingMessage, target: Target): Claim | null;
  /** How the body of a request without a signature comes. @throws InvalidRequest */
  unsigned(req: IncomingMessage): Payload;
  /** @throws SignatureDoesNotMatch */
  verify(req: IncomingMessage, target: Target, claim: Claim, key: AccessKey): Payload;
}

const STREAMING: Record<string, { signed: boolean; trailer: boolean }> = {
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD': { signed: true, trailer: false },
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER': { signed: true, trailer: true },
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER': { signed: false, trailer: true },
};

/** Checks AWS Signature Version 4 in header and query, and 2 where it may be, synchronously, so that short and long path share it. */
export function createVerifier(options: { region: string; now(): number; signatureV2?: SignatureV2 }): Verifier {
  const { signatureV2 = 'off' } = options;
  const signerOf = createSigners();
  const known: KnownClaims = new Map();
  return {
    claim(req, target) {
      const old = readV2(req, target.query, signatureV2, options.now());
      if (old !== null) return old;
      const credentials = readCredentials(req.headers, target.query, 's3', known);
      if (credentials === null) return null;
      checkTime(credentials, options.now());
      checkRegion(credentials, options.region);
      checkSignedHeaders(req, credentials);
      return { version: 4, credentials, payloadHash: payloadHashOf(req, target, credentials) };
    },
    unsigned,
    verify(req, target, claim, key) {
      if (claim.version === 2) {
        verifyV2(req, target, claim, key);
        return unsigned(req);
      }
      const { credentials, payloadHash } = claim;
      const signer = signerOf(key.secret, credentials.scope);
      const request = {
        method: req.method ?? '',
        path: target.path,
        query: target.query,
        header: (name: string) => headerText(req, name),
      };
      const canonicalOf = (path: string, query?: string): string =>
        canonicalRequest(request, path, credentials.signedHeaders, payloadHash, query);
      const attempt = (path: string, query?: string): string =>
        stringToSign(credentials.stamp, credentials.scope, canonicalOf(path, query));
      const signed = (candidate: string): boolean => sameText(signer.sign(candidate), credentials.signature);
      // First as it was sent, which is nearly always canonical: a signature of it is one of this request either way.
      if (!signed(attempt(target.path, queryAsSent(target.query)))) {
        const path = encodeUri(decodePath(target.path), true);
        const text = attempt(path);
        // A client may have kept an encoded slash encoded when it signed.
        const bySegment = (): string =>
          attempt(
            target.path
              .split('/')
              .map((part) => encodeUri(decodePath(part)))
              .join('/'),
          );
        if (!signed(text) && !(/%2f/i.test(target.path) && signed(bySegment()))) {
          throw signatureMismatch(key.id, credentials.signature, text, canonicalOf(path));
        }
      }
      if (!payloadHash.startsWith('STREAMING-')) return payloadOf(payloadHash, null);
      return payloadOf(payloadHash, {
        signer,
        stamp: credentials.stamp,
        scope: scopeText(credentials.scope),
        seed: credentials.signature,
      });
    },
  };
}

function unsigned(req: IncomingMessage): Payload {
  const given = String(req.headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD');
  if (STREAMING[given]?.signed === true)
    throw new S3Error('InvalidRequest', 'A request without a signature of version 4 has no signed chunks.');
  return /^[0-9a-f]{64}$/.test(given) || Object.hasOwn(STREAMING, given) ? payloadOf(given, null) : { kind: 'unsigned' };
}

function payloadOf(payloadHash: string, chain: ChunkChain | null): Payload {
  if (payloadHash === 'UNSIGNED-PAYLOAD') return { kind: 'unsigned' };
  const streaming = STREAMING[payloadHash];
  if (streaming !== undefined) return { kind: 'chunked', trailer: streaming.trailer, chain: streaming.signed ? chain : null };
  return { kind: 'sha256', sha256: Buffer.from(payloadHash, 'hex') };
}

function checkRegion({ kind, scope }: Credentials, region: string): void {
  if (scope.region === region) return;
  throw new S3Error(
    kind === 'header' ? 'AuthorizationHeaderMalformed' : 'AuthorizationQueryParametersError',
    `${kind === 'header' ? 'The authorization header is malformed' : 'Error parsing the X-Amz-Credential parameter'}; the region '${scope.region}' is wrong; expecting '${region}'`,
    { Region: region },
  );
}

/** Host and every x-amz header must be signed, or somebody on the way could add one. */
export function checkSignedHeaders(req: IncomingMessage, { kind, signedHeaders }: Credentials): void {
  const unsigned: string[] = [];
  if (!signedHeaders.includes('host')) unsigned.push('host');
  for (const name in req.headers) {
    if (!name.startsWith('x-amz-') || signedHeaders.includes(name)) continue;
    if (kind === 'query' && name === 'x-amz-content-sha256') continue;
    unsigned.push(name);
  }
  if (unsigned.length > 0) {
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
      HeadersNotSigned: unsigned.join(', '),
    });
  }
}

function payloadHashOf(req: IncomingMessage, target: Target, { kind }: Credentials): string {
  const header = req.headers['x-amz-content-sha256'];
  const given =
    (typeof header === 'string' ? header : undefined) ??
    (kind === 'query' ? target.query.get('X-Amz-Content-Sha256') : undefined);
  if (given === undefined) {
    if (kind === 'query') return 'UNSIGNED-PAYLOAD';
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  if (given === 'UNSIGNED-PAYLOAD' || Object.hasOwn(STREAMING, given) || /^[0-9a-f]{64}$/.test(given)) return given;
  throw new S3Error(
    'InvalidArgument',
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
    { ArgumentName: 'x-amz-content-sha256', ArgumentValue: given.slice(0, 200) },
  );
}

/** A header sent twice counts as its values joined by a comma alone; node:http joins with a space too. */
export function headerText(req: IncomingMessage, name: string): string {
  const value = req.headers[name];
  if (value === undefined) return '';
  const text = Array.isArray(value) ? value.join(',') : value;
  return text.includes(', ') ? (req.headersDistinct[name] ?? [text]).map(trimHeader).join(',') : text;
}
