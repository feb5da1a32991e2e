import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { createShelf } from '#blob/shelf';
import type { AlertStore } from '#contracts/alerts';
import { BACKUP_JOB } from '#contracts/backups';
import type { Run, RunKind, RunStore } from '#contracts/runs';
import type { Clock } from '#core/clock';
import { type BackupLock, isTaken, lockBackups } from './backup-lock.ts';
import { type BackupOptions, type BackupReport, backupTo } from './cli/offline/backup.ts';
import { backupPaths, readBackupList } from './cli/offline/backup-list.ts';
import { pinned } from './cli/offline/pin.ts';
import { type BackupVerdict, verifyBackup } from './cli/offline/verify-backup.ts';

export interface BackupRunOptions extends Omit<BackupOptions, 'alive' | 'progress'> {
  verify: boolean;
  by: 'command' | 'gateway';
  clock: Clock;
  /** Bytes that are copied and, where it is verified, read again; of all. */
  progress?(done: number, total: number): void;
  /** As what it is registered while it copies. */
  registered?(number: number): void;
}

export interface BackupRun {
  report: BackupReport;
  /** null: it was not read again. */
  verdict: BackupVerdict | null;
}

/** What a backup lacks, and what is wrong with it where it was read again. */
export function faultsOf({ report, verdict }: BackupRun): string[] {
  return [...report.lacking, ...(verdict?.faults ?? [])];
}

/** Faults that are kept of one run; the command line tells all. */
const FAULTS_KEPT = 20;

/**
 * One backup from its snapshot to its place in the history, for the command and for the gateway's job. Whoever runs backups by a timer reads no output:
 * one that fails, or is not whole, raises an alert that stands until one succeeds.
 */
export async function runBackup(options: BackupRunOptions): Promise<BackupRun> {
  const { metadata, to, by, clock, signal } = options;
  const { alerts, runs } = metadata;
  const about = { directory: to, host: hostname(), by };
  return recorded({ runs, kind: 'backup', clock, ...(signal && { signal }), about }, async () => {
    let lock: BackupLock | null = null;
    try {
      lock = await lockBackups(to, { by, clock, random: options.random });
      const made = await make({ ...options, signal: signal === undefined ? lock.lost : AbortSignal.any([signal, lock.lost]) });
      const { report, verdict } = made;
      const { name, taken, packs, bytes, copiedBytes, removed } = report;
      const [fault] = faultsOf(made);
      if (fault === undefined) await alerts.clear('job-failed', BACKUP_JOB);
      else await alerts.raise(failedBackup(`it is not whole: ${fault}`));
      const sameDisk = await shareDisk(to, options.dataDirectory);
      const shown = { name, taken, packs, bytes, copiedBytes, removed: removed.backups, sameDisk, verified: verdictOf(verdict) };
      return { made, shown };
    } catch (error) {
      // The database may be what failed. One that is refused because another is being made is no failure of backups.
      if (signal?.aborted !== true && !isTaken(error)) await alerts.raise(failedBackup(error)).catch(() => undefined);
      throw error;
    } finally {
      await lock?.release();
    }
  });
}

async function make(options: BackupRunOptions): Promise<BackupRun> {
  const { metadata, to, verify, masterKey, disk, signal, progress } = options;
  const twice = verify ? 2 : 1;
  const report = await pinned(
    metadata,
    (heart) =>
      backupTo({
        ...options,
        progress: (done, total) => progress?.(done, total * twice),
        async alive() {
          signal?.throwIfAborted();
          await heart();
        },
      }),
    options.registered,
  );
  if (!verify) return { report, verdict: null };
  const lists = createShelf({ directory: backupPaths(to).lists, disk });
  const list = await readBackupList(lists, report.name, masterKey);
  const told = (done: number, total: number): void => {
    signal?.throwIfAborted();
    progress?.(total + done, total * 2);
  };
  return { report, verdict: await verifyBackup({ from: to, masterKey, disk, progress: told, ...(signal && { signal }) }, list) };
}

interface Recorded {
  runs: RunStore;
  kind: RunKind;
  clock: Clock;
  signal?: AbortSignal;
  about: Record<string, unknown>;
}

/** Does something and writes down how it ended. */
export async function recorded<T>(
  { runs, kind, clock, signal, about }: Recorded,
  work: () => Promise<{ made: T; shown: Record<string, unknown> }>,
): Promise<T> {
  const startedMs = clock.now();
  const add = (outcome: Run['outcome'], message: string | null, report: Record<string, unknown>): Promise<void> =>
    runs.add({ kind, startedMs, endedMs: clock.now(), outcome, message, report: { ...about, ...report } });
  try {
    const { made, shown } = await work();
    await add('done', null, shown);
    return made;
  } catch (error) {
    const outcome = signal?.aborted === true ? 'cancelled' : 'failed';
    await add(outcome, outcome === 'failed' ? sentence(error) : null, {}).catch(() => undefined); // the first error is what counts
    throw error;
  }
}

export function verdictOf(verdict: BackupVerdict | null) {
  if (verdict === null) return null;
  const { records, faults } = verdict;
  return { records, faults: faults.slice(0, FAULTS_KEPT), faultCount: faults.length };
}

/** What the owner is told until one succeeds. */
export function failedBackup(why: unknown): Parameters<AlertStore['raise']>[0] {
  return { kind: 'job-failed', subject: BACKUP_JOB, text: `The last backup failed: ${sentence(why)}` };
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A backup beside what it is a backup of is lost together with it. */
async function shareDisk(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one), stat(other)]).catch(() => [null, null]);
  return a !== null && b !== null && a.dev === b.dev;
}
