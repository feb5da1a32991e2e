import { join } from 'node:path';
import type { PackOnDisk } from '#contracts/pack-reader';
import type { Shelf } from '#contracts/shelf';
import type { Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { HOLDS, open, seal } from '#metadata/dump/container';
import type { SnapshotFile } from '../../snapshots.ts';

/**
 * A directory of backups: `packs/` (with `open/`) and `snapshots/` as in a data directory, and in `lists/` a file for each backup that says what belongs to it.
 * The list is written last: a backup without one was cut short, and what it copied is found by the next.
 */
export interface BackupList {
  number: number;
  /** When its snapshot was taken, ms since the epoch. */
  takenMs: number;
  /** Of the snapshot. */
  tip: string;
  snapshots: { name: string; bytes: number }[];
  /** `bytes` from its beginning; a sealed one has no more. */
  packs: { id: string; bytes: number; sealed: boolean }[];
}

export const backupPaths = (directory: string) => ({
  packs: join(directory, 'packs'),
  openPacks: join(directory, 'packs', 'open'),
  snapshots: join(directory, 'snapshots'),
  lists: join(directory, 'lists'),
});

export interface BackupFile {
  name: string;
  number: number;
  takenMs: number;
}

const NAME = /^(\d{10})\.(\d{1,15})\.([0-9a-f]{32})\.backup$/;

/** In the order of their numbers. */
export async function backupFiles(lists: Shelf): Promise<BackupFile[]> {
  const out: BackupFile[] = [];
  for (const { name } of await lists.list()) {
    const [, number, takenMs] = NAME.exec(name) ?? [];
    if (number !== undefined) out.push({ name, number: Number(number), takenMs: Number(takenMs) });
  }
  return out.sort((a, b) => a.number - b.number);
}

export async function writeBackupList(
  lists: Shelf,
  list: BackupList,
  { masterKey, random }: { masterKey: Buffer; random: Random },
): Promise<string> {
  const name = `${String(list.number).padStart(10, '0')}.${list.takenMs}.${random(16).toString('hex')}.backup`;
  async function* bytes(): AsyncGenerator<Buffer> {
    yield Buffer.from(JSON.stringify({ format: 1, ...list }));
  }
  await lists.put(name, seal(bytes(), { masterKey, random, holds: HOLDS.backup }));
  return name;
}

/** @throws corrupt, not_found */
export async function readBackupList(lists: Shelf, name: string, masterKey: Buffer): Promise<BackupList> {
  const pieces: Buffer[] = [];
  for await (const piece of open(lists.read(name), { masterKey, holds: HOLDS.backup })) pieces.push(piece);
  const { format, ...list }: BackupList & { format: number } = JSON.parse(Buffer.concat(pieces).toString());
  if (format !== 1) throw new CloudStoreError('corrupt', `The backup is of format ${format}; this CloudStore reads format 1.`);
  return list;
}

export interface ChosenBackup {
  name: string;
  list: BackupList;
  /** Newer ones that could not be used. */
  skipped: { name: string; why: string }[];
}

/** The newest, of before `atMs` where it is given, whose list is whole. @throws not_found */
export async function chooseBackup(lists: Shelf, masterKey: Buffer, atMs: number | null): Promise<ChosenBackup> {
  const skipped: ChosenBackup['skipped'] = [];
  for (const { name, takenMs } of (await backupFiles(lists)).toReversed()) {
    if (atMs !== null && takenMs > atMs) continue;
    try {
      return { name, list: await readBackupList(lists, name, masterKey), skipped };
    } catch (error) {
      if (!isCloudStoreError(error, 'corrupt')) throw error;
      skipped.push({ name, why: error.message });
    }
  }
  throw new CloudStoreError('not_found', `There is no complete backup here${atMs === null ? '' : ' of before that time'}.`, {
    details: { skipped },
  });
}

/** Of the packs that are there, whether one holds what a list says. */
export function holds(found: PackOnDisk | undefined, { bytes, sealed }: BackupList['packs'][number]): boolean {
  // An open one that was sealed later begins with the same bytes.
  return found !== undefined && (sealed ? !found.open && found.size === bytes : found.size >= bytes);
}

export const namesOf = (chain: readonly SnapshotFile[]) => chain.map(({ name, bytes }) => ({ name, bytes }));
