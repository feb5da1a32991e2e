import { hashPassword } from '#auth/passwords';
import { assertUserName, generateAccessKey, generatePassword } from '#auth/secrets';
import type { PrincipalRecord } from '#contracts/principal-store';
import type { Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Role } from '#core/principal';
import type { Session } from './session.ts';

export interface NewUser {
  name: string;
  role: Role;
  /** null: one is generated and returned. */
  password: string | null;
  /** null: no S3 key; 'generate': one is made. */
  key: { accessKeyId: string; secretAccessKey: string } | 'generate' | null;
}

export interface AddedUser {
  id: number;
  name: string;
  role: Role;
  bucket?: string;
  password?: string;
  accessKeyId?: string;
  secretAccessKey?: string;
}

/**
 * A user, a dedupe domain of its own, and, unless it is a guest, a first bucket that its owner also knows as `home`.
 * @throws already_exists (the name, or the key id: nothing is then left behind), invalid_argument
 */
export async function addUser({ metadata, keyring }: Session, user: NewUser, random: Random): Promise<AddedUser> {
  assertUserName(user.name);
  if (await metadata.principals.findByName(user.name))
    throw new CloudStoreError('already_exists', `There is a user ${user.name} already.`);
  const key = user.key === 'generate' ? generateAccessKey(random) : user.key;
  if (key !== null && (await metadata.principals.findKey(key.accessKeyId))) {
    throw new CloudStoreError('already_exists', `There is an access key ${key.accessKeyId} already.`);
  }
  const password = user.password ?? generatePassword(random);
  const domain = await keyring.create();
  const record = await metadata.principals.create({
    name: user.name,
    role: user.role,
    passwordHash: await hashPassword(password),
    domain,
  });
  const added: AddedUser = { id: record.id, name: record.name, role: record.role };
  if (record.role !== 'guest') added.bucket = await makeHome({ metadata }, record);
  if (user.password === null) added.password = password;
  if (key !== null) {
    const sealedSecret = keyring.seal(Buffer.from(key.secretAccessKey), secretContext(key.accessKeyId));
    await metadata.principals.addKey({ id: key.accessKeyId, principal: record.id, sealedSecret });
    Object.assign(added, key);
  }
  return added;
}

/** What an S3 secret is sealed for: the authenticator opens it with the same words. */
export function secretContext(accessKeyId: string): string {
  return `access-key:${accessKeyId}`;
}

export async function getUser({ metadata }: Pick<Session, 'metadata'>, name: string): Promise<PrincipalRecord> {
  const record = await metadata.principals.findByName(name);
  if (record === null) throw new CloudStoreError('principal_not_found', `There is no user ${name}.`);
  return record;
}

export async function setPassword(
  session: Session,
  name: string,
  given: string | null,
  random: Random,
): Promise<{ id: number; name: string; password?: string }> {
  const record = await getUser(session, name);
  const password = given ?? generatePassword(random);
  await session.metadata.principals.update(record.id, { passwordHash: await hashPassword(password) });
  return { id: record.id, name: record.name, ...(given === null ? { password } : {}) };
}

/** @throws invalid_argument when it is the last admin who could still act */
export async function setDisabled(
  session: Session,
  name: string,
  disabled: boolean,
): Promise<{ id: number; name: string; disabled: boolean }> {
  const record = await getUser(session, name);
  if (disabled) await assertNotLastAdmin(session, record);
  await session.metadata.principals.update(record.id, { disabled });
  return { id: record.id, name: record.name, disabled };
}

/** Its buckets pass to `heir`, or to the first admin, in whose name the machine's owner acts here. */
export async function removeUser(
  session: Session,
  name: string,
  heirName: string | null,
): Promise<{ id: number; name: string; heir: string }> {
  const record = await getUser(session, name);
  await assertNotLastAdmin(session, record);
  const heir = heirName === null ? (await otherAdmins(session, record))[0] : await getUser(session, heirName);
  if (heir === undefined || heir.id === record.id)
    throw new CloudStoreError('invalid_argument', 'The buckets of a removed user need another owner; name one with --heir.');
  await session.metadata.principals.remove(record.id, heir.id);
  return { id: record.id, name: record.name, heir: heir.name };
}

async function assertNotLastAdmin(session: Session, record: PrincipalRecord): Promise<void> {
  if (record.role === 'admin' && (await otherAdmins(session, record)).length === 0) {
    throw new CloudStoreError('conflict', `${record.name} is the last admin; make another one first.`);
  }
}

async function otherAdmins({ metadata }: Session, record: PrincipalRecord): Promise<PrincipalRecord[]> {
  return (await metadata.principals.list())
    .filter(({ id, role, disabled }) => role === 'admin' && !disabled && id !== record.id)
    .sort((a, b) => a.id - b.id);
}

/** `home-<name>` where S3's rules allow the name, else `home-<id>`. */
async function makeHome({ metadata }: Pick<Session, 'metadata'>, record: PrincipalRecord): Promise<string> {
  const byName = /^[a-z0-9][a-z0-9-]{0,55}[a-z0-9]$/.test(record.name) ? [`home-${record.name}`] : [];
  for (const name of [...byName, `home-${record.id}`]) {
    try {
      return (await metadata.buckets.create({ name, owner: record.id, domain: record.domain, alias: 'home' })).name;
    } catch (error) {
      if (!isCloudStoreError(error, 'bucket_exists') && !isCloudStoreError(error, 'bucket_owned_by_you')) throw error;
    }
  }
  throw new CloudStoreError('bucket_exists', `There is no free name for the first bucket of ${record.name}.`);
}
