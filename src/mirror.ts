import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLateStore } from '#blob/late-store';
import { createLocalDisk } from '#blob/local-disk';
import { decodePackHeader, PACK_HEADER_BYTES } from '#blob/pack-format';
import { IDENTITY_NAME, MIRROR_MARK } from '#blob/store-identity';
import type { BlobStore } from '#contracts/blob-store';
import type { InstanceStore } from '#contracts/instance-store';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { describeS3Location, parseS3Location, type S3Location } from '#core/s3-location';
import { bytesOf } from '#core/stream';
import type { SettingValues } from './config/settings.ts';
import { type Owner, ownerOf } from './owner.ts';

/** Where second copies go. */
export type MirrorPlace = { kind: 'directory'; directory: string } | { kind: 's3'; location: S3Location };

export interface MirrorOptions {
  place: MirrorPlace;
  instance: InstanceStore;
  random: Random;
  clock: Clock;
}

/** The store with the second copies. */
export interface Mirror extends BlobStore {
  /** Its id, 32 hex digits; another id is another mirror, of which nothing is known. @throws as every method: unavailable */
  id(): Promise<string>;
  /** For people, without secrets. */
  readonly location: string;
  /** Each put is confirmed by a checksum of what the store holds, so that nothing is read back at once; and reading costs money. */
  readonly remote: boolean;
  /** Ends what killed gateways left half sent. */
  tidy(): Promise<void>;
}

/** What the database knows of the mirror. */
export interface KnownMirror {
  /** A directory, or `s3://…` without secrets. */
  directory: string;
  id: string;
}

export interface MirrorMark {
  id: string;
  /** Whose mirror it is (`Owner`); null: of a version that did not say. */
  owner: string | null;
}

export const MIRROR_SETTING = 'mirror';

/** Fewer attempts than a chunk store gets: a read that looks for a good copy waits for them. */
const ATTEMPTS_MAX = 4;
const CALL_MS = 10_000;
const STALE_UPLOAD_MS = 24 * 3_600_000;
const LOOKED_AT = 16;
/** What the header of a pack says that was made without an installation. */
const NOBODY = '0'.repeat(32);

/** null: none is set. */
export function mirrorPlaceOf(values: Pick<SettingValues, 'mirror-dir' | 'mirror-url'>): MirrorPlace | null {
  const { 'mirror-dir': directory, 'mirror-url': url } = values;
  if (url !== null) return { kind: 's3', location: parseS3Location(url) };
  return directory === null ? null : { kind: 'directory', directory };
}

/** As the database knows it. */
export function mirrorLocation(place: MirrorPlace): string {
  return place.kind === 's3' ? describeS3Location(place.location) : place.directory;
}

/** The blobs of a mirror, whoever's they are. */
export interface MirrorBlobs extends BlobStore {
  /** Ends uploads that began before, and that nobody will complete. */
  tidy(beforeMs: number): Promise<void>;
}

/**
 * @param use may it be made, must it be there, or is it only looked at
 * @throws unavailable, and what the disk says
 */
export async function mirrorBlobs(place: MirrorPlace, random: Random, use: 'make' | 'there' | 'look'): Promise<MirrorBlobs> {
  if (place.kind === 'directory') {
    const directory = join(place.directory, 'packs');
    const disk = nodeDiskOps();
    if (use !== 'make') await disk.readdir(directory);
    return {
      ...(await createLocalDisk({ directory, disk, tidy: use !== 'look', make: use === 'make' })),
      tidy: async () => undefined,
    };
  }
  const { createS3Store } = await import('#blob/s3'); // the client is only loaded where it is used
  const store = createS3Store({ location: place.location, random, attemptsMax: ATTEMPTS_MAX, callMs: CALL_MS });
  return { ...store, tidy: async (beforeMs) => void (await store.abortStale(beforeMs)) };
}

/**
 * The second copies of packs, in a directory or an S3-compatible store, opened by the first that needs them and tried again until they are there. Nothing is
 * written, read or removed before the place has shown that it is this installation's mirror: one that lost its mark is most likely a disk that is not mounted;
 * one with another mark holds the copies of somebody else, whose packs would be taken for garbage.
 * @throws by its methods unavailable: one sentence that says what to do
 */
export function openMirror(options: MirrorOptions): Mirror {
  const { place, instance, random, clock } = options;
  const location = mirrorLocation(place);
  let tidy: ((beforeMs: number) => Promise<void>) | null = null;
  let id: string | null = null;
  const capabilities = { shared: place.kind === 's3', randomAccess: place.kind === 'directory' };
  const late = createLateStore(async () => {
    const known = await instance.setting<KnownMirror>(MIRROR_SETTING);
    const expected = known?.directory === location ? known.id : null;
    const blobs = await mirrorBlobs(place, random, expected === null ? 'make' : 'there').catch((error: unknown) => {
      throw expected === null ? error : gone(place, location);
    });
    try {
      const mark = await recognizeMirror(blobs, place, await ownerOf(instance, random), expected, random);
      if (expected !== mark) await instance.putSetting(MIRROR_SETTING, { directory: location, id: mark } satisfies KnownMirror);
      id = mark;
      tidy = blobs.tidy;
      return blobs;
    } catch (error) {
      await blobs.close();
      throw error;
    }
  }, capabilities);
  return {
    ...late,
    location,
    remote: place.kind === 's3',
    async id() {
      if (id === null) await late.stat(MIRROR_MARK);
      return id!;
    },
    async tidy() {
      if (id === null) await late.stat(MIRROR_MARK);
      await tidy!(clock.now() - STALE_UPLOAD_MS);
    },
  };
}

/** Gives the id of the mirror that is there, or of the one that was just made of an empty place. */
async function recognizeMirror(
  blobs: BlobStore,
  place: MirrorPlace,
  { owner, instance }: Owner,
  expected: string | null,
  random: Random,
): Promise<string> {
  const location = mirrorLocation(place);
  const mark = await readMark(blobs);
  if (mark === null) {
    if (expected !== null) throw gone(place, location);
    if ((await blobs.stat(IDENTITY_NAME)) !== null)
      throw refused(place, location, 'is a store of packs itself, and no place for second copies');
    await assertOwnPacks(blobs, place, instance);
    return writeMark(blobs, { id: random(16).toString('hex'), owner }, place);
  }
  if (mark.owner !== null && mark.owner !== owner) throw foreign(place, location);
  if (expected !== null && mark.id !== expected) throw refused(place, location, 'is not the one that was written there before');
  if (mark.owner === null && expected === null) await assertOwnPacks(blobs, place, instance);
  return mark.id;
}

/** Packs say in their headers whose they are. */
async function assertOwnPacks(blobs: BlobStore, place: MirrorPlace, instance: string): Promise<void> {
  let looked = 0;
  for await (const { name, size } of blobs.list('')) {
    if (!name.endsWith('.pack') || size < PACK_HEADER_BYTES) continue;
    const of = decodePackHeader(await blobs.read(name, 0, PACK_HEADER_BYTES))?.instance ?? NOBODY;
    if (of !== NOBODY && of !== instance) throw foreign(place, mirrorLocation(place));
    if (++looked === LOOKED_AT) return;
  }
}

/** null: there is none. @throws corrupt, unavailable */
export async function readMark(blobs: BlobStore): Promise<MirrorMark | null> {
  const found = await blobs.stat(MIRROR_MARK);
  if (found === null) return null;
  const text = (await blobs.read(MIRROR_MARK, 0, Math.min(found.size, 256))).toString('latin1');
  const [, id, owner = null] = /^([0-9a-f]{32})(?:\n([0-9a-f]{32})\n)?$/.exec(text) ?? [];
  if (id === undefined) throw new CloudStoreError('corrupt', `The file ${MIRROR_MARK} of the mirror cannot be read.`);
  return { id, owner };
}

async function writeMark(blobs: BlobStore, mark: { id: string; owner: string }, place: MirrorPlace): Promise<string> {
  const bytes = Buffer.from(`${mark.id}\n${mark.owner}\n`, 'latin1');
  try {
    await blobs.put(MIRROR_MARK, bytesOf(bytes), bytes.length);
    return mark.id;
  } catch (error) {
    if (!isCloudStoreError(error, 'already_exists')) throw error;
    const there = await readMark(blobs); // another gateway was faster
    if (there === null) throw error;
    if (there.owner !== mark.owner) throw foreign(place, mirrorLocation(place));
    return there.id;
  }
}

function settingOf({ kind }: MirrorPlace): string {
  return kind === 's3' ? '--mirror-url or CLOUDSTORE_MIRROR_URL' : '--mirror-dir or CLOUDSTORE_MIRROR_DIR';
}

function refused(place: MirrorPlace, location: string, why: string): CloudStoreError {
  const first = place.kind === 's3' ? 'see that this is the right bucket and prefix' : 'mount its disk';
  return new CloudStoreError(
    'unavailable',
    `The mirror ${location} ${why}: ${first}, or name another place with ${settingOf(place)}.`,
  );
}

function gone(place: MirrorPlace, location: string): CloudStoreError {
  return refused(place, location, 'is not the one that was written there before');
}

function foreign(place: MirrorPlace, location: string): CloudStoreError {
  return new CloudStoreError(
    'unavailable',
    `The mirror ${location} is that of another installation of CloudStore: name another place with ${settingOf(place)}; ` +
      `if it is this one's own, from before it was restored from a backup, and that is gone for good, remove the file ${MIRROR_MARK} from there.`,
  );
}
