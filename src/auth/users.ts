import type { BucketStore } from '#contracts/bucket-store';
import type { CredentialStore } from '#contracts/credential-store';
import type { FactorStore } from '#contracts/factor-store';
import type { GroupStore } from '#contracts/group-store';
import type { Keyring } from '#contracts/keyring';
import type { PrincipalRecord, PrincipalStore } from '#contracts/principal-store';
import type { AddedUser, NewUser, Users } from '#contracts/users';
import type { Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import { adminItself, userItself } from './acting.ts';
import { createGroups } from './groups.ts';
import { hashPassword } from './passwords.ts';
import { assertUserName, generateAccessKey, generatePassword, secretContext } from './secrets.ts';

export interface UsersOptions {
  principals: PrincipalStore;
  credentials: CredentialStore;
  factors: FactorStore;
  groups: GroupStore;
  buckets: BucketStore;
  keyring: Keyring;
  random: Random;
  /** Where there are sessions: that this one has said a moment ago who it is. @throws access_denied */
  fresh?(who: Who): void;
  /** Where users change their own passwords. @throws unauthenticated, rate_limited */
  ownPassword?(name: string, password: string, remoteAddress: string): Promise<void>;
}

/** Users, their passwords and sessions. The command line and the API are two callers of it. */
export function createUsers(options: UsersOptions): Users {
  const { principals, credentials, factors, random } = options;

  async function named(name: string): Promise<PrincipalRecord> {
    const record = await principals.findByName(name);
    if (record === null) throw new CloudStoreError('principal_not_found', `There is no user ${name}.`);
    return record;
  }

  async function otherAdmins({ id }: PrincipalRecord): Promise<PrincipalRecord[]> {
    const admins = (await principals.list()).filter((one) => one.role === 'admin' && !one.disabled && one.id !== id);
    return admins.sort((a, b) => a.id - b.id);
  }

  async function assertNotLastAdmin(record: PrincipalRecord): Promise<void> {
    if (record.role !== 'admin' || record.disabled || (await otherAdmins(record)).length > 0) return;
    throw new CloudStoreError('conflict', `${record.name} is the last admin; make another one first.`);
  }

  /** Of oneself, or of somebody else for an admin. */
  async function subject(who: Who, name: string | undefined): Promise<{ id: number; session: string | undefined }> {
    if (name === undefined) {
      const { id, credential } = userItself(who);
      return { id, session: credential?.session };
    }
    const admin = adminItself(who);
    const { id } = await named(name);
    return { id, session: admin.id === id ? admin.credential?.session : undefined };
  }

  async function setPassword(record: PrincipalRecord, given: string | null, keepSession?: string) {
    const password = given ?? generatePassword(random);
    const passwordHash = await hashPassword(password, random);
    await principals.update(record.id, { passwordHash, ...(keepSession === undefined ? {} : { keepSession }) });
    return { record, ...(given === null ? { password } : {}) };
  }

  return {
    ...createGroups(options),
    async list(who) {
      adminItself(who);
      return principals.list();
    },
    async get(who, name) {
      adminItself(who);
      return named(name);
    },
    async create(who, user) {
      adminItself(who);
      return create(options, user);
    },
    async update(who, name, { role, disabled, quotaBytes, quotaObjects }) {
      adminItself(who);
      const record = await named(name);
      if (disabled === true || (role !== undefined && role !== 'admin')) await assertNotLastAdmin(record);
      return principals.update(record.id, {
        ...(role === undefined ? {} : { role }),
        ...(disabled === undefined ? {} : { disabled }),
        ...(quotaBytes === undefined ? {} : { quotaBytes }),
        ...(quotaObjects === undefined ? {} : { quotaObjects }),
      });
    },
    async remove(who, name, heirName) {
      const admin = adminItself(who);
      const record = await named(name);
      await assertNotLastAdmin(record);
      const others = await otherAdmins(record);
      const heir = heirName === null ? (others.find(({ id }) => id === admin.id) ?? others[0]) : await named(heirName);
      if (heir === undefined || heir.id === record.id)
        throw new CloudStoreError('invalid_argument', 'The buckets of a removed user need another owner; name one.');
      await principals.remove(record.id, heir.id);
      return { record, heir: heir.name };
    },
    async reset(who, name, { password, credentials: withCredentials, factors: withFactors = true }) {
      adminItself(who);
      options.fresh?.(who);
      const record = await named(name);
      const changed = await setPassword(record, password);
      if (withFactors) await factors.removeAll(record.id);
      if (withCredentials) await credentials.removeAll(record.id);
      await principals.revokeSessions(record.id);
      return changed;
    },
    async setPassword(who, name, password) {
      adminItself(who);
      return setPassword(await named(name), password);
    },

    async changePassword(who, current, password, remoteAddress) {
      const self = userItself(who);
      if (options.ownPassword === undefined) throw new CloudStoreError('not_implemented', 'This is not done here.');
      await options.ownPassword(self.name, current, remoteAddress);
      await setPassword(await named(self.name), password, self.credential?.session);
    },
    async sessions(who, name) {
      return principals.listSessions((await subject(who, name)).id);
    },
    async endSession(who, id, name) {
      const { id: owner } = await subject(who, name);
      const session = await principals.findSession(id);
      if (session === null || session.principal !== owner) throw new CloudStoreError('not_found', 'There is no such session.');
      await principals.revokeSession(id);
    },
    async endSessions(who, { name, exceptOwn = false }) {
      const { id, session } = await subject(who, name);
      return principals.revokeSessions(id, exceptOwn ? session : undefined);
    },
  };
}

/** Nothing is left behind when the name or the key's id is taken. */
async function create(options: UsersOptions, user: NewUser): Promise<AddedUser> {
  const { principals, credentials, keyring, random } = options;
  assertUserName(user.name);
  if (await principals.findByName(user.name))
    throw new CloudStoreError('already_exists', `There is a user ${user.name} already.`);
  const key = user.key === 'generate' ? generateAccessKey(random) : user.key;
  if (key !== null && (await credentials.find(key.accessKeyId))) {
    throw new CloudStoreError('already_exists', `There is an access key ${key.accessKeyId} already.`);
  }
  const password = user.password ?? generatePassword(random);
  const passwordHash = await hashPassword(password, random);
  const domain = await keyring.create();
  const record = await principals.create({
    name: user.name,
    role: user.role,
    passwordHash,
    domain,
    ...(user.identity === undefined ? {} : { identity: user.identity }),
  });
  const added: AddedUser = { id: record.id, name: record.name, role: record.role };
  if (user.quotaBytes !== undefined) await principals.update(record.id, { quotaBytes: user.quotaBytes });
  if (record.role !== 'guest') added.bucket = await makeHome(options.buckets, record);
  if (user.password === null) added.password = password;
  if (key !== null) {
    const sealedSecret = keyring.seal(Buffer.from(key.secretAccessKey), secretContext(key.accessKeyId));
    await principals.addKey({ id: key.accessKeyId, principal: record.id, sealedSecret });
    Object.assign(added, key);
  }
  return added;
}

/** `home-<name>` where S3's rules allow the name, else `home-<id>`. */
async function makeHome(buckets: BucketStore, record: PrincipalRecord): Promise<string> {
  const byName = /^[a-z0-9][a-z0-9-]{0,55}[a-z0-9]$/.test(record.name) ? [`home-${record.name}`] : [];
  for (const name of [...byName, `home-${record.id}`]) {
    try {
      return (await buckets.create({ name, owner: record.id, domain: record.domain, alias: 'home' })).name;
    } catch (error) {
      if (!isCloudStoreError(error, 'bucket_exists') && !isCloudStoreError(error, 'bucket_owned_by_you')) throw error;
    }
  }
  throw new CloudStoreError('bucket_exists', `There is no free name for the first bucket of ${record.name}.`);
}
