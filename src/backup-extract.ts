import type { BackedUpFile, ExtractConflict, ExtractTarget } from '#contracts/backups';
import type { Namespace } from '#contracts/namespace';
import type { BucketId, ObjectKey } from '#core/address';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { EntryInfo } from '#core/object';
import type { Who } from '#core/principal';
import type { Bytes } from '#core/stream';
import type { BackupFiles } from './backup-files.ts';

export interface ExtractOptions {
  files: BackupFiles;
  namespace: Pick<Namespace, 'put' | 'entry' | 'stat' | 'annotate'>;
  who: Who;
  source: { bucket: string; key: string; version: string | null };
  target: Omit<ExtractTarget, 'bucket'> & { bucket: BucketId };
  conflict: ExtractConflict;
  /** Where it begins; moves on with it. */
  state: ExtractState;
  signal: AbortSignal;
  /** Writes down how far it is. Durable when it resolves. */
  save(): Promise<void>;
  progress(done: number, total: number, counts: ExtractCounts): void;
}

export type ExtractCounts = {
  /** Brought back, whatever it is called now. */
  restored: number;
  /** Of these: became the latest version of a file that was there; came under another name. */
  versions: number;
  renamed: number;
  /** Is there already, with these very bytes. */
  unchanged: number;
  /** Another file has its name, and stays. */
  skipped: number;
  failed: number;
  /** Of `restored`. */
  bytes: number;
};

export interface ExtractState {
  /** The last key of the backup that is dealt with. */
  after: string;
  counts: ExtractCounts;
  failures: { key: string; why: string }[];
}

const WINDOW = 100;
const AT_ONCE = 4;
const FAILURES_KEPT = 100;
const NAMES_MAX = 1_000;
/** How often somebody else may be faster with one name. */
const RACES_MAX = 100;
/** What is wrong with one file and not with all that follow. */
const OF_ONE = [
  'corrupt',
  'locked',
  'object_locked',
  'invalid_key',
  'name_clash',
  'is_a_directory',
  'not_found',
  'precondition_failed',
] as const;

/**
 * Brings files out of a backup into a bucket, each whole or not at all: its bytes are authenticated and compared with their hash before the commit that gives it its name.
 * It keeps its content type, ETag, time, tags, metadata and dead properties. What is there is never lost: other bytes under the same name stay, or stay in its history.
 * Done once more it changes nothing, because what is there already is left as it is; so a run that was killed is gone on with.
 */
export async function extractInto(options: ExtractOptions): Promise<void> {
  const { files, source, state, signal, save } = options;
  const isFolder = source.key === '' || source.key.endsWith('/');
  if (!isFolder) {
    const file = files.file(source.bucket, source.key, source.version);
    await bringBack({ ...options, total: file.size, done: 0 }, file);
    return;
  }
  const { files: count, bytes: total } = await files.count(source.bucket, source.key, signal);
  if (count === 0) throw new CloudStoreError('not_found', `The backup has nothing in ${source.bucket}/${source.key}.`);
  const work: Work = { ...options, total, done: state.counts.bytes };
  for (;;) {
    signal.throwIfAborted();
    const window = files.below(source.bucket, source.key, state.after, WINDOW);
    if (window.length === 0) break;
    const next = window.values();
    await together(AT_ONCE, async () => {
      for (const file of next) await bringBack(work, file);
    });
    state.after = window.at(-1)!.key;
    await save();
  }
  await markFolders(work);
}

interface Work extends ExtractOptions {
  total: number;
  done: number;
}

export function none(): ExtractCounts {
  return { restored: 0, versions: 0, renamed: 0, unchanged: 0, skipped: 0, failed: 0, bytes: 0 };
}

/** Each worker is waited for, also when one fails: nothing of it goes on behind the caller's back. */
async function together(count: number, worker: () => Promise<void>): Promise<void> {
  const ended = await Promise.allSettled(Array.from({ length: count }, worker));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

async function bringBack(work: Work, file: BackedUpFile): Promise<void> {
  const { state, signal, total, progress } = work;
  signal.throwIfAborted();
  try {
    await (file.key.endsWith('/') && file.size === 0 ? makeFolder(work, file) : makeFile(work, file));
  } catch (error) {
    signal.throwIfAborted();
    if (!isCloudStoreError(error) || !OF_ONE.some((code) => code === error.code)) throw error;
    state.counts.failed++;
    if (state.failures.length < FAILURES_KEPT) state.failures.push({ key: file.key, why: error.message });
  }
  work.done += file.size;
  progress(Math.min(work.done, total), total, state.counts);
}

function targetOf({ source, target }: Pick<Work, 'source' | 'target'>, key: string): ObjectKey {
  const isFolder = source.key === '' || source.key.endsWith('/');
  if (!isFolder) return `${target.folder}${target.name}`;
  const top = target.name === '' ? target.folder : `${target.folder}${target.name}/`;
  return `${top}${key.slice(source.key.length)}`;
}

/** As the object that it was, beside a file of its name too, where the backup has both. */
async function makeFolder(work: Work, file: BackedUpFile): Promise<void> {
  const { counts } = work.state;
  const key = targetOf(work, file.key);
  if (key === '') return; // the bucket itself
  try {
    const there = await found(work, key.slice(0, -1));
    if (there?.kind === 'directory' && there.key === key && there.explicit) counts.unchanged++;
    else {
      await put(work, file, key, null);
      counts.restored++;
    }
  } catch (error) {
    if (!isCloudStoreError(error, 'precondition_failed')) throw error;
    counts.unchanged++;
  }
}

async function makeFile(work: Work, file: BackedUpFile): Promise<void> {
  const { files, conflict, state } = work;
  const { counts } = state;
  const wanted = targetOf(work, file.key);
  for (let attempt = 0, races = 0; attempt < NAMES_MAX; attempt++) {
    const key = attempt === 0 ? wanted : besideName(wanted, files.takenMs, attempt);
    const seen = await found(work, key);
    // Where the backup has a file beside a folder of its name, so shall the bucket.
    const there = seen?.kind === 'directory' && hasBelow(work, file) ? null : seen;
    if (there?.kind === 'object' && there.etag === file.etag && there.size === file.size) {
      await addProperties(work, key, file.properties, there.properties);
      counts.unchanged++;
      return;
    }
    if (there !== null && conflict === 'skip') {
      counts.skipped++;
      return;
    }
    if (there !== null && (conflict === 'both' || there.kind === 'directory')) continue;
    try {
      await put(work, file, key, there);
    } catch (error) {
      // Somebody else was faster: look again.
      if (!isCloudStoreError(error, 'precondition_failed') || ++races > RACES_MAX) throw error;
      attempt--;
      continue;
    }
    counts.restored++;
    counts.bytes += file.size;
    if (there !== null) counts.versions++;
    if (attempt > 0) counts.renamed++;
    await addProperties(work, key, file.properties, there?.properties ?? null);
    return;
  }
  throw new CloudStoreError('name_clash', `Its name and ${NAMES_MAX} others like it are taken.`);
}

function hasBelow({ files, source }: Work, { key }: BackedUpFile): boolean {
  return files.below(source.bucket, `${key}/`, '', 1).length > 0;
}

/** Only onto what was looked at: nothing, or this. */
async function put(work: Work, file: BackedUpFile, key: ObjectKey, there: EntryInfo | null): Promise<void> {
  const { files, namespace, who, target, signal } = work;
  await namespace.put(who, { bucket: target.bucket, key }, told(work, files.read(file)), {
    size: file.size,
    attributes: file.attributes,
    mtime: file.mtime,
    etag: { same: file.etag },
    signal,
    conditions: there?.kind === 'object' ? { ifMatch: [there.etag] } : { ifNoneMatch: '*' },
  });
}

async function* told({ signal, progress, done, total, state }: Work, bytes: Bytes): Bytes {
  let given = 0;
  for await (const piece of bytes) {
    signal.throwIfAborted();
    yield piece;
    given += piece.length;
    progress(Math.min(done + given, total), total, state.counts);
  }
}

async function found({ namespace, who, target }: Work, key: ObjectKey): Promise<EntryInfo | null> {
  try {
    const at = { bucket: target.bucket, key };
    // With its slash, a folder is what it lies under, and not the object of just this key.
    return await (key.endsWith('/') ? namespace.stat(who, at, { sealed: true }) : namespace.entry(who, at));
  } catch (error) {
    if (isCloudStoreError(error, 'not_found')) return null;
    throw error;
  }
}

/** Those that the file or folder does not have: what somebody has set since is not written over. */
async function addProperties(
  { namespace, who, target }: Work,
  key: ObjectKey,
  wanted: Record<string, string> | null,
  there: Record<string, string> | null,
): Promise<void> {
  const missing = Object.entries(wanted ?? {}).filter(([name]) => there?.[name] === undefined);
  if (missing.length === 0) return;
  await namespace.annotate(who, { bucket: target.bucket, key }, { properties: Object.fromEntries(missing) });
}

/** A folder lives by what is in it; what was noted on it is brought along when its files are there. */
async function markFolders(work: Work): Promise<void> {
  const { files, source, signal } = work;
  for (const { path, properties } of files.notedFolders(source.bucket, source.key)) {
    signal.throwIfAborted();
    const key = targetOf(work, path);
    if (key === '') continue;
    const there = await found(work, key.slice(0, -1));
    if (there?.kind === 'directory') await addProperties(work, key, properties, there.properties);
  }
}

/** `a/b.txt` comes as `a/b (backup 2026-11-25).txt`, then with a number behind the day; a folder keeps its slash. */
export function besideName(key: ObjectKey, takenMs: number, attempt: number): ObjectKey {
  const day = new Date(takenMs).toISOString().slice(0, 10);
  const mark = ` (backup ${day}${attempt === 1 ? '' : ` ${attempt}`})`;
  if (key.endsWith('/')) return `${key.slice(0, -1)}${mark}/`;
  const [, folder = '', stem = key, ending = ''] = /^(.*\/)?([^/]+?)(\.[^./]{1,16})?$/s.exec(key) ?? [];
  return `${folder}${stem}${mark}${ending}`;
}
