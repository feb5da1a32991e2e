import type { Admitted, Authenticator, TokenPair } from '#contracts/authenticator';
import type { Cache } from '#contracts/cache';
import type { CredentialStore } from '#contracts/credential-store';
import type { Keyring } from '#contracts/keyring';
import type { Logger } from '#contracts/observability';
import type { PrincipalRecord, PrincipalStore } from '#contracts/principal-store';
import type { Signals } from '#contracts/signals';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { createFreshCache } from '#core/fresh-cache';
import { compileNetworks } from '#core/network';
import type { Principal, PrincipalId } from '#core/principal';
import { createLoginLimiter } from './login-limiter.ts';
import { createPasswordCheck } from './password-check.ts';
import { principalOf, sessionCredential } from './principal-of.ts';
import type { FactorCheck } from './second-factors.ts';
import type { Sessions } from './sessions.ts';
import { REFRESH_MS, type Tokens } from './tokens.ts';
import { createUsableCredentials } from './usable-credentials.ts';
import { createUses } from './uses.ts';

export interface AuthenticatorOptions {
  principals: PrincipalStore;
  credentials: CredentialStore;
  keyring: Keyring;
  cache: Cache;
  signals: Signals;
  clock: Clock;
  random: Random;
  tokens: Tokens;
  sessions: Sessions;
  factors: FactorCheck;
  log: Logger;
}

export interface OwnAuthenticator extends Authenticator {
  /** Whether it is the user's own password, and no app password; a second factor is not asked for. @throws unauthenticated, rate_limited */
  ownPassword(name: string, password: string, remoteAddress: string): Promise<void>;
  /** What is kept of a session is out of date; other gateways hear of it by signal. */
  forget(session: string, principal: PrincipalId): void;
  /**
   * Calls back when somebody has proven who it is by a password, or uses a key, an app password or a device for the first time in a while: what is remembered of a password is of its
   * address, so a new address is told of at once; of a key that is in use all the time, once a minute. Returns the unsubscriber.
   */
  onArrival(listener: (principal: Principal, remoteAddress: string) => void): () => void;
  /** Writes what is still in memory of the use of credentials. */
  close(): Promise<void>;
}

/** A browser tries again within half a minute of its network coming back; its other tabs, which hold the same token, come within seconds. */
const REPEAT_MS = 2 * 60_000;

/** What a session may, and whose it is. */
interface OpenSession {
  principal: Principal;
  owner: PrincipalRecord;
}

/**
 * Who is it? Passwords, keys and tokens, from memory that is at most a second old. Whatever changes about a user drops all that is
 * kept of it, in every gateway.
 */
export function createAuthenticator(options: AuthenticatorOptions): OwnAuthenticator {
  const { principals, credentials, keyring, cache, signals, clock, random, tokens, log } = options;
  const listeners = new Set<(principalId: number | null) => void>();
  const arrivals = new Set<(principal: Principal, remoteAddress: string) => void>();
  const records = createFreshCache<PrincipalId, PrincipalRecord>({ load: (id) => principals.find(id), clock });
  const usable = createUsableCredentials({ credentials, keyring, clock });
  const sessions = createFreshCache<string, OpenSession>({ load: loadSession, clock });
  const limiter = createLoginLimiter({ cache, clock });
  const passwords = createPasswordCheck({ principals, credentials, records, usable, limiter, clock, random });
  const uses = createUses({ credentials, clock, log });
  const networks = new WeakMap<readonly string[], (address: string) => boolean>();

  /** By `session principal`, as the token has them. */
  async function loadSession(key: string): Promise<OpenSession | null> {
    const [id = '', owner] = key.split(' ');
    const [session, record] = await Promise.all([principals.findSession(id), principals.find(Number(owner))]);
    if (session === null || record === null || record.disabled || session.principal !== record.id) return null;
    const by = session.credential === null ? null : await usable.get(session.credential);
    if (session.credential !== null && by === null) return null;
    return { owner: record, principal: principalOf(record, sessionCredential(session, by?.record ?? null)) };
  }

  const unsubscribe = signals.subscribe('principals', (payload) => {
    const id = payload === null ? null : Number(payload);
    passwords.drop(id);
    if (id === null) {
      records.clear();
      usable.clear();
      sessions.clear();
    } else {
      records.drop(id);
      usable.dropWhere(({ owner }) => owner.id === id);
      sessions.dropWhere(({ owner }) => owner.id === id);
    }
    for (const listener of listeners) {
      try {
        listener(id);
      } catch (error) {
        log.error({ err: error }, 'A listener to changes of users failed.');
      }
    }
  });

  function allows(cidrs: readonly string[], address: string): boolean {
    let within = networks.get(cidrs);
    if (within === undefined) networks.set(cidrs, (within = compileNetworks(cidrs)));
    return within(address);
  }

  function arrived(principal: Principal, remoteAddress: string): void {
    for (const listener of arrivals) listener(principal, remoteAddress);
  }

  function admit(principal: Principal, request: Admitted): void {
    request.principal = principal;
    const { credential } = principal;
    if (credential === undefined || credential.kind === 'session' || credential.kind === 'password') return;
    if (credential.expires !== undefined && clock.now() >= credential.expires) {
      throw new CloudStoreError('expired', 'What you came with has expired.');
    }
    if (credential.networks !== undefined && !allows(credential.networks, request.remoteAddress)) {
      throw new CloudStoreError('access_denied', 'This may not be used from here.');
    }
    if (credential.kind !== 'link' && uses.note(credential.id, request)) arrived(principal, request.remoteAddress);
  }

  /** @param repeatMs so long the same one may be exchanged again from the same address, for the same successor, while nobody has come with that */
  async function rotate(refreshToken: string, remoteAddress?: string, repeatMs = 0): Promise<TokenPair> {
    const given = tokens.readRefresh(refreshToken);
    const next = tokens.successor(refreshToken);
    if (given === null || next === null) throw ended();
    const expires = clock.now() + REFRESH_MS;
    const outcome = await principals.rotateSession(given.session, given.hash, next.hash, {
      expires,
      from: remoteAddress,
      repeatMs,
    });
    if (outcome.outcome === 'rotated' || outcome.outcome === 'repeated')
      return options.sessions.pairOf(given.session, outcome.principal.id, next.token);
    if (outcome.outcome === 'reused') {
      log.warn({ session: given.session }, 'A refresh token was used twice: its session is revoked.');
      sessions.clear();
    }
    throw ended();
  }

  return {
    async password(name, password, remoteAddress) {
      const principal = await passwords.verify(name, password, remoteAddress);
      // What else counts as a password is a credential, and noted once it is admitted.
      if (principal.credential?.kind === 'password') arrived(principal, remoteAddress);
      return principal;
    },
    remembered: (name, password, remoteAddress) => passwords.remembered(name, password, remoteAddress),
    accessKey(id) {
      if (!/^[\w.-]{3,128}$/.test(id)) return null;
      const known = usable.peek(id);
      return known === undefined ? usable.get(id).then((found) => found?.key ?? null) : known.key;
    },
    accessToken(token) {
      const { session, principal } = tokens.read(token);
      const key = `${session} ${principal}`;
      const known = sessions.peek(key);
      if (known !== undefined) return known.principal;
      return sessions.get(key).then((found) => {
        if (found === null) throw new CloudStoreError('unauthenticated', 'The session has ended.');
        return found.principal;
      });
    },
    admit,
    async login(name, password, remoteAddress, label, otp) {
      const { record, principal, credential } = await passwords.match(name, password, remoteAddress);
      if (credential === null && record.secondFactor) await options.factors.require(record, otp, remoteAddress);
      if (credential !== null) {
        admit(principal, { remoteAddress });
        return options.sessions.begin(record.id, label, remoteAddress, credential.record.id);
      }
      const begin = (hash: string | null) => options.sessions.begin(record.id, label, remoteAddress, null, hash);
      return begin(record.passwordHash).catch(async (error: unknown) => {
        if (!isCloudStoreError(error, 'unauthenticated')) throw error;
        // The hash of now may be a better one of the same password, which another log-in has just made.
        return begin((await passwords.match(name, password, remoteAddress)).record.passwordHash);
      });
    },
    refresh: (refreshToken, remoteAddress) => rotate(refreshToken, remoteAddress),
    renew: (refreshToken, remoteAddress) => rotate(refreshToken, remoteAddress, REPEAT_MS),
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
    onArrival(listener) {
      arrivals.add(listener);
      return () => arrivals.delete(listener);
    },
    async stillValid(principal) {
      const { credential, id } = principal;
      const record = await records.get(id);
      if (record === null || record.disabled) return false;
      // A link is watched by whoever gave it in.
      if (credential === undefined || credential.kind === 'link') return true;
      if (credential.kind === 'password') return passwords.stands(principal, record);
      if (credential.session !== undefined && (await sessions.get(`${credential.session} ${id}`)) === null) return false;
      return credential.kind === 'session' || (await usable.get(credential.id)) !== null;
    },
    async ownPassword(name, password, remoteAddress) {
      const { credential } = await passwords.match(name, password, remoteAddress);
      if (credential !== null) throw new CloudStoreError('unauthenticated', 'The password is wrong.');
    },
    forget: (session, principal) => sessions.drop(`${session} ${principal}`),
    async close() {
      unsubscribe();
      await uses.close();
    },
  };
}

function ended(): CloudStoreError {
  return new CloudStoreError('unauthenticated', 'The refresh token is not valid.');
}
