import { assertBucketName } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import type { Session } from './session.ts';
import { getUser } from './users.ts';

export interface ListedBucket {
  id: number;
  name: string;
  owner: string;
  created: string;
  objects: number;
  bytes: number;
}

/** @throws invalid_bucket_name, bucket_exists, principal_not_found */
export async function addBucket(
  session: Session,
  name: string,
  ownerName: string | null,
): Promise<{ id: number; name: string; owner: string }> {
  assertBucketName(name);
  const { metadata } = session;
  const owner =
    ownerName === null
      ? (await metadata.principals.list()).find(({ role, disabled }) => role === 'admin' && !disabled)
      : await getUser(session, ownerName);
  if (owner === undefined)
    throw new CloudStoreError('principal_not_found', 'There is no admin to own the bucket; name an owner with --owner.');
  const bucket = await metadata.buckets.create({ name, owner: owner.id, domain: owner.domain });
  return { id: bucket.id, name: bucket.name, owner: owner.name };
}

export async function listBuckets({ metadata }: Session): Promise<ListedBucket[]> {
  const names = new Map((await metadata.principals.list()).map(({ id, name }) => [id, name]));
  const listed: ListedBucket[] = [];
  for (const bucket of await metadata.buckets.list()) {
    const { objects, bytes } = await metadata.buckets.usage(bucket.id);
    listed.push({
      id: bucket.id,
      name: bucket.name,
      owner: names.get(bucket.owner) ?? String(bucket.owner),
      created: new Date(bucket.created).toISOString(),
      objects,
      bytes,
    });
  }
  return listed;
}

export interface RemovedOne {
  id: number;
  name: string;
  owner: string;
  removed: string;
  objects: number;
  bytes: number;
  historyVersions: number;
  historyBytes: number;
}

export async function listRemovedBuckets({ metadata }: Session): Promise<RemovedOne[]> {
  const names = new Map((await metadata.principals.list()).map(({ id, name }) => [id, name]));
  return (await metadata.buckets.removed()).map(({ id, name, owner, removed, usage }) => {
    return { id, name, owner: names.get(owner) ?? String(owner), removed: new Date(removed).toISOString(), ...usage };
  });
}

/** @param which its number, or its name where only one of those that were removed had it. @throws bucket_not_found, conflict */
export async function restoreBucket(session: Session, which: string, name: string | null): Promise<{ id: number; name: string }> {
  if (name !== null) assertBucketName(name);
  const id = await removedId(session, which);
  const bucket = await session.metadata.buckets.restore(id, name ?? undefined);
  return { id, name: bucket.name };
}

/** @throws as restoreBucket */
export async function dropBucket(session: Session, which: string): Promise<{ id: number }> {
  const id = await removedId(session, which);
  await session.metadata.buckets.drop(id);
  return { id };
}

async function removedId({ metadata }: Session, which: string): Promise<number> {
  const found = (await metadata.buckets.removed()).filter(({ id, name }) => String(id) === which || name === which);
  const [one, another] = found;
  if (one === undefined) throw new CloudStoreError('bucket_not_found', `No removed bucket is ${which}.`);
  if (another !== undefined)
    throw new CloudStoreError('conflict', `Several removed buckets were ${which}: give the ID that \`bucket removed\` shows.`);
  return one.id;
}

/** @throws bucket_not_found, bucket_not_empty */
export async function removeBucket({ metadata }: Session, name: string, force: boolean): Promise<{ id: number; name: string }> {
  const bucket = await metadata.buckets.resolve(null, name);
  if (bucket === null) throw new CloudStoreError('bucket_not_found', `There is no bucket ${name}.`);
  await metadata.buckets.remove(bucket.id, { force });
  return { id: bucket.id, name: bucket.name };
}
