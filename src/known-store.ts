import { hostname } from 'node:os';
import { nodeDiskOps } from '#blob/disk-ops';
import { IDENTITY_NAME, MIRROR_MARK, readIdentity, writeIdentity } from '#blob/store-identity';
import type { BlobStore } from '#contracts/blob-store';
import type { RegisteredStore, StoreKind, StoreRegistry } from '#contracts/store-registry';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';

export interface Recognition {
  blobs: BlobStore;
  kind: StoreKind;
  /** For people and the database: a path, or an URL without secrets. */
  location: string;
  /** The setting that names it, for sentences about what to do. */
  setting: string;
  /** Of this installation, 32 hex digits. */
  instance: string;
  registry: StoreRegistry;
  random: Random;
  /** The store that must be here; null: it may be any of ours, or a new one. */
  expected: RegisteredStore | null;
  /** Under which a new one is entered; the next free one without it. */
  number?: number;
  /** Ids of some of the packs that are here. */
  packs: () => Promise<string[]>;
}

/**
 * Makes sure that a store is the one that the database knows, by the identity that lies in both; a new one gets its identity and its row.
 * A disk that is not mounted, one that was swapped, another bucket, the packs of another installation: all of them would make
 * reads fail, or collection remove what is needed, so nothing is written before this has said yes.
 * @throws unavailable: one sentence that says what to do
 */
export async function recognize(options: Recognition): Promise<RegisteredStore> {
  const { blobs, location, instance, registry, expected } = options;
  const found = await readIdentity(blobs);
  if (found === null && (await blobs.stat(MIRROR_MARK)) !== null)
    throw refused(
      options,
      'is a mirror: what lies there are second copies, and a store for the first ones has to be another place',
    );
  if (found === null) return expected === null ? enter(options) : restoreIdentity(options, expected);
  if (found.instance !== instance)
    throw refused(
      options,
      `belongs to another installation of CloudStore (${found.instance}), not to that of the database (${instance})`,
    );
  const row = (await registry.list()).find(({ identity }) => identity === found.store);
  if (expected !== null && expected.identity !== found.store) {
    const what = row === undefined ? 'is a store that the database does not know' : `is store ${row.number} of packs`;
    throw refused(options, `${what}, and store ${expected.number} belongs here (last seen as ${expected.location})`);
  }
  if (row?.state === 'removed')
    throw refused(options, `was removed as store ${row.number}; empty it, its ${IDENTITY_NAME} too, before it is used anew`);
  if (row === undefined) return register(options, found.store);
  if (row.location !== location) await registry.update(row.number, { location });
  return { ...row, location };
}

/** The database knows a store here that has no identity: what lies in it must show that it is the right one. */
async function restoreIdentity(options: Recognition, expected: RegisteredStore): Promise<RegisteredStore> {
  const { blobs, instance, registry } = options;
  const packs = await options.packs();
  if (packs.length === 0 || !(await registry.knows(packs)))
    throw refused(
      options,
      `is not the store of packs that the database knows (${expected.location}): it has no ${IDENTITY_NAME} and none of the packs. ` +
        `Is its disk mounted, and is this the right database? If it is meant to be here, run "cloudstore disk replace ${expected.number}"`,
    );
  await writeIdentity(blobs, { instance, store: expected.identity });
  return expected;
}

/** A store that neither side knows yet: a first start, a new disk, or an installation from before stores had identities. */
async function enter(options: Recognition): Promise<RegisteredStore> {
  const { blobs, instance, registry, random, number } = options;
  const packs = await options.packs();
  const known = packs.length > 0 && (await registry.knows(packs));
  if (packs.length === 0 && number !== undefined && (await registry.holds(number)))
    throw refused(options, 'is empty, and the database knows packs in it. Is its disk mounted, and is this the right database?');
  if (packs.length > 0 && !known && (number === undefined || !(await mayBeOrphans(options, packs))))
    throw refused(options, 'holds packs that the database does not know: they belong to another installation of CloudStore');
  const identity = await writeIdentity(blobs, { instance, store: random(16).toString('hex') });
  if (identity.instance !== instance)
    throw refused(options, `belongs to another installation of CloudStore (${identity.instance})`);
  return register(options, identity.store);
}

/** Packs that no row names: an upload that ended badly left them, if their headers say that they are of this installation, or of none. */
async function mayBeOrphans({ blobs, instance }: Recognition, packs: string[]): Promise<boolean> {
  for (const pack of packs) {
    // One that is open was written by no other gateway, for the directory is locked; one without a header says nothing.
    const found = await blobs.stat(`${pack}.pack`);
    if (found === null || found.size < 40) continue;
    const header = await blobs.read(`${pack}.pack`, 0, 40);
    const owner = header.toString('hex', 24, 40);
    if (owner !== instance && owner !== '0'.repeat(32)) return false;
  }
  return true;
}

function register({ registry, kind, location, number }: Recognition, identity: string): Promise<RegisteredStore> {
  return registry.register({ identity, kind, location, ...(number === undefined ? {} : { number }) });
}

function refused({ location, setting }: Recognition, why: string): CloudStoreError {
  return new CloudStoreError('unavailable', `The chunk store ${location} (${setting}) ${why}.`);
}

/** A directory, as the database and people know it. */
export function localLocation(directory: string): string {
  return `${directory} on ${hostname()}`;
}

const LOOKED_AT = 16;

/** Ids of some packs of a store, open ones too where it is a directory. */
export async function somePacks(blobs: BlobStore, openDirectory?: string): Promise<string[]> {
  const names: string[] = [];
  if (openDirectory !== undefined)
    names.push(
      ...(
        await nodeDiskOps()
          .readdir(openDirectory)
          .catch(() => [])
      ).slice(0, LOOKED_AT),
    );
  for await (const { name } of blobs.list('')) {
    if (names.length >= 2 * LOOKED_AT) break;
    names.push(name);
  }
  return names.flatMap((name) => /^([0-9a-f]{32})\.pack$/.exec(name)?.[1] ?? []);
}
