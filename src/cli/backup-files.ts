import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { createShelf } from '#blob/shelf';
import type { BackedUpFile } from '#contracts/backups';
import type { Clock } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { BackupFiles } from '../backup-files.ts';
import { makeOpened, OPENED_DIRECTORY, openedBackup, tidyOpened } from '../backup-opened.ts';
import { backupSource } from '../backup-place.ts';
import { masterKeySource } from '../master-key.ts';
import { configOf, type Flags, timeFlag } from './flags.ts';
import { backupFiles, backupPaths, type ChosenBackup, chooseBackup, readBackupList } from './offline/backup-list.ts';
import { type DiskExtract, extractOnto } from './offline/extract-onto.ts';
import { offlineMasterKey } from './offline/master-key.ts';

const PAGE = 1_000;

export async function listBackups(flags: Flags, directory: string) {
  const { lists, masterKey } = await placeOf(flags, directory);
  const found = [];
  for (const { name, takenMs } of (await backupFiles(lists)).toReversed()) {
    const taken = timeOf(takenMs);
    try {
      const { packs } = await readBackupList(lists, name, masterKey);
      found.push({ name, taken, bytes: packs.reduce((sum, { bytes }) => sum + bytes, 0), why: null });
    } catch (error) {
      if (!isCloudStoreError(error)) throw error;
      found.push({ name, taken, bytes: null, why: error.message });
    }
  }
  return found;
}

interface Shown {
  path: string;
  bytes: number | null;
  modified: string | null;
  version: string | null;
  note: string | null;
}

/** What lies in a folder; of a file its versions, the latest first. */
export async function listInside(flags: Flags, directory: string, path: string, recursive: boolean): Promise<Shown[]> {
  return withBackup(flags, directory, (files) => {
    const { bucket, key } = partsOf(path);
    if (bucket === '') return files.buckets().map((name) => shown(`${name}/`, null));
    const folder = folderOf(files, bucket, key);
    if (folder === null)
      return files.versions(bucket, key).map(({ version, size, modified, superseded, deleted }) => ({
        ...{ path: `${bucket}/${key}`, bytes: size, modified: timeOf(modified), version },
        note: deleted ? 'deleted' : superseded === null ? null : `until ${timeOf(superseded)}`,
      }));
    const found: Shown[] = [];
    const file = ({ key: one, version, size, mtime }: Pick<BackedUpFile, 'key' | 'version' | 'size' | 'mtime'>): Shown => ({
      ...{ path: `${bucket}/${one}`, bytes: size, modified: timeOf(mtime), version, note: null },
    });
    if (recursive) {
      for (let after = '', page = files.below(bucket, folder, '', PAGE); page.length > 0; ) {
        found.push(...page.map(file));
        after = page.at(-1)!.key;
        page = files.below(bucket, folder, after, PAGE);
      }
      return found;
    }
    for (let after: string | null = null, more = true; more; ) {
      const page: ReturnType<BackupFiles['page']> = files.page(bucket, folder, after, PAGE);
      for (const entry of page.entries)
        found.push(entry.kind === 'file' ? file(entry) : shown(`${bucket}/${entry.key}`, entry.bytes));
      after = page.next;
      more = after !== null;
    }
    return found;
  });
}

export interface Wanted {
  directory: string;
  path: string;
  name: string | null;
  version: string | null;
}

export async function extractToDisk(flags: Flags, { directory, path, name, version }: Wanted, to: string): Promise<DiskExtract> {
  return withBackup(flags, directory, (files) => {
    const { bucket, key } = foundIn(files, path);
    return extractOnto(files, { bucket, key, version }, { to: resolve(to), name });
  });
}

/** A path of a backup; a folder that was named without its slash has it. @throws not_found, invalid_argument */
export function foundIn(files: BackupFiles, path: string): { bucket: string; key: string } {
  const { bucket, key } = partsOf(path);
  if (bucket === '') throw new CloudStoreError('invalid_argument', 'Name a bucket of the backup, and a file or folder in it.');
  return { bucket, key: folderOf(files, bucket, key) ?? key };
}

/** Opens the backup that is meant, for as long as `use` takes. What is read of it lies in the data directory, where there is one. */
export async function withBackup<T>(
  flags: Flags,
  directory: string,
  use: (files: BackupFiles, chosen: ChosenBackup & { from: string }) => T | Promise<T>,
): Promise<T> {
  const { from, lists, masterKey, disk, dataDirectory, clock } = await placeOf(flags, directory);
  const chosen = await chooseBackup(lists, masterKey, timeFlag(flags, 'at')).catch((error: unknown) => {
    const [newest] = isCloudStoreError(error, 'not_found') ? (error.details.skipped as ChosenBackup['skipped']) : [];
    throw newest === undefined
      ? error
      : new CloudStoreError('corrupt', `This backup cannot be opened. ${newest.why}`, { cause: error });
  });
  const kept = existsSync(dataDirectory);
  const own = kept ? join(dataDirectory, OPENED_DIRECTORY) : await mkdtemp(join(tmpdir(), 'cloudstore-backup-'));
  const options = { directory: own, masterKey, disk, random: randomBytes };
  try {
    const backup = { from, name: chosen.name };
    await makeOpened(backup, { ...options, nowMs: clock.now() });
    const files = await openedBackup(backup, options, clock.now());
    if (files === null) throw new CloudStoreError('unavailable', `What was read of the backup into ${own} is gone. Try again.`);
    try {
      return await use(files, { ...chosen, from });
    } finally {
      await files.close();
    }
  } finally {
    if (kept) await tidyOpened(own, clock.now());
    else await rm(own, { recursive: true, force: true });
  }
}

async function placeOf(flags: Flags, directory: string) {
  const config = configOf(flags);
  const disk = nodeDiskOps();
  const clock: Clock = Date;
  const from = await backupSource(resolve(directory));
  const lists = createShelf({ directory: backupPaths(from).lists, disk });
  const masterKey = await offlineMasterKey(masterKeySource(config), lists, [from]);
  return { from, lists, masterKey, disk, clock, dataDirectory: config.values['data-dir'] };
}

/** null: a file. */
function folderOf(files: BackupFiles, bucket: string, key: string): string | null {
  if (key === '' || key.endsWith('/')) return key;
  try {
    files.versions(bucket, key);
    return null;
  } catch (error) {
    if (!isCloudStoreError(error, 'not_found')) throw error;
    if (files.below(bucket, `${key}/`, '', 1).length > 0) return `${key}/`;
    throw error;
  }
}

function partsOf(path: string): { bucket: string; key: string } {
  const [, bucket = '', key = ''] = /^\/?([^/]*)\/?(.*)$/s.exec(path) ?? [];
  return { bucket, key };
}

function shown(path: string, bytes: number | null): Shown {
  return { path, bytes, modified: null, version: null, note: null };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
