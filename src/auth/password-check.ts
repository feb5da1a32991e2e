import type { PrincipalRecord, PrincipalStore } from '#contracts/principal-store';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { FreshCache } from '#core/fresh-cache';
import type { Principal, PrincipalId } from '#core/principal';
import { createGate } from './gate.ts';
import type { LoginLimiter } from './login-limiter.ts';
import { PASSWORD_BYTES_MAX, unmatchableHash, verifyPassword } from './passwords.ts';
import { principalOf } from './principal-of.ts';
import { createVerifiedPairs, type Verdict } from './verified-pairs.ts';

export interface PasswordCheck {
  /** @throws unauthenticated, rate_limited */
  verify(name: string, password: string, remoteAddress: string): Promise<Principal>;
  remembered(name: string, password: string): Principal | null;
  drop(principal: PrincipalId | null): void;
}

export interface PasswordCheckOptions {
  principals: PrincipalStore;
  records: FreshCache<PrincipalId, PrincipalRecord>;
  limiter: LoginLimiter;
  clock: Clock;
  random: Random;
}

/** Each hash takes a core for 30 ms and 19 MiB. */
const HASHES_AT_ONCE = 2;
const HASHES_WAITING_MAX = 64;

/** Names and passwords: a hash at most once for a pair that stays the same, never one for every request. */
export function createPasswordCheck({ principals, records, limiter, clock, random }: PasswordCheckOptions): PasswordCheck {
  const pairs = createVerifiedPairs({ clock, random });
  const gate = createGate(HASHES_AT_ONCE, HASHES_WAITING_MAX);
  const unmatchable = unmatchableHash(random);
  const running = new Map<string, Promise<Principal>>();

  /** A drive opens many connections at once with one password: one of them asks. */
  function check(key: string, name: string, password: string, remoteAddress: string): Promise<Principal> {
    const under = running.get(`${key} ${remoteAddress}`);
    if (under !== undefined) return under;
    const promise = hash(key, name, password, remoteAddress).finally(() => running.delete(`${key} ${remoteAddress}`));
    running.set(`${key} ${remoteAddress}`, promise);
    return promise;
  }

  async function hash(key: string, name: string, password: string, remoteAddress: string): Promise<Principal> {
    await limiter.attempt(name, remoteAddress);
    const record = await principals.findByName(name);
    const passwordHash = record?.passwordHash ?? null;
    const matches = await gate.run(() => verifyPassword(password, passwordHash ?? unmatchable));
    // The right one of a disabled user is not remembered as wrong.
    if (!matches) pairs.remember(key, { right: false, principal: record?.id ?? null, passwordHash });
    if (!matches || record === null || record.disabled) throw wrong();
    pairs.remember(key, { right: true, principal: record.id, passwordHash });
    await limiter.succeeded(name, remoteAddress);
    return principalOf(record);
  }

  return {
    async verify(name, password, remoteAddress) {
      if (!isName(name) || password === '' || Buffer.byteLength(password) > PASSWORD_BYTES_MAX) throw wrong();
      const key = pairs.keyOf(name, password);
      const verdict = pairs.find(key);
      if (verdict === null) return check(key, name, password, remoteAddress);
      if (verdict.principal === null) throw wrong();
      const record = await records.get(verdict.principal);
      if (!stands(record, name, verdict)) return check(key, name, password, remoteAddress);
      if (!verdict.right || record.disabled) throw wrong();
      return principalOf(record);
    },
    remembered(name, password) {
      const verdict = pairs.find(pairs.keyOf(name, password));
      if (verdict === null || !verdict.right || verdict.principal === null) return null;
      const record = records.peek(verdict.principal) ?? null;
      return stands(record, name, verdict) && !record.disabled ? principalOf(record) : null;
    },
    drop: (principal) => pairs.drop(principal),
  };
}

/** Whether the user is still the one that the verdict was about. */
function stands(record: PrincipalRecord | null, name: string, { passwordHash }: Verdict): record is PrincipalRecord {
  return record !== null && record.name === name && record.passwordHash === passwordHash;
}

/** What no user is called is not looked for: the database refuses NUL, and nobody's name is a kilobyte. */
function isName(name: string): boolean {
  return name !== '' && name.length <= 256 && !/[\x00-\x1f\x7f]/.test(name) && name.isWellFormed();
}

/** The same for a wrong name, a wrong password and a disabled user. */
function wrong(): CloudStoreError {
  return new CloudStoreError('unauthenticated', 'The name or the password is wrong.');
}
