import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { PrincipalId } from '#core/principal';

export const ACCESS_SECONDS = 15 * 60;
export const REFRESH_MS = 30 * 24 * 3600 * 1000;
const ISSUER = 'cloudstore';
/** Ours have about 250; nothing longer is parsed. */
const TOKEN_CHARS_MAX = 2048;

/** What an access token says; who that is now is the session's to tell. */
export interface Claims {
  session: string;
  principal: PrincipalId;
}

export interface Tokens {
  access(claims: Claims): string;
  /** @throws expired, unauthenticated */
  read(token: string, options?: { ignoreExpiration?: boolean }): Claims;
  newSessionId(): string;
  /** `session.secret`; of the secret (32 bytes) only its hash is stored. */
  refresh(session: string): { token: string; hash: Buffer };
  /** null when malformed */
  readRefresh(token: string): { session: string; hash: Buffer } | null;
}

/** Access tokens are JWTs (RFC 7519) with HS256 and nothing else; refresh tokens are random. */
export function createTokens({ secret, clock, random }: { secret: () => Buffer; clock: Clock; random: Random }): Tokens {
  let known: { bytes: Buffer; key: KeyObject } | null = null;
  const key = (): KeyObject => {
    const bytes = secret();
    if (known?.bytes !== bytes) known = { bytes, key: createSecretKey(bytes) };
    return known.key;
  };
  const seconds = (): number => Math.floor(clock.now() / 1000);
  return {
    access({ session, principal }) {
      const iat = seconds();
      const payload = { sub: String(principal), sid: session, iss: ISSUER, iat, exp: iat + ACCESS_SECONDS };
      return jwt.sign(payload, key(), { algorithm: 'HS256' });
    },
    read(token, options = {}) {
      if (token.length > TOKEN_CHARS_MAX) throw invalid();
      try {
        const checks = { algorithms: ['HS256' as const], issuer: ISSUER, clockTimestamp: seconds(), ...options };
        const payload = jwt.verify(token, key(), checks);
        if (typeof payload === 'string') throw invalid();
        const session: unknown = payload.sid;
        const principal = Number(payload.sub);
        if (typeof session !== 'string' || !Number.isSafeInteger(principal)) throw invalid();
        return { session, principal };
      } catch (error) {
        if (error instanceof jwt.TokenExpiredError) throw new CloudStoreError('expired', 'The access token has expired.');
        throw invalid();
      }
    },
    newSessionId: () => random(16).toString('hex'),
    refresh(session) {
      const bytes = random(32);
      return { token: `${session}.${bytes.toString('base64url')}`, hash: sha256(bytes) };
    },
    readRefresh(token) {
      const match = /^([0-9a-f]{32})\.([\w-]{43})$/.exec(token);
      if (match === null) return null;
      return { session: match[1] ?? '', hash: sha256(Buffer.from(match[2] ?? '', 'base64url')) };
    },
  };
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function invalid(): CloudStoreError {
  return new CloudStoreError('unauthenticated', 'The access token is not valid.');
}
