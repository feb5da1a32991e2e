import type { CredentialStore, NewCredential } from '#contracts/credential-store';
import type { Credentials, WantedCredential } from '#contracts/credentials';
import type { Keyring } from '#contracts/keyring';
import type { Clock, Random } from '#core/clock';
import type { Scope } from '#core/credential';
import { CloudStoreError } from '#core/errors';
import { isCidr } from '#core/network';
import type { PrincipalId, Who } from '#core/principal';
import { adminItself, userItself } from './acting.ts';
import { userFreshly } from './confirmation.ts';
import { compileSessionPolicy } from './policy-statements.ts';
import { digestOf, generateAccessKey, generateAppPassword, generateDeviceSecret, generateId, secretContext } from './secrets.ts';

export interface CredentialsOptions {
  credentials: CredentialStore;
  keyring: Keyring;
  clock: Clock;
  random: Random;
}

const NAME_CHARS_MAX = 100;
const LIST_MAX = 100;
const TEMPORARY_MAX = 1_000;

/** Makes, shows and takes back credentials. */
export function createCredentials({ credentials: store, keyring, clock, random }: CredentialsOptions): Credentials {
  return {
    list: (who, of) => {
      const { id } = userItself(who);
      if (of === undefined || of === id) return store.list(id);
      adminItself(who);
      return store.list(of);
    },
    async create(who, wanted) {
      const self = userFreshly(who, clock);
      const owner: PrincipalId = wanted.owner ?? self.id;
      if (owner !== self.id) adminItself(who);
      const { name, scope = null, networks = null, expires = null } = wanted;
      assertWanted({ name, scope, networks, expires }, clock);
      const { secret, ...made } = mintedFor(wanted, { keyring, random });
      const credential = await store.add({
        ...made,
        kind: wanted.kind,
        principal: owner,
        name,
        scope,
        networks: networks?.length ? networks : null,
        policies: null,
        parent: null,
        expires,
      });
      return { credential, secret };
    },
    async remove(who, id) {
      if (who.principal?.credential?.id === id && isStored(who)) return store.remove(id, who.principal.id);
      const self = userItself(who);
      return store.remove(id, self.role === 'admin' ? undefined : self.id);
    },
    async temporary(who, { seconds, policy }) {
      const { principal } = who;
      const by = principal?.credential;
      if (principal == null || by === undefined || (by.kind !== 's3' && by.kind !== 'device')) {
        throw new CloudStoreError('access_denied', 'Temporary keys are made with a key of long life.');
      }
      if (policy !== null) compileSessionPolicy(policy);
      if ((await store.sweep(principal.id)) >= TEMPORARY_MAX) {
        throw new CloudStoreError('rate_limited', `A user has at most ${TEMPORARY_MAX} temporary keys at a time.`);
      }
      const id = generateId(random, 'CT');
      const { secretAccessKey } = generateAccessKey(random);
      const sessionToken = random(48).toString('base64');
      const expires = Math.min(clock.now() + seconds * 1000, by.expires ?? Number.POSITIVE_INFINITY);
      await store.add({
        id,
        kind: 'temporary',
        principal: principal.id,
        name: null,
        sealedSecret: keyring.seal(Buffer.from(secretAccessKey), secretContext(id)),
        secretHash: digestOf(sessionToken),
        scope: by.scope,
        networks: by.networks ?? null,
        policies: policy === null ? null : [policy],
        parent: by.id,
        expires,
      });
      return { accessKeyId: id, secretAccessKey, sessionToken, expires };
    },
  };
}

/** A new secret of a kind, and how it is kept. */
export function mintedFor(
  { kind, given }: Pick<WantedCredential, 'kind' | 'given'>,
  { keyring, random }: Pick<CredentialsOptions, 'keyring' | 'random'>,
): Pick<NewCredential, 'id' | 'sealedSecret' | 'secretHash'> & { secret: string } {
  const seal = (secret: string, id: string): Buffer => keyring.seal(Buffer.from(secret), secretContext(id));
  if (kind === 's3') {
    const { accessKeyId: id, secretAccessKey: secret } =
      given === undefined ? generateAccessKey(random) : { accessKeyId: given.id, secretAccessKey: given.secret };
    return { id, secret, sealedSecret: seal(secret, id), secretHash: null };
  }
  const id = generateId(random, kind === 'device' ? 'CD' : 'CA');
  const secret = kind === 'device' ? generateDeviceSecret(random) : generateAppPassword(random);
  return { id, secret, sealedSecret: kind === 'device' ? seal(secret, id) : null, secretHash: digestOf(secret) };
}

/** @throws invalid_argument */
export function assertWanted(
  { name, scope, networks, expires }: Required<Pick<WantedCredential, 'name' | 'scope' | 'networks' | 'expires'>>,
  clock: Clock,
): void {
  if (name !== null) assertName(name);
  assertScope(scope);
  if (networks?.some((one) => !isCidr(one)))
    throw new CloudStoreError('invalid_argument', 'A network is an address or CIDR, like 192.168.0.0/16.');
  if (expires !== null && expires <= clock.now()) throw new CloudStoreError('invalid_argument', 'It would have expired already.');
}

/** Whether it came with something that it may give back. */
function isStored({ principal }: Who): boolean {
  const kind = principal?.credential?.kind;
  return kind === 's3' || kind === 'app-password' || kind === 'device';
}

function assertName(name: string): void {
  if (name.trim() !== '' && name.length <= NAME_CHARS_MAX && !/[\x00-\x1f\x7f]/.test(name) && name.isWellFormed()) return;
  throw new CloudStoreError('invalid_argument', `A credential has a name of 1 to ${NAME_CHARS_MAX} characters.`);
}

/** An empty list would allow nothing; whoever means that needs no credential. */
function assertScope(scope: Scope | null): void {
  for (const list of [scope?.actions, scope?.places]) {
    if (list == null) continue;
    if (list.length >= 1 && list.length <= LIST_MAX) continue;
    throw new CloudStoreError('invalid_argument', `A scope names 1 to ${LIST_MAX} of each.`);
  }
  for (const { prefix } of scope?.places ?? []) {
    if (prefix === '' || (prefix.endsWith('/') && !prefix.startsWith('/') && prefix.length <= 1024)) continue;
    throw new CloudStoreError('invalid_argument', 'A prefix of a scope is a folder: it ends in a slash.');
  }
}
