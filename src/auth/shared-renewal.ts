import { setTimeout as pause } from 'node:timers/promises';
import type { Renewed, TokenPair } from '#contracts/authenticator';
import type { Cache } from '#contracts/cache';
import type { PrincipalStore } from '#contracts/principal-store';
import type { PrincipalId } from '#core/principal';
import type { Sessions } from './sessions.ts';
import { ACCESS_SECONDS, type Tokens } from './tokens.ts';

/** So long after a renewal the tabs of the same browser may still come with the token that it spent. */
const GRACE_MS = 10_000;
const WAIT_MS = 3_000;
const LOOK_EVERY_MS = 25;

export interface SharedRenewalOptions {
  cache: Cache;
  tokens: Tokens;
  sessions: Sessions;
  principals: Pick<PrincipalStore, 'sessionAlive'>;
  /** Rotates, and ends the session of a token that was spent. */
  rotate(refreshToken: string, remoteAddress: string): Promise<{ pair: TokenPair; principal: PrincipalId }>;
}

/**
 * Tabs of one browser hold one refresh cookie, and on plain http they have no lock to take turns by. The first that comes with it renews; those that come
 * with the same one within seconds, from the same address, get an access token and nothing that lasts: the cookie of the first is theirs too.
 * Without the cache it is as with any refresh token: the second use ends the session.
 */
export function createSharedRenewal({ cache, tokens, sessions, principals, rotate }: SharedRenewalOptions) {
  async function renewed(key: string): Promise<string | null> {
    for (let waited = 0; waited < WAIT_MS; waited += LOOK_EVERY_MS) {
      const found = await cache.get(key);
      if (found !== null) return found.toString();
      await pause(LOOK_EVERY_MS);
    }
    return null;
  }

  return async (refreshToken: string, remoteAddress: string): Promise<Renewed> => {
    const given = tokens.readRefresh(refreshToken);
    if (given === null) return (await rotate(refreshToken, remoteAddress)).pair;
    const key = `renewed ${given.hash.toString('hex')}`;
    if ((await cache.increment(`${key} by`, GRACE_MS)) === 1) {
      try {
        const { pair, principal } = await rotate(refreshToken, remoteAddress);
        await cache.set(key, Buffer.from(`${principal} ${remoteAddress}`), GRACE_MS);
        return pair;
      } catch (error) {
        await cache.set(key, Buffer.from('refused'), GRACE_MS);
        throw error;
      }
    }
    const [principal = '', address] = ((await renewed(key)) ?? '').split(' ');
    if (address !== remoteAddress || !(await principals.sessionAlive(given.session)))
      return (await rotate(refreshToken, remoteAddress)).pair;
    const { accessToken } = sessions.pairOf(given.session, Number(principal), '');
    return { accessToken, refreshToken: null, expiresInSeconds: ACCESS_SECONDS };
  };
}
