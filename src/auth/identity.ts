import type { BucketStore } from '#contracts/bucket-store';
import type { Cache } from '#contracts/cache';
import type { ClaimStore } from '#contracts/claim-store';
import type { CredentialStore } from '#contracts/credential-store';
import type { FactorStore } from '#contracts/factor-store';
import type { GroupStore } from '#contracts/group-store';
import type { Identity } from '#contracts/identity';
import type { InstanceStore } from '#contracts/instance-store';
import type { Keyring } from '#contracts/keyring';
import type { Logger } from '#contracts/observability';
import type { PrincipalStore } from '#contracts/principal-store';
import type { Signals } from '#contracts/signals';
import type { SingleSignOn } from '#contracts/single-sign-on';
import type { Clock, Random } from '#core/clock';
import { createAuthenticator, type OwnAuthenticator } from './authenticator.ts';
import { createClaims } from './claims.ts';
import { createConfirmation, userFreshly } from './confirmation.ts';
import { createCredentials } from './credentials.ts';
import { createSingleSignOn, type OidcProvider } from './oidc.ts';
import { createPasskeys } from './passkeys.ts';
import { createCodes } from './second-factors.ts';
import { createSessions } from './sessions.ts';
import { createSetup } from './setup.ts';
import { createTokens } from './tokens.ts';
import { createUsers } from './users.ts';

export interface IdentityOptions {
  principals: PrincipalStore;
  credentials: CredentialStore;
  claims: ClaimStore;
  factors: FactorStore;
  groups: GroupStore;
  buckets: BucketStore;
  instance: Pick<InstanceStore, 'setting' | 'settingOrInsert'>;
  keyring: Keyring;
  cache: Cache;
  signals: Signals;
  clock: Clock;
  random: Random;
  /** The signing key of access tokens of this name, at least 32 bytes: with the master key it changes too. */
  tokenKey: (kid: string) => Buffer;
  log: Logger;
  /** Where there is an identity provider. */
  oidc?: OidcProvider | null;
}

/** Everything about who somebody is, over one set of rows. */
export function createIdentity(
  options: IdentityOptions,
): Identity & { authenticator: OwnAuthenticator; singleSignOn?: SingleSignOn } {
  const { principals, clock, random } = options;
  const tokens = createTokens({ secret: options.tokenKey, clock, random });
  const sessions = createSessions({ principals, tokens, clock });
  const { require: requireFactor, recoveryCodes, ...codes } = createCodes(options);
  const authenticator = createAuthenticator({ ...options, tokens, sessions, factors: { require: requireFactor } });
  const { ownPassword, forget } = authenticator;
  const { passkeyOf, ...passkeys } = createPasskeys({ ...options, sessions, recoveryCodes });
  const confirmation = createConfirmation({ principals, ownPassword, factors: { require: requireFactor }, forget, passkeyOf });
  const users = createUsers({ ...options, ownPassword, fresh: (who) => void userFreshly(who, clock) });
  const { oidc: provider = null } = options;
  return {
    authenticator,
    users,
    ...(provider === null ? {} : { singleSignOn: createSingleSignOn({ ...options, provider, users, sessions }) }),
    credentials: createCredentials(options),
    claims: createClaims(options),
    secondFactors: { ...codes, ...passkeys, ...confirmation },
    setup: createSetup({ ...options, sessions }),
  };
}
