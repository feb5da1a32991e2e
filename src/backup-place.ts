import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { codeOf } from '#blob/disk-error';
import { CloudStoreError } from '#core/errors';
import { BACKUP_LOCK_FILES, backupHolder, refusal } from './backup-lock.ts';
import type { Config } from './config/load.ts';
import { pathOf } from './disks.ts';

/** What a directory of backups may hold: its own, what a backup that was killed was writing, and what a fresh disk has. */
const EXPECTED = new Set([
  ...['packs', 'snapshots', 'lists', 'master-key.json', 'master.key', BACKUP_LOCK_FILES.lock, BACKUP_LOCK_FILES.note],
  ...['master-key.json.new', 'master.key.new', `${BACKUP_LOCK_FILES.note}.new`],
  ...['lost+found', '.DS_Store'],
]);

/**
 * Where a backup may go that somebody names over the network: an absolute directory outside of what the gateway works in, which is there, or whose
 * parent is (a disk that is not mounted has none), and which holds nothing but backups. Gives it without links on its way.
 * @throws invalid_argument, conflict, unavailable: one sentence that says what to do
 */
export async function backupPlace(to: string, { values }: Pick<Config, 'values'>): Promise<string> {
  assertPath(to);
  const path = await existing(to);
  await assertApart(to, path, values);
  const stranger = (await namesIn(path)).find((name) => !EXPECTED.has(name));
  if (stranger !== undefined)
    throw new CloudStoreError(
      'conflict',
      `${to} holds something that is no backup (${stranger}). Name a new or an empty directory, or one of backups.`,
    );
  return path;
}

/**
 * Where a backup may be restored to that somebody names over the network: as `backupPlace`, and neither in the backups nor around them. Whether it is empty is
 * asked by `assertRestorable`.
 * @throws invalid_argument
 */
export async function restorePlace(to: string, from: string, { values }: Pick<Config, 'values'>): Promise<string> {
  assertPath(to);
  const path = await existing(to);
  await assertApart(to, path, values);
  if (within(path, from) || within(from, path))
    throw new CloudStoreError('invalid_argument', `${to} and the backups in ${from} lie in one another. Name another directory.`);
  return path;
}

/** What a directory for packs may hold: theirs, and what a fresh disk has. */
const OF_PACKS = /^(?:[0-9a-f]{32}\.pack|open|tmp|cloudstore-store\.json|lost\+found|\.DS_Store)$/;

/**
 * Where packs may lie that somebody names over the network: as `backupPlace`, and it is empty or holds nothing but packs.
 * @throws invalid_argument, conflict
 */
export async function diskPlace(
  to: string,
  { values }: Pick<Config, 'values'>,
  others: readonly { location: string }[],
): Promise<string> {
  assertPath(to);
  const path = await existing(to);
  await assertApart(to, path, { ...values, 'pack-dirs': others.map(({ location }) => pathOf(location)) });
  const stranger = (await namesIn(path)).find((name) => !OF_PACKS.test(name));
  if (stranger !== undefined)
    throw new CloudStoreError(
      'conflict',
      `${to} holds something that is no pack (${stranger}). Name a new or an empty directory, or a copy of a disk.`,
    );
  return path;
}

/** Names of backups, as they come from the wire. */
const NAME = /^\d{10}\.\d{1,15}\.[0-9a-f]{32}\.backup$/;

/** @throws invalid_argument */
export function assertBackupName(name: string): void {
  if (!NAME.test(name)) throw new CloudStoreError('invalid_argument', 'There is no backup of that name.');
}

/** Where backups are to be read. @throws as backupPlace, not_found; conflict while the first one is being made there */
export async function backupSource(from: string): Promise<string> {
  assertPath(from);
  const path = await existing(from);
  if ((await namesIn(join(path, 'lists'))).some((name) => name.endsWith('.backup'))) return path;
  const holder = await backupHolder(path);
  if (holder !== null) throw refusal(from, holder);
  throw new CloudStoreError('not_found', `There is no backup in ${from}.`);
}

/** Neither in what the gateway works in nor around it. @throws invalid_argument */
export async function assertApart(given: string, path: string, values: Config['values']): Promise<void> {
  const own = [values['data-dir'], ...values['pack-dirs'], ...(values['mirror-dir'] === null ? [] : [values['mirror-dir']])];
  for (const one of own) {
    const real = await realpath(one).catch(() => resolve(one));
    if (within(path, real) || within(real, path))
      throw new CloudStoreError(
        'invalid_argument',
        `${given} and ${one}, where the gateway keeps its own files, lie in one another. Name a directory on another disk.`,
      );
  }
}

function assertPath(path: string): void {
  if (!isAbsolute(path) || /[\u0000-\u001f]/.test(path))
    throw new CloudStoreError('invalid_argument', 'Name a directory by its whole path, such as /mnt/backup.');
  if (resolve(path) === dirname(resolve(path)))
    throw new CloudStoreError('invalid_argument', 'Name a directory of its own, not the root of everything.');
}

async function existing(path: string): Promise<string> {
  const wanted = resolve(path);
  try {
    const real = await realpath(wanted);
    if (!(await stat(real)).isDirectory()) throw new CloudStoreError('invalid_argument', `${path} is no directory.`);
    return real;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw refused(path, error);
  }
  try {
    return join(await realpath(dirname(wanted)), basename(wanted));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw refused(path, error);
    throw new CloudStoreError('invalid_argument', `There is no directory ${dirname(wanted)}. Is the disk mounted?`);
  }
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw refused(path, error);
  }
}

function refused(path: string, error: unknown): CloudStoreError {
  if (error instanceof CloudStoreError) return error;
  const code = codeOf(error) ?? (error instanceof Error ? error.message : String(error));
  const what = code === 'EACCES' || code === 'EPERM' ? 'may not be used by the user that the gateway runs as' : 'cannot be used';
  return new CloudStoreError('invalid_argument', `${path} ${what} (${code}).`, { cause: error });
}

/** Whether a path is another, or lies below it. */
function within(path: string, parent: string): boolean {
  const way = relative(parent, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}
