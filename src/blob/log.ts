import { join } from 'node:path';
import type { ChunkPlace } from '#contracts/content';
import type { DiskFile, DiskOps } from '#contracts/disk-ops';
import type { Log } from '#contracts/log';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { codeOf, diskError } from './disk-error.ts';
import { makeDirectoryDurably, readFully } from './durable-write.ts';
import { createGoneDisk, type GoneDisk, readSurely } from './gone-disk.ts';
import { createLane, type Lane } from './lane.ts';
import { createOpenFiles } from './open-files.ts';
import { createPackFile, OPEN_DIRECTORY, openPath, type PackDirectory, type PackFile, sealedPath } from './pack-file.ts';
import { recoverOpenPacks } from './pack-recovery.ts';

export interface LogOptions {
  /** Absolute; made when missing. */
  directory: string;
  disk: DiskOps;
  clock: Clock;
  random: Random;
  /** The number under which this directory is registered as a store; 0 by default. */
  store?: number;
  /** More directories, on other disks, and which of all takes the next pack; without them it is the one above. */
  disks?: LogDisks;
  /** 32 hex digits, written into every pack. */
  instance?: string;
  packBytesMax?: number;
  recordsMax?: number;
  /** Packs for big bodies that are written side by side; small records have one of their own. */
  bulkLanes?: number;
  /** Which of the processes that share the directory this is; no two at a time have one number. 0 by default. */
  process?: number;
  /** Whose open packs are what a crash left: everybody's (nobody else writes here yet), or those of this number. Everybody's by default. */
  recover?: 'all' | 'own';
  /** How much of big bodies may be written before the disk is asked to make it safe, whether anybody waits for that or not. */
  writeBehindBytes?: number;
  /** What each lane of big bodies gathers them in to write them past the page cache; a multiple of 64 KiB. */
  stagingBytes?: number;
}

export interface LogDisks {
  /** By their numbers as stores. A disk may be added while the log is open. */
  others(): ReadonlyMap<number, string>;
  /** The number of the one that takes the next pack, the first one's included. @throws insufficient_storage, unavailable: none does */
  choose(): Promise<number>;
  /** A pack on this disk could not be begun, or not be written to its end. */
  failed(store: number): void;
}

const PACK_BYTES_MAX = 1 << 30;
/** An index of 5.25 MiB, which an open pack holds in memory. */
const RECORDS_MAX = 65_536;
const SMALL_ALLOCATE_BYTES = 16 << 20;
const BULK_ALLOCATE_BYTES = 64 << 20;
const WRITE_BEHIND_BYTES = 32 << 20;
const FILES_MAX = 64;
/** Below this, a record of the open pack of small records is read at once: it was just written, so it is in the page cache. */
const SYNC_READ_BYTES_MAX = 64 << 10;

/**
 * Seals what a crash left open, then waits for records. Nothing is created before the first append.
 * Big bodies go to lanes of their own, so that the fsync of a small record does not carry their dirty pages along.
 * @throws unavailable, insufficient_storage, corrupt
 */
export async function createLog(options: LogOptions): Promise<Log> {
  const { directory, disk, clock, random, store = 0, instance = '0'.repeat(32), bulkLanes = 1 } = options;
  const { packBytesMax = PACK_BYTES_MAX, recordsMax = RECORDS_MAX, writeBehindBytes = WRITE_BEHIND_BYTES } = options;
  const { process = 0, recover = 'all' } = options;
  const ready = new Set<string>();

  /** A directory of packs by its store's number. null: it is not connected here. */
  function packsOf(number: number): PackDirectory | null {
    const at = number === store ? directory : options.disks?.others().get(number);
    return at === undefined ? null : { disk, clock, random, directory: at, instance, process, store: number };
  }

  async function prepare(packs: PackDirectory): Promise<void> {
    if (ready.has(packs.directory)) return;
    try {
      await makeDirectoryDurably(disk, join(packs.directory, OPEN_DIRECTORY));
    } catch (error) {
      throw diskError(error, `making ${packs.directory}`);
    }
    ready.add(packs.directory);
  }

  for (const number of [store, ...(options.disks?.others().keys() ?? [])]) {
    const packs = packsOf(number)!;
    await prepare(packs);
    await recoverOpenPacks(packs, recover);
  }

  /** Where one disk takes none (it is read-only, or was pulled out), on another. */
  async function begin(allocateBytes: number, direct: boolean): Promise<PackFile> {
    for (const tried = new Set<number>(); ; ) {
      const number = (await options.disks?.choose()) ?? store;
      try {
        const packs = packsOf(number);
        if (packs === null) throw new CloudStoreError('unavailable', 'The disk that was to take a pack is gone.');
        await prepare(packs);
        return await createPackFile(packs, allocateBytes, direct);
      } catch (error) {
        options.disks?.failed(number);
        if (tried.has(number) || (options.disks?.others().size ?? 0) === 0) throw error;
        tried.add(number);
      }
    }
  }

  const nameOf = (number: number, pack: string): string => `${number}/${pack}`;
  const files = createOpenFiles(async (name) => {
    const [number, pack = ''] = name.split('/');
    const packs = packsOf(Number(number));
    if (packs === null) throw Object.assign(new Error('no such directory'), { code: 'ENOENT' });
    return openPack(packs, pack);
  }, FILES_MAX);
  const gone = new Map<string, GoneDisk>();
  function goneOf(number: number): GoneDisk {
    const { directory: at = directory } = packsOf(number) ?? {};
    const found = gone.get(at) ?? createGoneDisk(disk, at);
    gone.set(at, found);
    return found;
  }
  /** Packs that a failed write or fsync ended, with the offset up to which they hold. */
  const broken = new Map<string, number>();
  let lostSinceSync = false;

  const lane = (allocateBytes: number, writeBehind: number | null, direct: boolean): Lane =>
    createLane({
      begin,
      packBytesMax,
      recordsMax,
      allocateBytes,
      writeBehindBytes: writeBehind,
      direct,
      stagingBytes: options.stagingBytes,
      opened: ({ id, packs, file }) => files.pin(nameOf(packs.store, id), file),
      ended: ({ id, packs }) => files.unpin(nameOf(packs.store, id)),
      lost({ id, packs, synced }) {
        broken.set(id, synced);
        lostSinceSync = true;
        options.disks?.failed(packs.store);
      },
    });
  const small = lane(SMALL_ALLOCATE_BYTES, null, false);
  const bulk = Array.from({ length: bulkLanes }, () => lane(BULK_ALLOCATE_BYTES, writeBehindBytes, true));
  const lanes = [small, ...bulk];

  const isLost = ({ pack, offset, length }: ChunkPlace): boolean => offset + length > (broken.get(pack) ?? Infinity);

  return {
    append: (record, crc) => small.append(record, true, crc),
    appendUnsynced: (record, crc, blocks) =>
      bulk.reduce((a, b) => (b.pending < a.pending ? b : a)).append(record, false, crc, blocks),
    async sync(places) {
      const wanted = places && new Set(places.map(({ pack }) => pack));
      try {
        await Promise.all(lanes.filter(({ pack }) => wanted?.has(pack ?? '') ?? true).map((one) => one.sync()));
      } catch (error) {
        if (places === undefined) lostSinceSync = false; // this caller learns of it
        throw error;
      }
      const lost = places === undefined ? lostSinceSync : places.some(isLost);
      if (places === undefined) lostSinceSync = false;
      if (lost) throw new CloudStoreError('unavailable', 'The disk failed before what was written to it was safe.');
    },
    async read(place, offset, length, into) {
      if (offset + length > place.length) throw new CloudStoreError('corrupt', 'A read goes past the end of its record.');
      const out = into?.subarray(0, length) ?? Buffer.allocUnsafe(length);
      const name = nameOf(place.store, place.pack);
      try {
        const written = length <= SYNC_READ_BYTES_MAX && place.pack === small.pack ? files.pinned(name) : null;
        if (written !== null && written.readSync(out, 0, length, place.offset + offset) === length) return out;
        const read = (file: DiskFile): Promise<number> => readFully(file, out, 0, length, place.offset + offset);
        const bytes = await readSurely(files, name, read, goneOf(place.store));
        if (bytes !== length)
          throw new CloudStoreError('corrupt', 'A pack is shorter than its record.', { details: { ...place } });
      } catch (error) {
        if (codeOf(error) === 'ENOENT') throw new CloudStoreError('not_found', `There is no pack ${place.pack} here.`);
        throw diskError(error, 'reading a pack');
      }
      return out;
    },
    readNow(place, offset, length, into) {
      if (offset + length > place.length) return false;
      return files.opened(nameOf(place.store, place.pack))?.readNow?.(into, 0, length, place.offset + offset) === length;
    },
    async lend(place, use) {
      try {
        return await files.with(nameOf(place.store, place.pack), async ({ descriptor }) =>
          descriptor === undefined ? null : use({ descriptor, position: place.offset }),
        );
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null;
        throw diskError(error, 'opening a pack');
      }
    },
    open: () => lanes.flatMap(({ pack, size }) => (pack === null ? [] : [{ pack, size }])),
    async seal(beforeMs = Number.POSITIVE_INFINITY) {
      await Promise.all(lanes.map((one) => one.seal(beforeMs)));
    },
    async forget(pack) {
      for (const number of [store, ...(options.disks?.others().keys() ?? [])]) {
        const name = nameOf(number, pack);
        if (files.pinned(name) === null) await files.forget(name);
      }
    },
    async close() {
      await Promise.all(lanes.map((one) => one.close()));
      await files.close();
    },
  };
}

/**
 * Open, of whichever process, or sealed. In this order, because a pack goes from open to sealed and never back: one that is sealed between
 * the two looks is found by the second.
 */
async function openPack(packs: PackDirectory, id: string): Promise<DiskFile> {
  try {
    return await packs.disk.open(openPath(packs, id), 'r');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return packs.disk.open(sealedPath(packs, id), 'r');
  }
}
