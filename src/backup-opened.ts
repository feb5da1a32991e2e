import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { createPackReader } from '#blob/pack-reader';
import { createShelf } from '#blob/shelf';
import type { BackupNamed } from '#contracts/backups';
import type { DiskOps } from '#contracts/disk-ops';
import type { Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { type BackupFiles, openBackupFiles } from './backup-files.ts';
import { buildBackupIndex, missingOf } from './backup-index.ts';
import { backupHolder, refusal } from './backup-lock.ts';
import { type BackupList, backupPaths, readBackupList } from './cli/offline/backup-list.ts';

/** In the data directory: what is read of backups that somebody looks through. Nothing is lost with it. */
export const OPENED_DIRECTORY = 'opened-backups';
/** Of those that somebody looks through, so many stay, each for so long after it was looked at last. */
const KEPT = 2;
const KEPT_MS = 24 * 3600_000;
/** What was being made, and whose process has died. */
const STALE_MS = 24 * 3600_000;

export interface OpenedOptions {
  /** Where the indexes lie. */
  directory: string;
  masterKey: Buffer;
  disk: DiskOps;
  random: Random;
}

/** What the job that opens a backup is told by who will look for it here. */
export interface OpenAsked extends BackupNamed {
  /** This machine. */
  host: string;
  mark: string;
}

/** Where the index of a backup lies, once it is made. */
export function indexPath(directory: string, { from, name }: BackupNamed): string {
  const place = createHash('sha256').update(from).digest('hex').slice(0, 16);
  return join(directory, `${name}.${place}.sqlite`);
}

/** null: it was not opened here, or too long ago. */
export async function openedBackup(backup: BackupNamed, options: OpenedOptions, nowMs: number): Promise<BackupFiles | null> {
  const path = indexPath(options.directory, backup);
  if ((await stat(path).catch(() => null)) === null) return null;
  const files = openBackupFiles({ ...options, path, from: backup.from });
  if (files !== null) await utimes(path, nowMs / 1000, nowMs / 1000).catch(() => undefined);
  return files;
}

/**
 * Whether a backup is open here, and as whole as it is by now: packs that were missing when it was read may have come back, with a disk that was mounted since.
 * @throws as listOf
 */
export async function isOpened(backup: BackupNamed, options: OpenedOptions, nowMs: number): Promise<boolean> {
  const files = await openedBackup(backup, options, nowMs);
  if (files === null) return false;
  await files.close();
  if (files.missing.length === 0) return true;
  const packs = createPackReader({ directories: [backupPaths(backup.from).packs], disk: options.disk });
  try {
    const list = await listOf(backup, options.masterKey, options.disk);
    const missing = new Set(missingOf(list, await packs.list()));
    return files.missing.every((pack) => missing.has(pack));
  } finally {
    await packs.close();
  }
}

/** Left in the directory for the job that is to open a backup: on another machine of the database it does not find it there. Gives its name. */
export async function leaveMark(directory: string, { disk, random }: Pick<OpenedOptions, 'disk' | 'random'>): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const mark = random(16).toString('hex');
  await (await disk.open(join(directory, `${mark}.asked`), 'w', 0o600)).close();
  return mark;
}

/** Whether a job that was given this mark works in the directory that it was left in. */
export async function findsMark(directory: string, mark: string): Promise<boolean> {
  return /^[0-9a-f]{32}$/.test(mark) && (await stat(join(directory, `${mark}.asked`)).catch(() => null)) !== null;
}

/** Makes the index, if there is none. @throws corrupt, not_found, conflict: one sentence */
export async function makeOpened(
  backup: BackupNamed,
  options: OpenedOptions & { nowMs: number; signal?: AbortSignal; progress?(done: number, total: number): void },
): Promise<void> {
  const { directory, masterKey, disk, random, nowMs, signal, progress } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (await isOpened(backup, options, nowMs)) return;
  const list = await listOf(backup, masterKey, disk);
  const to = indexPath(directory, backup);
  await buildBackupIndex({
    ...{ from: backup.from, list, to, masterKey, disk, random },
    ...(signal && { signal }),
    ...(progress && { progress }),
  });
}

/** What belongs to it. @throws corrupt: damaged, or of another master key; not_found */
export async function listOf({ from, name }: BackupNamed, masterKey: Buffer, disk: DiskOps): Promise<BackupList> {
  const lists = createShelf({ directory: backupPaths(from).lists, disk });
  try {
    return await readBackupList(lists, name, masterKey);
  } catch (error) {
    if (isCloudStoreError(error, 'not_found')) throw await gone(from);
    if (isCloudStoreError(error, 'corrupt'))
      throw new CloudStoreError('corrupt', `This backup cannot be opened. ${error.message}`, { cause: error });
    throw error;
  }
}

/** Removed by a newer one that keeps only so many, or not complete yet. */
async function gone(from: string): Promise<CloudStoreError> {
  const holder = await backupHolder(from);
  if (holder !== null) return refusal(from, holder);
  return new CloudStoreError('not_found', `There is no such backup in ${from} any more. Look into the directory again.`);
}

/** Removes what nobody has looked at for a day, all but the newest two, and what was cut short. */
export async function tidyOpened(directory: string, nowMs: number): Promise<void> {
  const names = await readdir(directory).catch(() => [] as string[]);
  const found = await Promise.all(
    names.map(async (name) => ({
      path: join(directory, name),
      name,
      ms: (await stat(join(directory, name)).catch(() => null))?.mtimeMs ?? 0,
    })),
  );
  const whole = found.filter(({ name }) => name.endsWith('.sqlite')).sort((a, b) => b.ms - a.ms);
  const old = whole.filter(({ ms }, index) => index >= KEPT || nowMs - ms > KEPT_MS);
  const cut = found.filter(({ name, ms }) => !name.endsWith('.sqlite') && nowMs - ms > STALE_MS);
  for (const { path } of [...old, ...cut]) await rm(path, { force: true, recursive: true }).catch(() => undefined);
}
