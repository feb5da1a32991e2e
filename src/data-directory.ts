import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '#blob/disk-error';
import { CloudStoreError } from '#core/errors';
import { type FileLock, tryLock as lockFile } from './file-lock.ts';

/** Who holds the lock; written beside it for people and for the CLI, never trusted as the lock itself. */
export interface Owner {
  kind: 'gateway' | 'command';
  pid: number;
  /** What `cloudstore doctor` shows; absent until the gateway is ready. */
  urls?: Record<string, string>;
}

export interface DataDirectoryLock {
  /** Rewrites the note beside the lock. */
  describe(owner: Owner): Promise<void>;
  release(): Promise<void>;
}

/** What the lock can be made at (SQLite: 512 with the names of its files). */
const PATH_BYTES_MAX = 480;

/** The file whose lock the serving processes share. */
const SERVING = 'serving';

/**
 * Makes the data directory (0700) if it is absent.
 * @throws unavailable, insufficient_storage: one sentence that says what to do
 */
export async function ensureDataDirectory(path: string): Promise<void> {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw new CloudStoreError(
      'unavailable',
      `The path of the data directory ${path} is too long (${Buffer.byteLength(path)} bytes, and ${PATH_BYTES_MAX} at most); choose a shorter one with --data-dir or CLOUDSTORE_DATA_DIR.`,
    );
  try {
    await makeDirectories(path);
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    const probe = join(path, `.probe-${randomUUID()}`);
    await (await open(probe, 'wx', 0o600)).close();
    await rm(probe);
  } catch (error) {
    throw explain(path, error);
  }
}

/** As mkdir with `recursive`, which never ends below a directory that takes no new entries and says ENOENT, as Linux's /proc does. */
export async function makeDirectories(path: string): Promise<void> {
  const missing: string[] = [];
  for (let at = path; (await stat(at).catch(absent)) === null; at = dirname(at)) missing.unshift(at);
  for (const one of missing) {
    await mkdir(one, { mode: 0o700 }).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error; // another process was faster
    });
    // A new directory is nothing that a power cut leaves for certain. One above it that we may write and not read cannot be synced.
    await syncDirectory(dirname(one)).catch(() => undefined);
  }
}

function absent(error: unknown): null {
  if (codeOf(error) !== 'ENOENT') throw error;
  return null;
}

/** Takes the data directory for this process alone; null when another process has it. */
export async function lockDataDirectory(path: string, owner: Owner, waitMs = 0): Promise<DataDirectoryLock | null> {
  await ensureDataDirectory(path);
  const file = join(path, 'lock');
  const note = join(path, 'owner.json');
  for (let waited = 0; ; waited += 50) {
    const held = tryLock(file, path, 'exclusive');
    if (held !== null) {
      try {
        await writeDurably(note, `${JSON.stringify(owner)}\n`);
      } catch (error) {
        held.close();
        throw explain(path, error);
      }
      return {
        describe: (described) => writeDurably(note, `${JSON.stringify(described)}\n`),
        async release() {
          await rm(note, { force: true });
          held.close();
        },
      };
    }
    if (waited >= waitMs) return null;
    await sleep(50);
  }
}

/**
 * Held by every process that serves for the holder of the lock, as long as it lives: when the holder is killed, whoever takes the
 * directory next can wait until the last of them has ended.
 * @throws unavailable when it cannot be had within `waitMs`
 */
export async function joinDataDirectory(path: string, waitMs: number): Promise<{ leave(): void }> {
  for (let waited = 0; ; waited += 50) {
    const held = tryLock(join(path, SERVING), path, 'shared');
    if (held !== null) return { leave: () => held.close() };
    if (waited >= waitMs) {
      throw new CloudStoreError('unavailable', `The data directory ${path} is being taken over by another process.`);
    }
    await sleep(50);
  }
}

/** Whether nobody serves from the directory for a holder of the lock that is gone. The caller holds the lock. */
export async function nobodyServes(path: string, waitMs: number): Promise<boolean> {
  for (let waited = 0; ; waited += 50) {
    const held = tryLock(join(path, SERVING), path, 'exclusive');
    held?.close();
    if (held !== null) return true;
    if (waited >= waitMs) return false;
    await sleep(50);
  }
}

/** The note of the lock's holder; it may be a moment old, or of a process that is gone. */
export async function readOwner(path: string): Promise<Owner | null> {
  try {
    return JSON.parse(await readFile(join(path, 'owner.json'), 'utf8'));
  } catch {
    return null; // absent, or just being replaced: only a courtesy is lost
  }
}

/** Write to a temporary name, fsync, rename, fsync the directory. Mode 0600. */
export async function writeDurably(path: string, content: string): Promise<void> {
  const temporary = `${path}.new`;
  try {
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.chmod(0o600);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to tell
    throw error;
  }
  await syncDirectory(dirname(path));
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function tryLock(file: string, directory: string, how: 'exclusive' | 'shared'): FileLock | null {
  try {
    return lockFile(file, how);
  } catch (error) {
    throw explain(directory, error);
  }
}

function explain(path: string, error: unknown): CloudStoreError {
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new CloudStoreError(
      'insufficient_storage',
      `The disk of the data directory ${path} is full; free some space and start again.`,
      { cause: error },
    );
  }
  if (code === 'EROFS')
    return new CloudStoreError(
      'unavailable',
      `The data directory ${path} lies on a file system that is read-only; mount it for writing (the system mounts a disk that fails so: see its log), or choose another with --data-dir or CLOUDSTORE_DATA_DIR.`,
      { cause: error },
    );
  const why =
    code === 'ENOTDIR' || code === 'EEXIST'
      ? 'it, or something above it, is not a directory'
      : code === 'EACCES' || code === 'EPERM' || /readonly|unable to open/.test(text)
        ? 'it is not writable for this user'
        : code === 'ENOENT'
          ? 'what lies above it takes no new directory'
          : text;
  return new CloudStoreError(
    'unavailable',
    `The data directory ${path} cannot be used: ${why}. Give it to the user who starts CloudStore, or choose another with --data-dir or CLOUDSTORE_DATA_DIR.`,
    {
      cause: error,
    },
  );
}
