import { createHmac, timingSafeEqual } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { BACKUP_EXTRACT_JOB, type BackupNamed, type ExtractConflict, type ExtractTarget } from '#contracts/backups';
import { type Job, type JobContext, wasCancelled } from '#contracts/jobs';
import type { Namespace } from '#contracts/namespace';
import type { PrincipalStore } from '#contracts/principal-store';
import type { Run, RunStore } from '#contracts/runs';
import type { Clock, Random } from '#core/clock';
import type { Credential } from '#core/credential';
import { CloudStoreError } from '#core/errors';
import type { Protocol, Who } from '#core/principal';
import { type ExtractState, extractInto, none } from './backup-extract.ts';
import { OPENED_DIRECTORY, openedBackup } from './backup-opened.ts';
import { backupSource } from './backup-place.ts';

/** What the job is told. Its seal says that it comes from who has the master key: a job may be started with anything. */
export interface ExtractOrder extends BackupNamed {
  /** Of this one order. */
  id: string;
  bucket: string;
  key: string;
  version: string | null;
  target: ExtractTarget & { id: number };
  conflict: ExtractConflict;
  by: number;
  /** What it was asked for with, and so all that it may; null: by a command on the machine. */
  credential: Credential | null;
  protocol: Protocol;
  requestId: string;
}

export interface ExtractJobOptions {
  dataDirectory: string;
  namespace: Namespace;
  metadata: { principals: PrincipalStore; runs: RunStore };
  clock: Clock;
  random: Random;
  /** Of now. */
  masterKey(): Buffer;
  /** Makes the backup ready to be read, where it is not yet. */
  open(backup: BackupNamed, context: Pick<JobContext, 'signal' | 'progress'>): Promise<void>;
}

const NEEDED = 'Say on the page of backups, or with cloudstore backup extract, what is to be brought back.';

export function sealedOrder(order: ExtractOrder, masterKey: Buffer): { order: string; seal: string } {
  const text = JSON.stringify(order);
  return { order: text, seal: sealOf(text, masterKey).toString('hex') };
}

/**
 * Files out of a backup into a bucket, on behalf of the admin who asked, by the credential that it was asked for with: what these may not do, or may no longer, is refused. One that was cut short by the gateway's end goes
 * on where it was; the history tells how it ended.
 */
export function extractJob(options: ExtractJobOptions): Job {
  return {
    name: BACKUP_EXTRACT_JOB,
    everyMs: null,
    async run(context) {
      const order = orderOf(context, options.masterKey());
      const startedMs = options.clock.now();
      const latest = stateOf(context, order);
      const { bucket, key, name, target } = order;
      const about = {
        directory: order.from,
        host: hostname(),
        name,
        bucket,
        key,
        to: `${target.bucket}/${target.folder}${target.name}`,
      };
      const end = (outcome: Run['outcome'], message: string | null): Promise<void> => {
        const { counts, failures } = latest;
        const report = { ...about, ...counts, failures };
        return options.metadata.runs.add({
          ...{ kind: 'backup-extract', startedMs, endedMs: options.clock.now(), outcome, message, report },
        });
      };
      try {
        await carryOut(order, latest, context, options);
      } catch (error) {
        // Whoever comes next goes on with what the gateway's end cut short, and tells its end.
        if (wasCancelled(context.signal)) await end('cancelled', null).catch(() => undefined);
        else if (!context.signal.aborted)
          await end('failed', error instanceof Error ? error.message : String(error)).catch(() => undefined);
        throw error;
      }
      await end('done', null);
      await context.save(null);
      const { failures, counts } = latest;
      const [first] = failures;
      if (first !== undefined)
        throw new CloudStoreError(
          'corrupt',
          `${counts.failed} files could not be brought back. The first is ${first.key}: ${first.why}`,
        );
    },
  };
}

async function carryOut(
  order: ExtractOrder,
  state: ExtractState,
  context: JobContext,
  { dataDirectory, namespace, metadata, clock, random, masterKey, open }: ExtractJobOptions,
): Promise<void> {
  const { signal, save, progress } = context;
  const who = await whoOf(order, metadata.principals);
  const backup = { from: await backupSource(order.from), name: order.name };
  const opened = { directory: join(dataDirectory, OPENED_DIRECTORY), masterKey: masterKey(), disk: nodeDiskOps(), random };
  await open(backup, context);
  const files = await openedBackup(backup, opened, clock.now());
  if (files === null) throw new CloudStoreError('unavailable', 'What was read of the backup is gone; ask for it once more.');
  try {
    const { target, conflict } = order;
    await extractInto({
      ...{ files, namespace, who, signal, conflict, state },
      source: order,
      target: { bucket: target.id, folder: target.folder, name: target.name },
      save: () => save({ order: order.id, ...state }),
      progress: (done, total, { bytes: _, ...counts }) => progress({ done, total, unit: 'bytes', counts }),
    });
  } finally {
    await files.close();
  }
}

/** @throws invalid_argument: not ours */
function orderOf({ argument }: JobContext, masterKey: Buffer): ExtractOrder {
  const { order, seal }: { order?: unknown; seal?: unknown } = typeof argument === 'object' && argument !== null ? argument : {};
  if (typeof order !== 'string' || typeof seal !== 'string') throw new CloudStoreError('invalid_argument', NEEDED);
  const given = Buffer.from(seal, 'hex');
  const expected = sealOf(order, masterKey);
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new CloudStoreError('invalid_argument', NEEDED);
  return JSON.parse(order);
}

function stateOf({ state }: JobContext, { id }: ExtractOrder): ExtractState {
  const saved = state as (ExtractState & { order: string }) | null; // as it was saved above
  if (saved?.order !== id) return { after: '', counts: none(), failures: [] };
  return { after: saved.after, counts: saved.counts, failures: saved.failures };
}

/** Reduced as the credential was, however long ago: a job outlives sessions. @throws access_denied */
export async function whoOf(
  { by, credential, protocol, requestId }: Pick<ExtractOrder, 'by' | 'credential' | 'protocol' | 'requestId'>,
  principals: Pick<PrincipalStore, 'find'>,
): Promise<Who> {
  const found = await principals.find(by);
  if (found === null || found.disabled || found.role !== 'admin')
    throw new CloudStoreError('access_denied', 'Who asked for this is no admin any more.');
  const { id, name, role, groups } = found;
  return {
    principal: { id, name, role, ...(groups && { groups }), ...(credential && { credential }) },
    ...{ protocol, requestId },
  };
}

function sealOf(order: string, masterKey: Buffer): Buffer {
  return createHmac('sha256', masterKey).update(`cloudstore backup extract order v1\n${order}`).digest();
}
