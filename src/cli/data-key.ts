import { createJobs } from '#jobs/runner';
import type { Session } from './session.ts';
import { getUser } from './users.ts';

export interface DataKeyStatus {
  user: string;
  /** That is written with. */
  epoch: number;
  /** Those before it that something may still be encrypted with. */
  older: number;
}

/** A new data key for a user, or for everybody, and the job that writes what is stored anew under it. @throws principal_not_found */
export async function rotateDataKeys(session: Session, userName: string | null): Promise<DataKeyStatus[]> {
  const { metadata, keyring } = session;
  const users = userName === null ? await metadata.principals.list() : [await getUser(session, userName)];
  for (const domain of new Set(users.map((user) => user.domain))) await keyring.renew(domain);
  await metadata.jobStore.ensure(['rekey']);
  await createJobs(metadata.jobStore).start('rekey', {});
  return dataKeys(session, userName);
}

export async function dataKeys(session: Session, userName: string | null): Promise<DataKeyStatus[]> {
  const { metadata, keyring } = session;
  const users = userName === null ? await metadata.principals.list() : [await getUser(session, userName)];
  const listed: DataKeyStatus[] = [];
  for (const { name, domain } of users) {
    const { currentEpoch, epochs } = await keyring.load(domain);
    listed.push({ user: name, epoch: currentEpoch, older: epochs.length - 1 });
  }
  return listed;
}
