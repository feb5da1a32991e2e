import type { Cache } from '#contracts/cache';
import type { FactorStore } from '#contracts/factor-store';
import type { Keyring } from '#contracts/keyring';
import type { SecondFactors } from '#contracts/second-factors';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { PrincipalId } from '#core/principal';
import { userItself } from './acting.ts';
import { isFresh, userFreshly } from './confirmation.ts';
import { createLoginLimiter } from './login-limiter.ts';
import { digestOf, generateRecoveryCode } from './secrets.ts';
import { base32, provisioningUri, stepOf, TOTP_SECRET_BYTES } from './totp.ts';

/** The second step of a log-in. */
export interface FactorCheck {
  /** @throws unauthenticated (details.secondFactor where no code is given), rate_limited */
  require(user: { id: PrincipalId; name: string }, code: string | undefined, remoteAddress: string): Promise<void>;
}

export interface SecondFactorsOptions {
  factors: FactorStore;
  keyring: Keyring;
  cache: Cache;
  clock: Clock;
  random: Random;
}

type OwnCodes = Omit<SecondFactors, `${string}asskey${string}` | 'confirm'>;

const RECOVERY_CODES = 10;
/** A million codes, three of them right: twenty tries an hour, from wherever, take years. */
const CODE_RULES = { pairMax: 8, networkMax: 100, accountMax: 20 };

/** One-time codes and recovery codes. */
export function createCodes(
  options: SecondFactorsOptions,
): OwnCodes & FactorCheck & { recoveryCodes(): { codes: string[]; hashes: Buffer[] } } {
  const { factors, keyring, cache, clock, random } = options;
  const limiter = createLoginLimiter({ cache, clock, purpose: 'code', rules: CODE_RULES });

  /** A code is spent by being right: the same one, a hundred times at once, is right once. */
  async function spend(principal: PrincipalId, code: string): Promise<boolean> {
    const typed = code.trim().toLowerCase().replaceAll(' ', '');
    if (/^([a-z2-9]{4}-){3}[a-z2-9]{4}$/.test(typed)) return factors.spendRecoveryCode(principal, digestOf(typed));
    const totp = await factors.totp(principal);
    if (totp === null || !totp.confirmed) return false;
    const step = stepOf(await keyring.unseal(totp.sealed, contextOf(principal)), typed, clock.now(), totp.step);
    return step !== null && factors.spendStep(principal, step);
  }

  async function check({ id }: { id: PrincipalId }, remoteAddress: string, right: () => Promise<boolean>): Promise<void> {
    await limiter.attempt(String(id), remoteAddress);
    if (!(await right())) throw new CloudStoreError('unauthenticated', 'The code is wrong, or was used before.');
    await limiter.succeeded(String(id), remoteAddress);
  }

  function recoveryCodes(): { codes: string[]; hashes: Buffer[] } {
    const codes = Array.from({ length: RECOVERY_CODES }, () => generateRecoveryCode(random));
    return { codes, hashes: codes.map(digestOf) };
  }

  return {
    recoveryCodes,
    async require(user, code, remoteAddress) {
      if (code === undefined || code === '') {
        const [totp, passkeys] = await Promise.all([factors.totp(user.id), factors.listPasskeys(user.id)]);
        const kinds = [...(totp?.confirmed ? ['totp'] : []), ...(passkeys.length > 0 ? ['passkey'] : []), 'recovery'];
        throw new CloudStoreError('unauthenticated', 'A second factor is needed.', { details: { secondFactor: kinds } });
      }
      await check(user, remoteAddress, () => spend(user.id, code));
    },
    async status(who) {
      const user = userItself(who);
      const { id } = user;
      const [totp, passkeys, recoveryCodes] = await Promise.all([
        factors.totp(id),
        factors.listPasskeys(id),
        factors.recoveryCodesLeft(id),
      ]);
      return { totp: totp?.confirmed ?? false, passkeys: passkeys.length, recoveryCodes, confirmed: isFresh(user, clock) };
    },
    async beginTotp(who) {
      const { id, name } = userFreshly(who, clock);
      const secret = random(TOTP_SECRET_BYTES);
      await factors.beginTotp(id, keyring.seal(secret, contextOf(id)));
      return { secret: base32(secret), uri: provisioningUri(secret, name) };
    },
    async confirmTotp(who, code, remoteAddress) {
      const user = userFreshly(who, clock);
      const begun = await factors.totp(user.id);
      if (begun === null || begun.confirmed) throw new CloudStoreError('conflict', 'There is nothing to confirm; begin first.');
      const secret = await keyring.unseal(begun.sealed, contextOf(user.id));
      let step: number | null = null;
      await check(user, remoteAddress, async () => (step = stepOf(secret, code.trim(), clock.now(), begun.step)) !== null);
      await factors.confirmTotp(user.id, begun.sealed, step ?? 0);
      // Of two who confirm at once one is told codes, and those count.
      const { codes, hashes } = recoveryCodes();
      return { recoveryCodes: (await factors.firstRecoveryCodes(user.id, hashes)) ? codes : [] };
    },
    async removeTotp(who, code, remoteAddress) {
      const user = userItself(who);
      await check(user, remoteAddress, () => spend(user.id, code));
      await factors.removeTotp(user.id);
    },
    async renewRecoveryCodes(who, code, remoteAddress) {
      const user = userItself(who);
      await check(user, remoteAddress, () => spend(user.id, code));
      const { codes, hashes } = recoveryCodes();
      await factors.putRecoveryCodes(user.id, hashes);
      return { recoveryCodes: codes };
    },
  };
}

function contextOf(principal: PrincipalId): string {
  return `totp:${principal}`;
}
