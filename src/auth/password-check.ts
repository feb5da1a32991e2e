import { isDeepStrictEqual } from 'node:util';
import type { CredentialStore } from '#contracts/credential-store';
import type { AttemptLimiter } from '#contracts/passwords';
import type { PrincipalRecord, PrincipalStore } from '#contracts/principal-store';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { FreshCache } from '#core/fresh-cache';
import type { Principal, PrincipalId } from '#core/principal';
import { createGate } from './gate.ts';
import { hashPassword, isOutdated, PASSWORD_BYTES_MAX, unmatchableHash, verifyPassword } from './passwords.ts';
import { createByPassword } from './principal-of.ts';
import { createSameCost } from './same-cost.ts';
import { mintedDigest } from './secrets.ts';
import type { UsableCredential } from './usable-credentials.ts';
import { createVerifiedPairs, type RightPair, type UserThen } from './verified-pairs.ts';

/** Whose the pair is; `credential`: what it is in place of the user's own password. */
export interface Matched {
  record: PrincipalRecord;
  principal: Principal;
  credential: UsableCredential | null;
}

export interface PasswordCheck {
  /** Any right pair, also one that is not enough by itself (`record.secondFactor`). @throws unauthenticated, rate_limited */
  match(name: string, password: string, remoteAddress: string): Promise<Matched>;
  /** A pair that is enough by itself. @throws unauthenticated, rate_limited */
  verify(name: string, password: string, remoteAddress: string): Promise<Principal>;
  remembered(name: string, password: string, remoteAddress: string): Principal | null;
  /** Whether this is who the bare password of now stands for. */
  stands(principal: Principal, record: PrincipalRecord): boolean;
  drop(principal: PrincipalId | null): void;
}

export interface PasswordCheckOptions {
  principals: PrincipalStore;
  credentials: CredentialStore;
  records: FreshCache<PrincipalId, PrincipalRecord>;
  usable: FreshCache<string, UsableCredential>;
  limiter: AttemptLimiter;
  clock: Clock;
  random: Random;
}

/** Each hash takes a core for 30 ms and 19 MiB. */
const HASHES_AT_ONCE = 2;
const HASHES_WAITING_MAX = 64;

/** Names and passwords: a hash at most once for a pair that stays the same, never one for every request. */
export function createPasswordCheck(options: PasswordCheckOptions): PasswordCheck {
  const { principals, credentials, records, usable, limiter, clock, random } = options;
  const pairs = createVerifiedPairs({ clock, random });
  const gate = createGate(HASHES_AT_ONCE, HASHES_WAITING_MAX);
  const unmatchable = unmatchableHash(random);
  const sameCost = createSameCost({ kinds: () => principals.hashKinds(), clock, random, run: (work) => gate.run(work) });
  const running = new Map<string, Promise<Matched>>();
  const byPassword = createByPassword();

  /** A drive opens many connections at once with one password: one of them asks. */
  function check(key: string, name: string, password: string, remoteAddress: string): Promise<Matched> {
    const under = running.get(key);
    if (under !== undefined) return under;
    const promise = look(key, name, password, remoteAddress).finally(() => running.delete(key));
    running.set(key, promise);
    return promise;
  }

  async function look(key: string, name: string, password: string, remoteAddress: string): Promise<Matched> {
    await limiter.attempt(name, remoteAddress);
    const matched = (await byCredential(key, name, password)) ?? (await byHash(key, name, password));
    await limiter.succeeded(name, remoteAddress);
    return matched;
  }

  /** An app password or a device's secret; null: it is none that there is, and may be a chosen password that looks like one. */
  async function byCredential(key: string, name: string, password: string): Promise<Matched | null> {
    const digest = mintedDigest(password);
    const found = digest === null ? null : await credentials.findBySecret(digest);
    if (found === null || found.principal.name !== name) return null;
    const credential = await usable.get(found.credential.id);
    if (credential === null) return null;
    pairs.remember(key, { right: true, principal: found.principal.id, by: { credential: found.credential.id } });
    return matchedBy(credential);
  }

  async function byHash(key: string, name: string, password: string): Promise<Matched> {
    const record = await principals.findByName(name);
    const passwordHash = record?.passwordHash ?? null;
    const matches = await gate.run(() => verifyPassword(password, passwordHash ?? unmatchable));
    if (!matches || record === null || record.disabled) {
      pairs.remember(key, { right: false, was: stateOf(record) });
      await sameCost(password, passwordHash ?? unmatchable);
      throw wrong();
    }
    const best = await upgraded(record, password);
    pairs.remember(key, { right: true, principal: record.id, by: { passwordHash: best.passwordHash } });
    return { record: best, principal: byPassword(best), credential: null };
  }

  /** Only now the password is known from which a better hash can be made. */
  async function upgraded(record: PrincipalRecord, password: string): Promise<PrincipalRecord> {
    const { id, passwordHash } = record;
    if (passwordHash === null || !isOutdated(passwordHash)) return record;
    const better = await gate.run(() => hashPassword(password, random));
    await principals.upgradeHash(id, passwordHash, better);
    records.drop(id);
    return { ...record, passwordHash: better };
  }

  /** What a remembered pair is now; undefined: it must be checked anew. */
  function stillMatched(record: PrincipalRecord | null, credential: UsableCredential | null, name: string, { by }: RightPair) {
    if ('credential' in by) return credential !== null && credential.owner.name === name ? matchedBy(credential) : undefined;
    if (record === null || record.name !== name || record.passwordHash !== by.passwordHash) return undefined;
    return { record, principal: byPassword(record), credential: null };
  }

  async function match(name: string, password: string, remoteAddress: string): Promise<Matched> {
    if (!isName(name) || password === '' || Buffer.byteLength(password) > PASSWORD_BYTES_MAX) throw wrong();
    const key = pairs.keyOf(name, password, remoteAddress);
    const verdict = pairs.find(key);
    if (verdict === null) return check(key, name, password, remoteAddress);
    if (!verdict.right) {
      // Asked of every name, so that it takes as long for one that nobody has.
      if (isDeepStrictEqual(stateOf(await principals.findByName(name)), verdict.was)) throw wrong();
      return check(key, name, password, remoteAddress);
    }
    const credential = 'credential' in verdict.by ? await usable.get(verdict.by.credential) : null;
    const record = 'credential' in verdict.by ? null : await records.get(verdict.principal);
    const matched = stillMatched(record, credential, name, verdict);
    if (matched === undefined) return check(key, name, password, remoteAddress);
    if (matched.record.disabled) throw wrong();
    return matched;
  }

  return {
    match,
    async verify(name, password, remoteAddress) {
      const matched = await match(name, password, remoteAddress);
      if (!isEnough(matched)) throw wrong();
      return matched.principal;
    },
    remembered(name, password, remoteAddress) {
      const verdict = pairs.find(pairs.keyOf(name, password, remoteAddress));
      if (verdict === null || !verdict.right) return null;
      const credential = 'credential' in verdict.by ? (usable.peek(verdict.by.credential) ?? null) : null;
      const record = 'credential' in verdict.by ? null : (records.peek(verdict.principal) ?? null);
      const matched = stillMatched(record, credential, name, verdict);
      return matched !== undefined && !matched.record.disabled && isEnough(matched) ? matched.principal : null;
    },
    stands: (principal, record) => !record.secondFactor && byPassword(record).credential?.id === principal.credential?.id,
    drop: (principal) => pairs.drop(principal),
  };
}

function stateOf(record: PrincipalRecord | null): UserThen | null {
  return record === null ? null : { principal: record.id, passwordHash: record.passwordHash, disabled: record.disabled };
}

function matchedBy(credential: UsableCredential): Matched {
  return { record: credential.owner, principal: credential.principal, credential };
}

/** With a second factor, the password alone opens no door: an app password does. */
function isEnough({ record, credential }: Matched): boolean {
  return credential !== null || !record.secondFactor;
}

/** What no user is called is not looked for: the database refuses NUL, and nobody's name is a kilobyte. */
function isName(name: string): boolean {
  return name !== '' && name.length <= 256 && !/[\x00-\x1f\x7f]/.test(name) && name.isWellFormed();
}

/** The same for a wrong name, a wrong password, a disabled user and one whose password is not enough. */
function wrong(): CloudStoreError {
  return new CloudStoreError(
    'unauthenticated',
    'The name or the password is wrong. Where a second factor is on, programs need an app password.',
  );
}
