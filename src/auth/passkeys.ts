import type { AuthenticationResponseJSON, AuthenticatorTransport, RegistrationResponseJSON } from '@simplewebauthn/server';
import type { Cache } from '#contracts/cache';
import type { FactorStore, PasskeyRecord } from '#contracts/factor-store';
import type { PrincipalStore } from '#contracts/principal-store';
import type { Passkey, SecondFactors, Site } from '#contracts/second-factors';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { PrincipalId } from '#core/principal';
import { userItself } from './acting.ts';
import { type ConfirmationOptions, userFreshly } from './confirmation.ts';
import { createBeginLimiter } from './login-limiter.ts';
import type { Sessions } from './sessions.ts';

export interface PasskeysOptions {
  principals: PrincipalStore;
  factors: FactorStore;
  cache: Cache;
  clock: Clock;
  sessions: Sessions;
  /** New ones, for a user who has none: a lost passkey must not be the end. */
  recoveryCodes(): { codes: string[]; hashes: Buffer[] };
}

type OwnPasskeys = Pick<
  SecondFactors,
  'passkeys' | 'beginPasskey' | 'addPasskey' | 'removePasskey' | 'beginPasskeyLogin' | 'loginByPasskey'
>;

const RP_NAME = 'CloudStore';
const CHALLENGE_MS = 5 * 60 * 1000;
const PASSKEYS_MAX = 50;
const NAME_CHARS_MAX = 100;
const REGISTER = 'passkey-register';
const LOGIN = 'passkey-login';

/**
 * Passkeys (WebAuthn level 2) by @simplewebauthn/server. Discoverable ones with the user verified by the device: one of them is both factors, and asking for one names
 * nobody. A challenge works once, for five minutes.
 */
export function createPasskeys(options: PasskeysOptions): OwnPasskeys & Pick<ConfirmationOptions, 'passkeyOf'> {
  const { principals, factors, cache, clock, sessions } = options;
  const limiter = createBeginLimiter({ cache, clock, purpose: 'passkey' });
  // Its parsers of certificates cost a start more than they are worth.
  const webauthn = () => import('@simplewebauthn/server');

  const remember = (challenge: string, purpose: string, principal: PrincipalId | null): Promise<void> =>
    factors.addChallenge({ id: challenge, purpose, principal, expires: clock.now() + CHALLENGE_MS });

  return {
    async passkeys(who) {
      return (await factors.listPasskeys(userItself(who).id)).map(shown);
    },
    async beginPasskey(who, { origin }) {
      const { id, name } = userFreshly(who, clock);
      const known = await factors.listPasskeys(id);
      if (known.length >= PASSKEYS_MAX)
        throw new CloudStoreError('invalid_argument', `A user has at most ${PASSKEYS_MAX} passkeys.`);
      const { generateRegistrationOptions } = await webauthn();
      const asked = await generateRegistrationOptions({
        rpName: RP_NAME,
        rpID: rpOf(origin),
        userName: name,
        userID: new Uint8Array(Buffer.from(`user:${id}`)),
        attestationType: 'none',
        excludeCredentials: known.map((one) => ({ id: one.id, transports: transportsOf(one) })),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      });
      await remember(asked.challenge, REGISTER, id);
      return asked;
    },
    async addPasskey(who, { origin }, response, name) {
      const { id } = userFreshly(who, clock);
      const { verifyRegistrationResponse } = await webauthn();
      const verified = await verifyRegistrationResponse({
        response: response as RegistrationResponseJSON, // it checks every field itself
        expectedChallenge: (challenge) => factors.spendChallenge(challenge, REGISTER, id),
        expectedOrigin: origin,
        expectedRPID: rpOf(origin),
        requireUserVerification: true,
      }).catch(refuse);
      if (!verified.verified) throw refused();
      const { credential } = verified.registrationInfo;
      const record = {
        id: credential.id,
        principal: id,
        publicKey: Buffer.from(credential.publicKey),
        counter: credential.counter,
        transports: (credential.transports ?? []).slice(0, 10).map(String),
        name: name.slice(0, NAME_CHARS_MAX),
      };
      const { codes, hashes } = options.recoveryCodes();
      const recoveryCodes = (await factors.addPasskey(record, hashes)) ? codes : [];
      return { passkey: { id: record.id, name: record.name, created: clock.now(), lastUsed: null }, recoveryCodes };
    },
    removePasskey: async (who, id) => factors.removePasskey(id, userFreshly(who, clock).id),

    async beginPasskeyLogin({ origin }, remoteAddress) {
      await limiter.attempt('begin', remoteAddress);
      const { generateAuthenticationOptions } = await webauthn();
      const asked = await generateAuthenticationOptions({ rpID: rpOf(origin), userVerification: 'required' });
      await remember(asked.challenge, LOGIN, null);
      return asked;
    },
    passkeyOf,
    loginByPasskey: async (site, response, remoteAddress, label) =>
      sessions.begin(await passkeyOf(site, response, remoteAddress), label, remoteAddress, null),
  };

  async function passkeyOf({ origin }: Site, response: unknown, remoteAddress: string): Promise<PrincipalId> {
    await limiter.attempt('login', remoteAddress);
    const given = response as AuthenticationResponseJSON; // it checks every field itself
    const passkey = typeof given?.id === 'string' ? await factors.findPasskey(given.id.slice(0, 1400)) : null;
    const user = passkey === null ? null : await principals.find(passkey.principal);
    if (passkey === null || user === null || user.disabled) throw refused();
    const { verifyAuthenticationResponse } = await webauthn();
    const verified = await verifyAuthenticationResponse({
      response: given,
      expectedChallenge: (challenge) => factors.spendChallenge(challenge, LOGIN, null),
      expectedOrigin: origin,
      expectedRPID: rpOf(origin),
      requireUserVerification: true,
      credential: {
        id: passkey.id,
        publicKey: new Uint8Array(passkey.publicKey),
        counter: passkey.counter,
        transports: transportsOf(passkey),
      },
    }).catch(refuse);
    if (!verified.verified) throw refused();
    await factors.usedPasskey(passkey.id, verified.authenticationInfo.newCounter);
    await limiter.succeeded('login', remoteAddress);
    return user.id;
  }
}

function shown({ id, name, created, lastUsed }: PasskeyRecord): Passkey {
  return { id, name, created, lastUsed };
}

/** The site's host, without its port. */
function rpOf(origin: string): string {
  return new URL(origin).hostname;
}

function transportsOf({ transports }: PasskeyRecord): AuthenticatorTransport[] {
  return transports as AuthenticatorTransport[]; // hints, as the browser gave them
}

function refused(cause?: unknown): CloudStoreError {
  return new CloudStoreError('unauthenticated', 'The passkey was not accepted.', { cause });
}

/** What the library says is wrong is nobody's business but ours; what the database says is a fault. */
function refuse(cause: unknown): never {
  throw cause instanceof CloudStoreError ? cause : refused(cause);
}
