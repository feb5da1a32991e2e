import type { Stats } from 'node:fs';
import { mkdir, readFile, rm, stat, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { codeOf } from '#blob/disk-error';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLocalDisk } from '#blob/local-disk';
import { IDENTITY_NAME, MIRROR_MARK, parseIdentity, readIdentity, writeIdentity } from '#blob/store-identity';
import type { SeenStore } from '#contracts/disk-desk';
import type { RegisteredStore } from '#contracts/store-registry';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { pathOf } from '../disks.ts';
import { localLocation, recognize, somePacks } from '../known-store.ts';
import { instanceIdOf } from '../owner.ts';
import type { Session } from './session.ts';

/** Whatever knows the database. */
export interface DiskWork {
  metadata: Pick<Session['metadata'], 'stores' | 'instance'>;
}

export async function listDisks({ metadata }: DiskWork): Promise<SeenStore[]> {
  const rows = (await metadata.stores.list()).filter(({ state }) => state !== 'removed');
  return Promise.all(
    rows.map(async (row) => {
      const { packs, chunks, bytes } = await metadata.stores.usage(row.number);
      if (row.kind === 's3') return { ...row, present: null, fault: null, freeBytes: null, packs, chunks, bytes };
      const directory = pathOf(row.location);
      const { identity, fault } = await lookIn(directory);
      const present = identity === row.identity;
      const room = present ? await statfs(directory).catch(() => null) : null;
      return { ...row, present, fault, freeBytes: room && room.bavail * room.bsize, packs, chunks, bytes };
    }),
  );
}

/** A new disk for packs; a running gateway takes it within seconds. @throws conflict, unavailable */
export async function addDisk({ metadata }: DiskWork, path: string, random: Random): Promise<RegisteredStore> {
  const directory = resolve(path);
  const rows = await metadata.stores.list();
  if (rows.some(({ kind, state }) => kind === 's3' && state !== 'removed'))
    throw new CloudStoreError('conflict', 'The packs of this installation lie in S3; more directories are for packs on disks.');
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    throw new CloudStoreError('unavailable', `${directory} cannot be made (${cause.code}).`, { cause });
  });
  const blobs = await createLocalDisk({ directory, disk: nodeDiskOps(), tidy: false });
  try {
    return await recognize({
      blobs,
      kind: 'local',
      location: localLocation(directory),
      setting: 'disk add',
      instance: await instanceIdOf(metadata.instance, random),
      registry: metadata.stores,
      random,
      expected: null,
      packs: () => somePacks(blobs, join(directory, 'open')),
    });
  } finally {
    await blobs.close();
  }
}

/** From here on it takes no new packs, and the job moves what it has. @throws not_found, conflict */
export async function drainDisk({ metadata }: DiskWork, number: number, cancel: boolean): Promise<RegisteredStore> {
  const row = await getDisk(metadata.stores, number);
  const others = (await metadata.stores.list()).filter((one) => one.number !== number && one.state === 'active');
  if (!cancel && others.length === 0)
    throw new CloudStoreError('conflict', `There is no other store that could take the packs of store ${number}; add one first.`);
  await metadata.stores.update(number, { state: cancel ? 'active' : 'draining' });
  return { ...row, state: cancel ? 'active' : 'draining' };
}

/** @throws not_found; conflict while something lies there */
export async function removeDisk({ metadata }: DiskWork, number: number): Promise<RegisteredStore> {
  const row = await getDisk(metadata.stores, number);
  if (number === 0) throw new CloudStoreError('conflict', 'Store 0 is the data directory; it can be drained and stays.');
  if (row.state !== 'draining') throw new CloudStoreError('conflict', `Store ${number} takes packs; drain it first.`);
  if (await metadata.stores.holds(number))
    throw new CloudStoreError('conflict', `There are still packs in store ${number}; drain it first.`);
  const directory = pathOf(row.location);
  const here = row.kind === 'local' && (await identityIn(directory)) === row.identity;
  if (here) {
    const left = await packsIn(directory);
    if (left > 0) throw new CloudStoreError('conflict', `${left} packs still lie in ${directory}; wait for the job "drain".`);
  }
  await metadata.stores.update(number, { state: 'removed' });
  if (here) await rm(join(directory, IDENTITY_NAME), { force: true });
  return { ...row, state: 'removed' };
}

/**
 * Another directory takes the place of a store: a copy of a disk that fails, or an empty one where it is lost. Gives how many packs are not there.
 * @throws not_found, conflict
 */
export async function replaceDisk(
  { metadata }: DiskWork,
  number: number,
  path: string,
  random: Random,
): Promise<{ store: RegisteredStore; missingPacks: string[] }> {
  const { stores, instance } = metadata;
  const row = await getDisk(stores, number);
  if (row.kind !== 'local')
    throw new CloudStoreError('conflict', `Store ${number} is no directory; copy the bucket and set chunks-url.`);
  const directory = resolve(path);
  if ((await statOf(directory))?.isDirectory() !== true)
    throw new CloudStoreError('not_found', `There is no directory ${directory}.`);
  const instanceId = await instanceIdOf(instance, random);
  const blobs = await createLocalDisk({ directory, disk: nodeDiskOps(), tidy: false });
  try {
    const there = await readIdentity(blobs);
    if (there !== null && (there.instance !== instanceId || there.store !== row.identity))
      throw new CloudStoreError('conflict', `${directory} is another store of packs (${there.store}).`);
    if (there === null && (await blobs.stat(MIRROR_MARK)) !== null)
      throw new CloudStoreError('conflict', `${directory} is a mirror; copy its packs to another directory, and name that.`);
    if (there === null) await writeIdentity(blobs, { instance: instanceId, store: row.identity });
    const missingPacks: string[] = [];
    for (let after = ''; ; ) {
      const page = await stores.packs(number, after, 1000);
      if (page.length === 0) break;
      for (const pack of page)
        if ((await blobs.stat(`${pack}.pack`)) === null && !(await isOpen(directory, pack))) missingPacks.push(pack);
      after = page.at(-1)!;
    }
    const location = localLocation(directory);
    await stores.update(number, { location });
    return { store: { ...row, location }, missingPacks };
  } finally {
    await blobs.close();
  }
}

/** What only a lost spool had is given up, so that gateways start again. @throws not_found */
export async function forgetSpool({ metadata }: DiskWork): Promise<{ location: string }> {
  const spool = await metadata.stores.spool();
  if (spool === null) throw new CloudStoreError('not_found', 'No gateway has packs on their way.');
  await metadata.stores.releaseSpool(spool.identity);
  return { location: spool.location };
}

async function getDisk(stores: Session['metadata']['stores'], number: number): Promise<RegisteredStore> {
  const row = (await stores.list()).find((one) => one.number === number && one.state !== 'removed');
  if (row === undefined)
    throw new CloudStoreError('not_found', `There is no store ${number} of packs; see cloudstore disk list.`);
  return row;
}

/** Of the store that a directory is; null: it is none, or not there. */
export async function identityIn(directory: string): Promise<string | null> {
  return (await lookIn(directory)).identity;
}

/** As `identityIn`, and what keeps a disk that is there from being read: it is not missing, and another one in its place would not help. Writes nothing. */
async function lookIn(directory: string): Promise<{ identity: string | null; fault: string | null }> {
  const path = join(directory, IDENTITY_NAME);
  try {
    const identity = parseIdentity(await readFile(path, 'utf8'));
    return {
      identity: identity?.store ?? null,
      fault: identity === null ? `${path} says nothing that can be understood.` : null,
    };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { identity: null, fault: null };
    return { identity: null, fault: `${path} cannot be read (${code}).` };
  }
}

/** null: nothing is there. @throws unavailable: it cannot be known */
async function statOf(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new CloudStoreError('unavailable', `${path} cannot be read (${code}).`, { cause: error });
  }
}

async function packsIn(directory: string): Promise<number> {
  const disk = nodeDiskOps();
  const open = await disk.readdir(join(directory, 'open')).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error; // what cannot be read is not empty
    return [];
  });
  const names = [...(await disk.readdir(directory)), ...open];
  return names.filter((name) => name.endsWith('.pack')).length;
}

async function isOpen(directory: string, pack: string): Promise<boolean> {
  return (await statOf(join(directory, 'open', `${pack}.pack`))) !== null;
}
