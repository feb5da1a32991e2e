import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { PrincipalId } from '#core/principal';
import { digestOf } from './secrets.ts';

export const ACCESS_SECONDS = 15 * 60;
export const REFRESH_MS = 30 * 24 * 3600 * 1000;
/** No name of a day. */
const SUCCESSORS = 'refresh';
const ISSUER = 'cloudstore';
/** Ours have about 270; nothing longer is parsed. */
const TOKEN_CHARS_MAX = 2048;
/** A signing key signs for a day, and is believed for one more on each side, for clocks that differ. */
const PERIOD_MS = 24 * 3600 * 1000;

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
  /** The one that a refresh token is exchanged for: always the same, and known to nobody who has not this gateway's keys. null when malformed */
  successor(token: string): { token: string; hash: Buffer } | null;
  /** null when malformed */
  readRefresh(token: string): { session: string; hash: Buffer } | null;
}

export interface TokensOptions {
  /** The signing key of a name, at least 32 bytes; the same name gives the same key on every gateway, until the master key changes. */
  secret: (kid: string) => Buffer;
  clock: Clock;
  random: Random;
}

/**
 * Access tokens are JWTs (RFC 7519) with HS256 and nothing else, signed by a key that changes every day and is named in their head (`kid`); refresh tokens are random, or follow from one
 * that is, so that whoever's answer was lost can be given it again.
 */
export function createTokens({ secret, clock, random }: TokensOptions): Tokens {
  const known = new Map<string, { bytes: Buffer; key: KeyObject }>();
  const keyOf = (kid: string): KeyObject => {
    const bytes = secret(kid);
    const before = known.get(kid);
    if (before?.bytes === bytes) return before.key;
    if (known.size >= 4) known.clear();
    const key = createSecretKey(bytes);
    known.set(kid, { bytes, key });
    return key;
  };
  const period = (): number => Math.floor(clock.now() / PERIOD_MS);
  const seconds = (): number => Math.floor(clock.now() / 1000);

  /** @throws for a key that is not one of now */
  function keyOfToken(token: string): KeyObject {
    const kid = jwt.decode(token, { complete: true })?.header.kid ?? '';
    if (!/^\d{1,9}$/.test(kid) || Math.abs(Number(kid) - period()) > 1) throw invalid();
    return keyOf(kid);
  }

  return {
    access({ session, principal }) {
      const iat = seconds();
      const payload = { sub: String(principal), sid: session, iss: ISSUER, iat, exp: iat + ACCESS_SECONDS };
      const keyid = String(period());
      return jwt.sign(payload, keyOf(keyid), { algorithm: 'HS256', keyid });
    },
    read(token, options = {}) {
      if (token.length > TOKEN_CHARS_MAX) throw invalid();
      try {
        const checks = { algorithms: ['HS256' as const], issuer: ISSUER, clockTimestamp: seconds(), ...options };
        const payload = jwt.verify(token, keyOfToken(token), checks);
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
      return { token: `${session}.${bytes.toString('base64url')}`, hash: digestOf(bytes) };
    },
    successor(token) {
      const read = partsOf(token);
      if (read === null) return null;
      const bytes = createHmac('sha256', secret(SUCCESSORS)).update(read.session).update(read.bytes).digest();
      return { token: `${read.session}.${bytes.toString('base64url')}`, hash: digestOf(bytes) };
    },
    readRefresh(token) {
      const read = partsOf(token);
      return read === null ? null : { session: read.session, hash: digestOf(read.bytes) };
    },
  };
}

function partsOf(token: string): { session: string; bytes: Buffer } | null {
  const match = /^([0-9a-f]{32})\.([\w-]{43})$/.exec(token);
  return match === null ? null : { session: match[1] ?? '', bytes: Buffer.from(match[2] ?? '', 'base64url') };
}

function invalid(): CloudStoreError {
  return new CloudStoreError('unauthenticated', 'The access token is not valid.');
}
