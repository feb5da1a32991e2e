import { once } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { AlertStore } from '#contracts/alerts';
import { BACKUP_CHECK_JOB, BACKUP_JOB, BACKUP_OPEN_JOB, type BackupNamed, RESTORE_JOB } from '#contracts/backups';
import type { InstanceStore } from '#contracts/instance-store';
import type { Job, JobContext } from '#contracts/jobs';
import type { Run, RunStore } from '#contracts/runs';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { findsMark, OPENED_DIRECTORY, tidyOpened } from './backup-opened.ts';
import { aboutOf, type BackupOrders, type FromBackupThread, RUN_KIND } from './backup-orders.ts';
import { assertBackupName, backupPlace, backupSource, restorePlace } from './backup-place.ts';
import { failedBackup } from './backup-run.ts';
import type { Config } from './config/load.ts';

export interface BackupJobOptions {
  config: Config;
  metadata: { alerts: AlertStore; runs: RunStore; instance: Pick<InstanceStore, 'unregister'> };
  clock: Clock;
  /** Of now. */
  masterKey(): Buffer;
}

/** How long one who is cancelled may take to see it: a piece of a pack is read and written to its end. A disk that hangs may take longer. */
const CANCEL_MS_MAX = 10_000;
const SILENT = 'The thread of the backup ended without a word.';
const NEEDED = 'Name the directory: on the page of backups, or with cloudstore backup --to.';

const OPEN_NEEDS = 'Say on the page of backups which backup is to be opened.';
/** What was opened is removed a day after it was looked at last. */
const TIDY_EVERY_MS = 3600_000;

const RESTORE_NEEDS = 'Say on the page of backups which backup is to be restored, and where to.';

/**
 * `cloudstore backup`, `restore --check` and `restore` as jobs of the gateway, each on a thread of its own, because reading gigabytes of records would keep this one
 * from answering requests. One that is cut short leaves nothing but packs that the next one finds there.
 */
export function backupJobs(options: BackupJobOptions): Job[] {
  const { config, metadata, masterKey } = options;
  const orders = (task: BackupOrders['task']): BackupOrders => ({ config, masterKey: masterKey(), task });
  return [
    {
      name: BACKUP_JOB,
      everyMs: null,
      async run(context) {
        try {
          const { to, verify, keep } = argumentOf(context);
          if (typeof to !== 'string') throw new CloudStoreError('invalid_argument', NEEDED);
          const place = await backupPlace(to, config);
          const kept = typeof keep === 'number' ? keep : null;
          await onThread(orders({ kind: 'backup', to: place, verify: verify === true, keep: kept }), context, options);
        } catch (error) {
          // The thread has said so already, unless it never began or could not.
          if (!context.signal.aborted && !(error instanceof TakenError))
            await metadata.alerts.raise(failedBackup(error)).catch(() => undefined);
          throw error;
        }
      },
    },
    {
      name: BACKUP_CHECK_JOB,
      everyMs: null,
      async run(context) {
        const { from, name } = argumentOf(context);
        if (typeof from !== 'string') throw new CloudStoreError('invalid_argument', NEEDED);
        const place = await backupSource(from);
        await onThread(orders({ kind: 'check', from: place, name: typeof name === 'string' ? name : null }), context, options);
      },
    },
    {
      name: RESTORE_JOB,
      everyMs: null,
      async run(context) {
        const { from, name, to } = argumentOf(context);
        if (typeof from !== 'string' || typeof name !== 'string' || typeof to !== 'string')
          throw new CloudStoreError('invalid_argument', RESTORE_NEEDS);
        const source = await backupSource(from);
        const place = await restorePlace(to, source, config);
        await onThread(orders({ kind: 'restore', from: source, name, to: place }), context, options);
      },
    },
    {
      name: BACKUP_OPEN_JOB,
      everyMs: TIDY_EVERY_MS,
      async run(context) {
        const directory = join(config.values['data-dir'], OPENED_DIRECTORY);
        await tidyOpened(directory, options.clock.now());
        if (context.argument === null) return;
        const { from, name, mark, host } = argumentOf(context);
        if (typeof from !== 'string' || typeof name !== 'string') throw new CloudStoreError('invalid_argument', OPEN_NEEDS);
        assertBackupName(name);
        if (typeof mark === 'string' && !(await findsMark(directory, mark)))
          throw new CloudStoreError(
            'conflict',
            `The backup was to be opened on the machine ${host}, but ${hostname()} took the job, another one of the same database. Open it once more, or look into it on ${host} with cloudstore backup list.`,
          );
        await openOnThread({ from: await backupSource(from), name }, context, options);
      },
    },
  ];
}

/** Reads what a backup says of files, unless that was done already. @throws as makeOpened */
export async function openOnThread(
  { from, name }: BackupNamed,
  context: Pick<JobContext, 'signal' | 'progress'>,
  options: BackupJobOptions,
): Promise<void> {
  await onThread(
    { config: options.config, masterKey: options.masterKey(), task: { kind: 'open', from, name } },
    context,
    options,
  );
}

/** Another backup is being made into the directory: told in the history, and no reason for an alert. */
class TakenError extends CloudStoreError {
  constructor(message: string) {
    super('conflict', message);
  }
}

/** Of whoever asked for it; anything may have been given to a job. */
function argumentOf({ argument }: JobContext): Record<string, unknown> {
  return typeof argument === 'object' && argument !== null ? { ...argument } : {};
}

/** @throws corrupt when what was made or read again is not whole, internal with what the thread says */
async function onThread(
  orders: BackupOrders,
  { signal, progress }: Pick<JobContext, 'signal' | 'progress'>,
  options: BackupJobOptions,
): Promise<void> {
  const startedMs = options.clock.now();
  let registered: number | null = null;
  /** A database server that the thread has started would go on without it. */
  let serving = false;
  const thread = new Worker(new URL('./backup-thread.ts', import.meta.url), { workerData: orders });
  const ended = Promise.withResolvers<FromBackupThread | null>();
  thread.on('message', (message: FromBackupThread) => {
    if (message.kind === 'progress') progress({ done: message.done, total: message.total, unit: 'bytes' });
    else if (message.kind === 'registered') registered = message.number;
    else if (message.kind === 'database') serving = message.runs;
    else ended.resolve(message);
  });
  thread.on('error', ended.reject);
  thread.on('exit', () => ended.resolve(null));
  let late: NodeJS.Timeout | null = null;
  const cancel = (): void => {
    thread.postMessage('cancel');
    late = setInterval(() => {
      if (!serving) void thread.terminate();
    }, CANCEL_MS_MAX);
  };
  if (signal.aborted) cancel();
  else signal.addEventListener('abort', cancel, { once: true });
  try {
    const end = await ended.promise.catch(async (error: unknown) => {
      await speakFor(orders, { startedMs, registered, error: signal.aborted ? null : error }, options);
      throw error;
    });
    if (end === null)
      await speakFor(orders, { startedMs, registered, error: signal.aborted ? null : new Error(SILENT) }, options);
    signal.throwIfAborted();
    if (end === null) throw new CloudStoreError('internal', SILENT);
    if (end.kind === 'failed' && end.taken) throw new TakenError(end.message);
    if (end.kind === 'failed') throw new CloudStoreError('internal', end.message);
    if (end.kind === 'done' && end.faults.length > 0)
      throw new CloudStoreError('corrupt', `The backup is not whole: ${end.faults[0]}`);
  } finally {
    signal.removeEventListener('abort', cancel);
    if (late !== null) clearInterval(late);
    if (thread.threadId !== -1) {
      const gone = once(thread, 'exit');
      await thread.terminate();
      await gone.catch(() => undefined);
    }
  }
}

/**
 * A thread that was ended from outside has neither signed off nor written down how it went. In its place: else collection waits for it, and what was cancelled is
 * told as killed.
 */
async function speakFor(
  { task }: BackupOrders,
  { startedMs, registered, error }: { startedMs: number; registered: number | null; error: unknown },
  { metadata, clock }: BackupJobOptions,
): Promise<void> {
  const about = aboutOf(task);
  const outcome = error === null ? 'cancelled' : 'failed';
  const message = error === null ? null : error instanceof Error ? error.message : String(error);
  const kind = RUN_KIND[task.kind];
  const run: Omit<Run, 'id'> | null = kind && {
    kind,
    ...{ startedMs, endedMs: clock.now(), outcome, message },
    report: about,
  };
  // The end of the job is told in any case.
  if (registered !== null) await metadata.instance.unregister(registered).catch(() => undefined);
  if (run !== null) await metadata.runs.add(run).catch(() => undefined);
}
