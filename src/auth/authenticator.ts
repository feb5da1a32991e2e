import type { AccessKey, Authenticator, TokenPair } from '#contracts/authenticator';
import type { Cache } from '#contracts/cache';
import type { Keyring } from '#contracts/keyring';
import type { Logger } from '#contracts/observability';
import type { PrincipalRecord, PrincipalStore } from '#contracts/principal-store';
import type { Signals } from '#contracts/signals';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { createFreshCache } from '#core/fresh-cache';
import type { Principal, PrincipalId } from '#core/principal';
import { createLoginLimiter } from './login-limiter.ts';
import { createPasswordCheck } from './password-check.ts';
import { principalOf } from './principal-of.ts';
import { ACCESS_SECONDS, createTokens, REFRESH_MS } from './tokens.ts';

export interface AuthenticatorOptions {
  principals: PrincipalStore;
  keyring: Keyring;
  cache: Cache;
  signals: Signals;
  clock: Clock;
  random: Random;
  /** Of now, at least 32 bytes: with the master key it changes too. */
  jwtSecret: () => Buffer;
  log: Logger;
}

/**
 * Who is it? Passwords, S3 keys and tokens, from memory that is at most a second old. Whatever changes about a user drops all that is
 * kept of it, in every gateway.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { principals, keyring, cache, signals, clock, random, log } = options;
  const tokens = createTokens({ secret: options.jwtSecret, clock, random });
  const listeners = new Set<(principalId: number | null) => void>();
  const records = createFreshCache<PrincipalId, PrincipalRecord>({ load: (id) => principals.find(id), clock });
  const keys = createFreshCache<string, AccessKey>({ load: loadKey, clock });
  const sessions = createFreshCache<string, PrincipalRecord>({ load: loadSession, clock });
  const passwords = createPasswordCheck({ principals, records, limiter: createLoginLimiter(cache), clock, random });

  async function loadKey(id: string): Promise<AccessKey | null> {
    const found = await principals.findKey(id);
    if (found === null || found.principal.disabled) return null;
    const secret = (await keyring.unseal(found.sealedSecret, secretContext(id))).toString();
    return { id, principal: principalOf(found.principal), secret };
  }

  /** By `session principal`, as the token has them. */
  async function loadSession(key: string): Promise<PrincipalRecord | null> {
    const [session = '', principal] = key.split(' ');
    const [alive, record] = await Promise.all([principals.sessionAlive(session), principals.find(Number(principal))]);
    return alive && record !== null && !record.disabled ? record : null;
  }

  signals.subscribe('principals', (payload) => {
    const id = payload === null ? null : Number(payload);
    passwords.drop(id);
    if (id === null) {
      records.clear();
      keys.clear();
      sessions.clear();
    } else {
      records.drop(id);
      keys.dropWhere(({ principal }) => principal.id === id);
      sessions.dropWhere((record) => record.id === id);
    }
    for (const listener of listeners) {
      try {
        listener(id);
      } catch (error) {
        log.error({ err: error }, 'A listener to changes of users failed.');
      }
    }
  });

  function pairOf(session: string, principal: PrincipalId, refreshToken: string): TokenPair {
    return { accessToken: tokens.access({ session, principal }), refreshToken, expiresInSeconds: ACCESS_SECONDS };
  }

  return {
    password: (name, password, remoteAddress) => passwords.verify(name, password, remoteAddress),
    remembered: (name, password) => passwords.remembered(name, password),
    accessKey: (id) => (/^[\w.-]{3,128}$/.test(id) ? (keys.peek(id) ?? keys.get(id)) : null),
    accessToken(token) {
      const { session, principal } = tokens.read(token);
      const key = `${session} ${principal}`;
      const known = sessions.peek(key);
      if (known !== undefined) return principalOf(known);
      return sessions.get(key).then((record) => {
        if (record === null) throw new CloudStoreError('unauthenticated', 'The session has ended.');
        return principalOf(record);
      });
    },
    async login(name, password, remoteAddress, label) {
      const principal = await passwords.verify(name, password, remoteAddress);
      const id = tokens.newSessionId();
      const { token, hash } = tokens.refresh(id);
      const expires = clock.now() + REFRESH_MS;
      await principals.createSession({ id, principal: principal.id, tokenHash: hash, expires, label: label.slice(0, 200) });
      return pairOf(id, principal.id, token);
    },
    async refresh(refreshToken) {
      const given = tokens.readRefresh(refreshToken);
      if (given === null) throw ended();
      const next = tokens.refresh(given.session);
      const outcome = await principals.rotateSession(given.session, given.hash, next.hash, clock.now() + REFRESH_MS);
      if (outcome.outcome === 'rotated') return pairOf(given.session, outcome.principal.id, next.token);
      if (outcome.outcome === 'reused') {
        log.warn({ session: given.session }, 'A refresh token was used twice: its session is revoked.');
        sessions.clear();
      }
      throw ended();
    },
    async logout(accessToken) {
      const { session, principal } = tokens.read(accessToken, { ignoreExpiration: true });
      await principals.revokeSession(session);
      sessions.drop(`${session} ${principal}`);
    },
    onChange(listener) {
      const own = (id: number | null): void => listener(id);
      listeners.add(own);
      return () => listeners.delete(own);
    },
    async stillValid(principal: Principal) {
      const record = await records.get(principal.id);
      return record !== null && !record.disabled;
    },
  };
}

/** What an S3 secret is sealed for: whoever adds a key seals it with the same words. */
function secretContext(accessKeyId: string): string {
  return `access-key:${accessKeyId}`;
}

function ended(): CloudStoreError {
  return new CloudStoreError('unauthenticated', 'The refresh token is not valid.');
}
