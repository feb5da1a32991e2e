import { signal } from '@preact/signals';
import { api, fileUrl, type Place, ROOT } from '../api/client.ts';
import { isApiError } from '../api/error.ts';
import { client } from '../api/session.ts';
import type { Entry } from '../api/types.ts';
import { bringBack, gatewayTime } from '../history/restoring.ts';
import { t } from '../i18n/index.ts';
import { askText } from '../ui/ask-text.tsx';
import { confirm } from '../ui/dialog.tsx';
import { fail, tell } from '../ui/toast.tsx';
import { createClashAsker, freeKey } from './clash.tsx';
import { isAbort, type RunningWork, startWork } from './work.tsx';

/** What was cut or copied, until it is put down somewhere. */
export const clipboard = signal<{ verb: 'move' | 'copy'; entries: Entry[] } | null>(null);

export const NAME_BYTES_MAX = 255;

/** A sentence on what is wrong with a name for a file or folder; null: nothing. */
export function wrongName(name: string): string | null {
  if (name === '' || name === '.' || name === '..') return t('error.name');
  if (name.includes('/')) return t('name.slash');
  if (/[\0-\x1f\x7f]/.test(name)) return t('name.control');
  if (new TextEncoder().encode(name).length > NAME_BYTES_MAX) return t('name.long');
  return null;
}

export function newFolder(at: Place): Promise<string | null> {
  return askText({
    title: t('folder.new'),
    label: t('folder.name'),
    action: t('create'),
    check: wrongName,
    act: (name) => api.makeFolder({ bucket: at.bucket, key: `${at.key}${name}/` }),
  });
}

/** Gives the new key; null when nothing changed. */
export async function rename(entry: Entry, name: string): Promise<string | null> {
  if (name === entry.name) return null;
  const wrong = wrongName(name);
  if (wrong !== null) {
    fail(new Error(wrong));
    return null;
  }
  const folder = entry.kind === 'folder';
  const parent = parentOf(entry.key);
  const key = `${parent}${name}${folder ? '/' : ''}`;
  try {
    await api.transfer('move', entry, { bucket: entry.bucket, key });
    return key;
  } catch (error) {
    fail(error);
    return null;
  }
}

/** Moves or copies into a folder, asking about names that are taken. A copy into its own folder gets a number. */
export async function transfer(verb: 'move' | 'copy', entries: readonly Entry[], to: Place): Promise<void> {
  const asker = createClashAsker();
  const work = startWork(t(verb === 'move' ? 'work.moving' : 'work.copying', { count: entries.length }), entries.length);
  let done = 0;
  for (const entry of entries) {
    if (work.cancelled()) break;
    const target: Place = { bucket: to.bucket, key: `${to.key}${entry.name}${entry.kind === 'folder' ? '/' : ''}` };
    const same = target.bucket === entry.bucket && target.key === entry.key;
    if (same && verb === 'move') continue;
    if (entry.kind === 'folder' && target.bucket === entry.bucket && target.key.startsWith(entry.key) && !same) {
      fail(new Error(t('move.intoItself', { name: entry.name })));
      continue;
    }
    try {
      if (same) {
        const free = { ...target, key: await freeKey(target) };
        await work.ask(() => api.transfer(verb, entry, free, { signal: work.signal }));
      } else
        await transferOne(verb, entry, target, work, () =>
          asker(entry.name, entries.length > 1, entry.kind === 'file' ? { to: target, comes: entry } : undefined),
        );
      done++;
    } catch (error) {
      if (isAbort(error)) break;
      fail(error);
      if (isApiError(error, 'unreachable', 'quota_exceeded', 'insufficient_storage')) break;
    }
    work.step();
  }
  work.end(done);
  if (done > 0 && !work.cancelled()) tell(t(verb === 'move' ? 'work.moved' : 'work.copied', { count: done }));
}

async function transferOne(
  verb: 'move' | 'copy',
  from: Entry,
  to: Place,
  { ask, signal }: RunningWork,
  asker: () => Promise<'replace' | 'both' | 'skip'>,
): Promise<void> {
  try {
    await ask(() => api.transfer(verb, from, to, { signal }));
  } catch (error) {
    if (!isApiError(error, 'already_exists', 'precondition_failed', 'name_clash')) throw error;
    const answer = await asker();
    if (answer === 'skip') return;
    if (answer === 'replace') await ask(() => api.transfer(verb, from, to, { overwrite: true, signal }));
    else {
      const free = { bucket: to.bucket, key: await freeKey(to) };
      await ask(() => api.transfer(verb, from, free, { signal }));
    }
  }
}

/** True when they are gone. */
export async function removeAll(entries: readonly Entry[]): Promise<string[]> {
  const [first] = entries;
  if (first === undefined) return [];
  const body =
    entries.length === 1 ? (
      <p>{t(first.kind === 'folder' ? 'remove.folder' : 'remove.file', { name: first.name })}</p>
    ) : (
      <p>{t('remove.several', { count: entries.length })}</p>
    );
  if (!(await confirm(t('remove.title'), body, t('remove.action')))) return [];
  // Of a folder just what goes now is to come back, and not what had been deleted in it before.
  const before = entries.some(({ kind }) => kind === 'folder') ? await gatewayTime() : null;
  const work = startWork(t('work.removing', { count: entries.length }), entries.length);
  const gone: string[] = [];
  for (const entry of entries) {
    if (work.cancelled()) break;
    try {
      await work.ask(() => api.remove(entry, work.signal));
      gone.push(entry.key);
    } catch (error) {
      if (isAbort(error)) break;
      if (isApiError(error, 'not_found')) gone.push(entry.key);
      else fail(error);
      if (isApiError(error, 'unreachable')) break;
    }
    work.step();
  }
  work.end(gone.length);
  if (gone.length > 0) tell(t('work.removed', { count: gone.length }), undo(first.bucket, gone, before));
  return gone;
}

/** What takes a deletion back. Without the gateway's time a folder's is left to the trash. */
function undo(
  bucket: string,
  keys: readonly string[],
  before: string | null,
): { label: string; act: () => void; undoes: true } | undefined {
  if (before === null && keys.some((key) => key.endsWith('/'))) return undefined;
  const span = before === null ? {} : { deletedSince: before };
  const act = async (): Promise<void> => {
    const asker = createClashAsker();
    const work = startWork(t('work.restoring', { count: keys.length }), keys.length);
    let count = 0;
    for (const key of keys) {
      if (work.cancelled()) break;
      try {
        count += await bringBack(
          { bucket, key },
          { asker, work, several: keys.length > 1, ...(key.endsWith('/') ? { span } : {}) },
        );
      } catch (error) {
        if (!isAbort(error)) fail(error);
      }
      work.step();
    }
    work.end(count);
    if (count > 0) tell(t('history.restored', { count }));
  };
  return { label: t('undo'), act: () => void act(), undoes: true };
}

/** One file as it is; several, or folders, as one archive. */
export async function download(entries: readonly Entry[]): Promise<void> {
  const [first] = entries;
  if (first === undefined) return;
  try {
    if (entries.length === 1 && first.kind === 'file') save(fileUrl(first, { download: true }), first.name);
    else {
      const items = entries.map(({ bucket, key }) => ({ bucket, key }));
      const { path } = await client.call('PrepareZip', {
        body: { items, name: entries.length === 1 ? first.name : t('zip.name') },
      });
      save(ROOT + path, '');
    }
  } catch (error) {
    fail(error);
  }
}

function save(address: string, name: string): void {
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
}

export function parentOf(key: string): string {
  const whole = key.endsWith('/') ? key.slice(0, -1) : key;
  return whole.slice(0, whole.lastIndexOf('/') + 1);
}
