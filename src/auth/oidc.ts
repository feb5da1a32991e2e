import { createHash } from 'node:crypto';
import type { Configuration, IDToken } from 'openid-client';
import type { Cache } from '#contracts/cache';
import type { FactorStore } from '#contracts/factor-store';
import type { Logger } from '#contracts/observability';
import type { PrincipalRecord, PrincipalStore } from '#contracts/principal-store';
import type { SingleSignOn } from '#contracts/single-sign-on';
import type { Users } from '#contracts/users';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { PrincipalId, Role } from '#core/principal';
import { sessionOf, userItself } from './acting.ts';
import { userFreshly } from './confirmation.ts';
import { createBeginLimiter } from './login-limiter.ts';
import type { Sessions } from './sessions.ts';

/** What the settings say of the provider. */
export interface OidcProvider {
  issuer: string;
  clientId: string;
  /** null: a public client. */
  clientSecret: string | null;
  name: string;
  /** Ours, as it is registered there. Never made of what a request says. */
  redirectUri: string;
  /** Of verified addresses; empty: any, or none. */
  domains: readonly string[];
  /** `name=value`: each must be so, or among the values. */
  claims: readonly string[];
  /** What becomes of identities that nobody has linked; null: they are refused. */
  createAs: Exclude<Role, 'admin'> | null;
}

export interface SingleSignOnOptions {
  provider: OidcProvider;
  principals: Pick<PrincipalStore, 'find'>;
  factors: FactorStore;
  users: Pick<Users, 'create'>;
  sessions: Sessions;
  cache: Cache;
  clock: Clock;
  random: Random;
  log: Logger;
}

interface Pending {
  state: string;
  nonce: string;
  verifier: string;
  /** Who asked for a link. */
  principal: PrincipalId | null;
}

const PENDING_MS = 10 * 60_000;
const PURPOSE = 'oidc';
const NAMES_MAX = 50;

/** By openid-client, which checks issuer, audience, signature, times, state and nonce. What the gateway itself decides is whose identity it is, and whether it may come in. */
export function createSingleSignOn(options: SingleSignOnOptions): SingleSignOn {
  const { provider, factors, principals, sessions, clock, random, log } = options;
  const limiter = createBeginLimiter({ cache: options.cache, clock, purpose: 'oidc' });
  // A start must not wait for it, nor for a provider that is away.
  const library = () => import('openid-client');
  let discovering: Promise<Configuration> | null = null;

  function discovered(): Promise<Configuration> {
    discovering ??= discover().catch((error: unknown) => {
      discovering = null;
      throw away(error);
    });
    return discovering;
  }

  async function discover(): Promise<Configuration> {
    const { discovery, ClientSecretBasic, None, allowInsecureRequests, enableNonRepudiationChecks } = await library();
    const { issuer, clientId, clientSecret } = provider;
    const auth = clientSecret === null ? None() : ClientSecretBasic(clientSecret);
    // By itself the library leaves the signature unread, for the token comes from the provider by TLS: a proxy between may not be trusted as much.
    const execute = [enableNonRepudiationChecks, ...(issuer.startsWith('http:') ? [allowInsecureRequests] : [])];
    return discovery(new URL(issuer), clientId, undefined, auth, { execute, timeout: 10 });
  }

  /** What the provider says in answer to the code, checked. @throws unauthenticated, unavailable */
  async function claimsOf(query: string, { state, nonce, verifier }: Pending): Promise<IDToken> {
    const config = await discovered();
    const { authorizationCodeGrant, ResponseBodyError } = await library();
    const url = new URL(provider.redirectUri);
    url.search = query;
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
    const tokens = await authorizationCodeGrant(config, url, checks).catch((err: unknown) => {
      log.warn({ err }, 'the answer of the identity provider was not accepted');
      // Its keys may be others since they were fetched, and the library keeps them for a minute at least.
      if (!(err instanceof ResponseBodyError)) discovering = null;
      throw refused(err);
    });
    const claims = tokens.claims();
    if (claims === undefined) throw refused();
    return complete(config, claims, tokens.access_token);
  }

  /** What the token does not say, of its subject, where the provider tells more when asked (OpenID Connect Core 1.0 §5.4). The token's own word counts. */
  async function complete(config: Configuration, claims: IDToken, accessToken: string): Promise<IDToken> {
    const wanted = [
      'preferred_username',
      'email',
      'email_verified',
      ...provider.claims.map((one) => one.slice(0, one.indexOf('='))),
    ];
    if (config.serverMetadata().userinfo_endpoint === undefined || wanted.every((name) => claims[name] !== undefined))
      return claims;
    const { fetchUserInfo } = await library();
    try {
      return { ...(await fetchUserInfo(config, accessToken, claims.sub)), ...claims };
    } catch (err) {
      log.warn({ err }, 'the identity provider tells nothing more of who logged in');
      return claims;
    }
  }

  function assertAllowed(claims: IDToken): void {
    const { email, email_verified: verified } = claims;
    const domain = typeof email === 'string' && verified === true ? email.slice(email.lastIndexOf('@') + 1).toLowerCase() : null;
    const known = provider.domains.length === 0 || (domain !== null && provider.domains.includes(domain));
    const fits = provider.claims.every((one) => {
      const at = one.indexOf('=');
      const found = claims[one.slice(0, at)];
      const values: unknown[] = Array.isArray(found) ? found : [found];
      return values.some((value) => String(value) === one.slice(at + 1));
    });
    if (!known || !fits) throw new CloudStoreError('access_denied', 'This account of the provider may not log in here.');
  }

  /** A new user never takes over one that there is, whatever the provider calls it. */
  async function created(claims: IDToken, identity: Buffer): Promise<PrincipalRecord> {
    const { createAs } = provider;
    if (createAs === null) {
      throw new CloudStoreError(
        'access_denied',
        'Nobody here has linked this account. Log in as usual, and link it in your account.',
      );
    }
    const who = { principal: { id: 0, name: 'operator', role: 'admin' }, protocol: 'system', requestId: 'oidc' } as const;
    const stem = nameFrom(claims);
    for (let n = 1; n <= NAMES_MAX; n++) {
      const name = n === 1 ? stem : `${stem}-${n}`;
      try {
        const { id } = await options.users.create(who, { name, role: createAs, password: null, key: null, identity });
        const record = await principals.find(id);
        if (record !== null) return record;
      } catch (error) {
        if (!isCloudStoreError(error, 'already_exists')) throw error;
        // Two log-ins at once: the other one was first.
        const other = await factors.findByIdentity(identity);
        if (other !== null) return other;
      }
    }
    throw new CloudStoreError('already_exists', 'There is no free name for this user.');
  }

  return {
    name: provider.name,
    async begin(who, remoteAddress) {
      const user = who === null ? null : userFreshly(who, clock);
      const principal = user?.id ?? null;
      await limiter.attempt('begin', remoteAddress);
      const config = await discovered();
      const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await library();
      const [state = '', nonce = '', verifier = ''] = [0, 1, 2].map(() => random(32).toString('base64url'));
      const session = sessionOf(user?.credential);
      await factors.addChallenge({ id: state, purpose: PURPOSE, principal, expires: clock.now() + PENDING_MS, session });
      const url = buildAuthorizationUrl(config, {
        redirect_uri: provider.redirectUri,
        scope: 'openid email profile',
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      });
      const pending: Pending = { state, nonce, verifier, principal };
      return { url: url.href, pending: Buffer.from(JSON.stringify(pending)).toString('base64url') };
    },
    async end(query, given, remoteAddress, label) {
      await limiter.attempt('end', remoteAddress);
      const pending = pendingOf(given);
      // What the cookie says of itself counts only as it was written down when this began, and once.
      if (pending === null || new URLSearchParams(query).get('state') !== pending.state) throw refused();
      // A new password takes away what was begun; what it does not find any more, for the provider is being asked, must find the old one.
      const linking = pending.principal === null ? null : await principals.find(pending.principal);
      if (!(await factors.spendChallenge(pending.state, PURPOSE, pending.principal))) throw refused();
      const claims = await claimsOf(query, pending);
      assertAllowed(claims);
      const identity = createHash('sha256')
        .update(JSON.stringify([claims.iss, claims.sub]))
        .digest();
      const owner = await factors.findByIdentity(identity);
      if (pending.principal !== null) {
        if (owner !== null && owner.id !== pending.principal)
          throw new CloudStoreError('already_exists', 'This account of the provider is linked to somebody else here.');
        await factors.setIdentity(pending.principal, identity, linking?.passwordHash ?? null).catch((error: unknown) => {
          throw isCloudStoreError(error, 'conflict') ? refused(error) : error;
        });
        return { tokens: null };
      }
      const user = owner ?? (await created(claims, identity));
      if (user.disabled) throw new CloudStoreError('access_denied', 'This account of the provider may not log in here.');
      await limiter.succeeded('end', remoteAddress);
      return { tokens: await sessions.begin(user.id, label, remoteAddress, null) };
    },
    linked: async (who) => factors.hasIdentity(userItself(who).id),
    unlink: async (who) => factors.setIdentity(userFreshly(who, clock).id, null),
    async farewell() {
      const config = await discovered();
      if (config.serverMetadata().end_session_endpoint === undefined) return null;
      const { buildEndSessionUrl } = await library();
      return buildEndSessionUrl(config, { post_logout_redirect_uri: new URL('/', provider.redirectUri).href }).href;
    },
  };
}

function pendingOf(given: string | null): Pending | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(given ?? '', 'base64url').toString());
    if (typeof value !== 'object' || value === null) return null;
    const { state, nonce, verifier, principal } = value as Record<string, unknown>; // as `begin` wrote it, or not
    if (typeof state !== 'string' || typeof nonce !== 'string' || typeof verifier !== 'string') return null;
    return principal === null || typeof principal === 'number' ? { state, nonce, verifier, principal } : null;
  } catch {
    return null; // no JSON
  }
}

/** What a user may be called here, of what the provider says. */
function nameFrom({ preferred_username: preferred, email }: IDToken): string {
  const said = [preferred, email].find((one): one is string => typeof one === 'string') ?? '';
  const name = said
    .replace(/@.*$/s, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 50);
  return name === '' ? 'user' : name;
}

function refused(cause?: unknown): CloudStoreError {
  return new CloudStoreError('unauthenticated', 'The log-in at the provider was not accepted. Begin again.', { cause });
}

function away(cause: unknown): CloudStoreError {
  return new CloudStoreError('unavailable', 'The identity provider does not answer.', { cause });
}
