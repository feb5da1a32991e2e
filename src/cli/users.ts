import { createCredentials } from '#auth/credentials';
import { createUsers } from '#auth/users';
import type { Credentials } from '#contracts/credentials';
import type { PrincipalRecord } from '#contracts/principal-store';
import type { Users } from '#contracts/users';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import type { Session } from './session.ts';

/** The machine's owner at its command line: an admin who is none of the users. */
export const OPERATOR: Who = { principal: { id: 0, name: 'operator', role: 'admin' }, protocol: 'cli', requestId: 'cli' };

/** What the API does about users, done here. */
export function usersOf({ metadata, keyring }: Session, random: Random): Users {
  return createUsers({ ...metadata, keyring, random });
}

export function credentialsOf({ metadata, keyring }: Session, clock: Clock, random: Random): Credentials {
  return createCredentials({ ...metadata, keyring, clock, random });
}

export async function getUser(
  { metadata }: { metadata: Pick<Session['metadata'], 'principals'> },
  name: string,
): Promise<PrincipalRecord> {
  const record = await metadata.principals.findByName(name);
  if (record === null) throw new CloudStoreError('principal_not_found', `There is no user ${name}.`);
  return record;
}
