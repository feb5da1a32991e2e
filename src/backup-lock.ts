import { readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, diskError } from '#blob/disk-error';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { makeDirectories, writeDurably } from './data-directory.ts';
import { type FileLock, tryLock } from './file-lock.ts';

/** Beside the backups: the file whose lock is held, and the note that says by whom. */
export const BACKUP_LOCK_FILES = { lock: 'backup.lock', note: 'backup-holder.json' } as const;

/** Who makes a backup into a directory. Written for people, and for machines that do not see one another's locks. */
export interface BackupHolder {
  host: string;
  pid: number;
  by: 'command' | 'gateway';
  /** ISO. */
  since: string;
  /** Of one run: whoever finds another one has lost the directory. */
  token: string;
  /** Counts up as long as its process lives. */
  beat: number;
}

export interface BackupLock {
  /** Fires, with a CloudStoreError, when somebody else has taken the directory: we were silent for so long that we passed for dead. */
  readonly lost: AbortSignal;
  /** Never fails: what stays behind is told apart by the next. */
  release(): Promise<void>;
}

export interface BackupLockOptions {
  by: BackupHolder['by'];
  clock: Clock;
  random: Random;
  host?: string;
  /** How often the holder says that it lives, and for how long a note of another machine must not move before it passes for dead. */
  beatMs?: number;
  quietMs?: number;
}

const BEAT_MS = 3_000;
const QUIET_MS = 20_000;
/** A look by somebody else holds the lock for a moment. */
const LOOK_MS_MAX = 300;

/**
 * Takes a directory of backups for one run, and makes it where it is absent. What decides is the operating system's lock, which ends with its process. Not every
 * file system shows the locks of another machine (a drive mounted over the network, some in user space): there the note decides, which its holder
 * rewrites every few seconds. No clocks are compared, and nobody is asked to delete a file.
 * @throws conflict with `details.holder` when another run has it, unavailable, insufficient_storage
 */
export async function lockBackups(directory: string, options: BackupLockOptions): Promise<BackupLock> {
  const { by, clock, random, host = hostname(), beatMs = BEAT_MS, quietMs = QUIET_MS } = options;
  const note = join(directory, BACKUP_LOCK_FILES.note);
  try {
    await makeDirectories(directory);
  } catch (error) {
    throw diskError(error, `making ${directory}`);
  }
  const held = await takeFile(directory, LOOK_MS_MAX);
  try {
    const before = await readHolder(directory);
    const died = before === null || (held.sure && before.host === host);
    if (!died) await untilQuiet(directory, before, { beatMs, quietMs });
    const token = random(16).toString('hex');
    const mine: BackupHolder = { host, pid: process.pid, by, since: new Date(clock.now()).toISOString(), token, beat: 0 };
    await writeDurably(note, noted(mine));
    return keep(directory, held, mine, beatMs);
  } catch (error) {
    held.close();
    throw isCloudStoreError(error) ? error : diskError(error, `writing ${note}`);
  }
}

/** Who makes a backup there now, for whoever wants to be told before a job is begun; what decides is the lock that the job takes. */
export async function backupHolder(directory: string): Promise<BackupHolder | 'somebody' | null> {
  const file = join(directory, BACKUP_LOCK_FILES.lock);
  try {
    // Never opened for reading: closing it would end what this very process holds (fcntl).
    if ((await stat(file).catch(() => null)) === null) return null;
    const lock = tryLock(file, 'exclusive');
    if (lock === null) return (await readHolder(directory)) ?? 'somebody';
    lock.close();
  } catch {
    // Whatever is wrong there is told by the job.
  }
  return null;
}

/** One sentence. */
export function refusal(directory: string, holder: BackupHolder | 'somebody'): CloudStoreError {
  const who =
    holder === 'somebody'
      ? 'another process'
      : `${holder.by === 'gateway' ? 'a gateway' : 'a command'} (process ${holder.pid} on ${holder.host}, since ${holder.since})`;
  return new CloudStoreError(
    'conflict',
    `A backup into ${directory} is being made by ${who}. Wait until it has ended, or name another directory.`,
    { details: { holder } },
  );
}

/** Whether a backup was refused because another one is being made: nothing has failed then. */
export function isTaken(error: unknown): boolean {
  return isCloudStoreError(error, 'conflict') && error.details.holder !== undefined;
}

interface HeldFile extends FileLock {
  /** The file system has locks: what another process of this machine holds would have been seen. */
  sure: boolean;
}

async function takeFile(directory: string, waitMs: number): Promise<HeldFile> {
  for (let waited = 0; ; waited += 50) {
    const lock = lockOrNone(join(directory, BACKUP_LOCK_FILES.lock));
    if (lock !== null) return lock;
    if (waited >= waitMs) throw refusal(directory, (await readHolder(directory)) ?? 'somebody');
    await sleep(50);
  }
}

/** SQLite's SQLITE_IOERR_LOCK and its kin: there is a file, and it takes no lock. */
const LOCKLESS = new Set([3850, 2314, 3594]);

function lockOrNone(file: string): HeldFile | null {
  try {
    const lock = tryLock(file, 'exclusive');
    return lock === null ? null : { sure: true, close: () => lock.close() };
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && LOCKLESS.has(Number(error.errcode)))
      return { sure: false, close: () => undefined };
    throw new CloudStoreError('unavailable', `Nothing can be written into ${file}: ${String(error)}`, { cause: error });
  }
}

async function readHolder(directory: string): Promise<BackupHolder | null> {
  try {
    const read: Partial<BackupHolder> = JSON.parse(await readFile(join(directory, BACKUP_LOCK_FILES.note), 'utf8'));
    return typeof read.token === 'string' && typeof read.host === 'string' ? (read as BackupHolder) : null; // as noted() writes it
  } catch (error) {
    if (codeOf(error) !== undefined && codeOf(error) !== 'ENOENT') throw diskError(error, 'reading who makes a backup');
    return null; // none, or cut short by a power cut
  }
}

/** @throws conflict: whoever wrote the note lives */
async function untilQuiet(
  directory: string,
  { token, beat }: BackupHolder,
  { beatMs, quietMs }: { beatMs: number; quietMs: number },
): Promise<void> {
  for (let waited = 0; waited < quietMs; waited += beatMs) {
    await sleep(beatMs);
    const now = await readHolder(directory);
    if (now === null) return;
    if (now.token !== token || now.beat !== beat) throw refusal(directory, now);
  }
}

/** Says every few seconds that its process lives, and sees whether somebody has taken it for dead. */
function keep(directory: string, held: HeldFile, mine: BackupHolder, beatMs: number): BackupLock {
  const path = join(directory, BACKUP_LOCK_FILES.note);
  const lost = new AbortController();
  let writing: Promise<void> = Promise.resolve();
  async function beat(): Promise<void> {
    const now = await readHolder(directory);
    if (now?.token === mine.token) {
      mine.beat += 1;
      await writeDurably(path, noted(mine));
    } else lost.abort(refusal(directory, now ?? 'somebody'));
  }
  // What fails here fails in the copying too, for somebody to hear.
  const timer = setInterval(() => {
    writing = writing.then(beat).catch(() => undefined);
  }, beatMs);
  return {
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      await writing;
      const now = await readHolder(directory).catch(() => null);
      if (now?.token === mine.token) await rm(path, { force: true }).catch(() => undefined);
      held.close();
    },
  };
}

function noted(holder: BackupHolder): string {
  return `${JSON.stringify(holder)}\n`;
}
