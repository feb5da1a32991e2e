import type { PrincipalStore } from '#contracts/principal-store';
import type { SecondFactors, Site } from '#contracts/second-factors';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { Principal, PrincipalId, Who } from '#core/principal';
import { userItself } from './acting.ts';
import type { FactorCheck } from './second-factors.ts';

/** For so long whoever has said who it is may change how one says that. */
const FRESH_MS = 10 * 60_000;

export type Confirmation = Pick<SecondFactors, 'confirm' | 'confirmByPasskey'>;

/**
 * The user itself, who has said so a moment ago: a session that somebody took, or found open, makes itself no way in that stays. Basic authentication says it with every
 * request, and whoever is at the machine's command line has no session.
 * @throws unauthenticated, access_denied (details.confirm: where it only has to say so again)
 */
export function userFreshly(who: Who, clock: Clock): Principal {
  const user = userItself(who);
  if (isFresh(user, clock)) return user;
  throw new CloudStoreError('access_denied', 'Say once more who you are, for this changes how you do.', {
    details: { confirm: true },
  });
}

export function isFresh({ credential }: Principal, clock: Clock): boolean {
  if (credential?.kind !== 'session') return true;
  // A clock that went back makes nobody fresh for longer.
  return Math.abs(clock.now() - (credential.confirmed ?? 0)) <= FRESH_MS;
}

export interface ConfirmationOptions {
  principals: Pick<PrincipalStore, 'find' | 'confirmSession'>;
  /** Whether it is the user's own password. @throws unauthenticated, rate_limited */
  ownPassword(name: string, password: string, remoteAddress: string): Promise<void>;
  factors: FactorCheck;
  /** Before the answer leaves, which may be followed at once by what was to be allowed. */
  forget(session: string, principal: PrincipalId): void;
  /** Whose passkey it is. @throws unauthenticated, rate_limited */
  passkeyOf(site: Site, response: unknown, remoteAddress: string): Promise<PrincipalId>;
}

/** The log-in once more, within the session that there is. */
export function createConfirmation({ principals, ownPassword, factors, forget, passkeyOf }: ConfirmationOptions): Confirmation {
  async function confirmed({ id, credential }: Principal): Promise<void> {
    if (credential?.kind !== 'session') return;
    await principals.confirmSession(credential.id);
    forget(credential.id, id);
  }
  return {
    async confirm(who, password, code, remoteAddress) {
      const user = userItself(who);
      await ownPassword(user.name, password, remoteAddress);
      const record = await principals.find(user.id);
      if (record?.secondFactor === true) await factors.require(user, code, remoteAddress);
      await confirmed(user);
    },
    async confirmByPasskey(who, site, response, remoteAddress) {
      const user = userItself(who);
      if ((await passkeyOf(site, response, remoteAddress)) !== user.id) {
        throw new CloudStoreError('unauthenticated', 'The passkey was not accepted.');
      }
      await confirmed(user);
    },
  };
}
