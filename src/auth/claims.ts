import type { Cache } from '#contracts/cache';
import type { ClaimStore } from '#contracts/claim-store';
import type { Claims } from '#contracts/claims';
import type { Keyring } from '#contracts/keyring';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { sessionOf, userItself } from './acting.ts';
import { userFreshly } from './confirmation.ts';
import { assertWanted, mintedFor } from './credentials.ts';
import { createLoginLimiter } from './login-limiter.ts';
import { digestOf, generateId } from './secrets.ts';

export interface ClaimsOptions {
  claims: ClaimStore;
  keyring: Keyring;
  cache: Cache;
  clock: Clock;
  random: Random;
}

/** Long enough to take a phone out of a pocket. */
export const CLAIM_MS = 10 * 60 * 1000;
const OPEN_MAX = 20;
/** Nobody guesses 256 bits: what is limited is how often somebody may make us look. */
const RULES = { pairMax: 30, networkMax: 300, accountMax: Number.POSITIVE_INFINITY };

/** The contract is Claims. */
export function createClaims({ claims: store, keyring, cache, clock, random }: ClaimsOptions): Claims {
  const limiter = createLoginLimiter({ cache, clock, purpose: 'claim', rules: RULES });
  return {
    async make(who, wanted) {
      const { id: principal, credential } = userFreshly(who, clock);
      assertWanted({ ...wanted, expires: wanted.credentialExpires }, clock);
      const token = random(32).toString('base64url');
      const expires = clock.now() + CLAIM_MS;
      const networks = wanted.networks?.length ? wanted.networks : null;
      const row = { ...wanted, networks, id: generateId(random, 'CC'), tokenHash: digestOf(token), principal, expires };
      return { claim: await store.add(row, OPEN_MAX, sessionOf(credential)), token };
    },
    list: async (who) => store.list(userItself(who).id),
    async get(who, id) {
      const found = await store.find(id, userItself(who).id);
      if (found === null) throw new CloudStoreError('key_not_found', `There is no claim ${id}.`, { details: { id } });
      return found;
    },
    remove: async (who, id) => store.remove(id, userItself(who).id),
    async redeem(token, remoteAddress) {
      await limiter.attempt('', remoteAddress);
      const hash = digestOf(token);
      const known = await store.findByToken(hash);
      if (known === null) throw new CloudStoreError('unauthenticated', 'This code is wrong, or was taken back.');
      const { secret, ...made } = mintedFor({ kind: known.kind }, { keyring, random });
      const redeemed = await store.redeem(hash, made, remoteAddress);
      if (redeemed === null) throw new CloudStoreError('expired', 'This code was used already, or its time is over.');
      await limiter.succeeded('', remoteAddress);
      return { credential: redeemed.credential, secret, user: redeemed.principal };
    },
  };
}
