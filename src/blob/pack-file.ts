import { dirname, join } from 'node:path';
import type { DiskFile, DiskOps } from '#contracts/disk-ops';
import type { Clock, Random } from '#core/clock';
import { writeFully } from './durable-write.ts';
import { createPackIndex, encodePackHeader, PACK_HEADER_BYTES, type PackIndex } from './pack-format.ts';

/** Where packs lie, and what makes new ones. */
export interface PackDirectory {
  disk: DiskOps;
  clock: Clock;
  random: Random;
  /** Sealed packs; open ones are in `open/` below it, so that a start looks at those only. */
  directory: string;
  /** 32 hex digits, in every header. */
  instance: string;
  /** The number under which the directory is registered as a store. */
  store: number;
  /** Which of the processes that share the directory this is, below 65,536: its open packs carry the number in their ids. */
  process: number;
}

/** A pack that is being written. */
export interface PackFile {
  readonly id: string;
  readonly packs: PackDirectory;
  readonly file: DiskFile;
  /** ms since the epoch. */
  readonly begun: number;
  /** The same file, to write past the page cache. */
  direct: DiskFile | null;
  readonly index: PackIndex;
  /** Where the next record goes. */
  tail: number;
  /** Up to here the disk has confirmed. */
  synced: number;
  /** The length of the file on disk, at least `tail` while there was room. */
  allocated: number;
}

export const OPEN_DIRECTORY = 'open';
export const packName = (id: string): string => `${id}.pack`;
export const openPath = (packs: PackDirectory, id: string): string => join(packs.directory, OPEN_DIRECTORY, packName(id));
export const sealedPath = (packs: PackDirectory, id: string): string => join(packs.directory, packName(id));

/** A new pack, its name and header durable: a record in it is worth what its own fsync is worth. */
export async function createPackFile(packs: PackDirectory, allocated: number, direct: boolean): Promise<PackFile> {
  const { disk, clock, random, instance, process } = packs;
  const created = clock.now();
  const id = packId(created, process, random);
  const path = openPath(packs, id);
  const file = await disk.open(path, 'wx+');
  try {
    await writeFully(file, [encodePackHeader({ id, instance, created })], 0);
    await file.allocate(allocated);
    await file.sync();
    await disk.syncDirectory(dirname(path));
    const second = direct ? await disk.openDirect(path) : null;
    const at = { tail: PACK_HEADER_BYTES, synced: PACK_HEADER_BYTES, allocated };
    return { id, packs, file, begun: created, direct: second, index: createPackIndex(), ...at };
  } catch (error) {
    // The first error is the one to report; an empty pack that stays is removed by the next start.
    await file.close().catch(() => {});
    await disk.unlink(path).catch(() => {});
    throw error;
  }
}

/** As `sealPackFile`; one of which the disk has confirmed no record is removed, or a disk that goes on failing would fill up with empty packs. */
export async function endPackFile(pack: PackFile): Promise<void> {
  const { packs } = pack;
  pack.index.cut(pack.synced);
  if (pack.index.count > 0) await sealPackFile(pack);
  else await packs.disk.unlink(openPath(packs, pack.id));
}

/**
 * Ends a pack at its last good sync: index and trailer, true length, fsync, then its name among the sealed ones. A crash
 * between any two steps leaves it in `open/`, where the next start does all of this again. The file stays open.
 */
export async function sealPackFile(pack: PackFile): Promise<void> {
  const { packs } = pack;
  const { disk, clock } = packs;
  pack.index.cut(pack.synced);
  const end = pack.index.encode(pack.synced, clock.now());
  const size = pack.synced + end.reduce((sum, { length }) => sum + length, 0);
  // What was not confirmed must not shine through behind a shorter end.
  await pack.file.truncate(pack.synced);
  await writeFully(pack.file, end, pack.synced);
  await pack.file.truncate(size);
  await pack.file.sync();
  await disk.rename(openPath(packs, pack.id), sealedPath(packs, pack.id));
  await disk.syncDirectory(packs.directory);
  await disk.syncDirectory(join(packs.directory, OPEN_DIRECTORY));
}

/** 48 bits of time, so that names sort by age, 16 of the process, 64 of chance. */
export function packId(created: number, process: number, random: Random): string {
  return created.toString(16).padStart(12, '0').slice(-12) + process.toString(16).padStart(4, '0') + random(8).toString('hex');
}

/** When a pack was begun, by its id; ms since the epoch. */
export function madeAt(id: string): number {
  return Number.parseInt(id.slice(0, 12), 16);
}

/** The number of the process that opened the pack; only of an open one, for older versions had chance here. */
export function processOf(id: string): number {
  return Number.parseInt(id.slice(12, 16), 16);
}
