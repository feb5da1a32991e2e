import { generateAccessKey } from '#auth/secrets';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { Session } from './session.ts';
import { getUser, secretContext } from './users.ts';

export interface ListedKey {
  accessKeyId: string;
  user: string;
  name: string | null;
  created: string;
}

/** @throws principal_not_found, already_exists */
export async function addKey(
  session: Session,
  userName: string,
  given: { accessKeyId: string; secretAccessKey: string } | null,
  name: string | null,
  random: Random,
): Promise<{ user: string; accessKeyId: string; secretAccessKey: string }> {
  const user = await getUser(session, userName);
  const key = given ?? generateAccessKey(random);
  const sealedSecret = session.keyring.seal(Buffer.from(key.secretAccessKey), secretContext(key.accessKeyId));
  await session.metadata.principals.addKey({
    id: key.accessKeyId,
    principal: user.id,
    sealedSecret,
    ...(name === null ? {} : { name }),
  });
  return { user: user.name, ...key };
}

export async function listKeys(session: Session, userName: string | null): Promise<ListedKey[]> {
  const { principals } = session.metadata;
  const users = userName === null ? await principals.list() : [await getUser(session, userName)];
  const names = new Map(users.map(({ id, name }) => [id, name]));
  const keys = await principals.listKeys(userName === null ? undefined : users[0]?.id);
  return keys.map(({ id, principal, name, created }) => ({
    accessKeyId: id,
    user: names.get(principal) ?? String(principal),
    name,
    created: new Date(created).toISOString(),
  }));
}

/** @throws key_not_found */
export async function removeKey({ metadata }: Session, accessKeyId: string): Promise<{ accessKeyId: string }> {
  if ((await metadata.principals.findKey(accessKeyId)) === null)
    throw new CloudStoreError('key_not_found', `There is no access key ${accessKeyId}.`);
  await metadata.principals.removeKey(accessKeyId);
  return { accessKeyId };
}
