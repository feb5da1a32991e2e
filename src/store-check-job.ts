import { hostname } from 'node:os';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLocalDisk } from '#blob/local-disk';
import type { BlobStore } from '#contracts/blob-store';
import { STORE_CHECK_JOB } from '#contracts/check-desk';
import { type Job, wasCancelled } from '#contracts/jobs';
import type { Run, RunStore } from '#contracts/runs';
import type { Seal } from '#contracts/seal';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { describeS3Location, parseS3Location } from '#core/s3-location';
import { checkPrefix, checkStorage, removeChecks } from './cli/check-storage.ts';

/** What is to be tried out. The URL holds a secret, so it lies sealed in the row of the job. */
export type OrderedCheck = { kind: 'directory'; directory: string } | { kind: 's3'; url: string };

const ABOUT = 'store check';

export function sealOrder(seal: Seal, order: OrderedCheck): { sealed: string } {
  return { sealed: seal.seal(Buffer.from(JSON.stringify(order)), ABOUT).toString('base64') };
}

export interface StoreCheckOptions {
  seal: Seal;
  runs: RunStore;
  clock: Clock;
  random: Random;
}

/** `cloudstore check-storage` as a job. What it makes is found again by its prefix, which is saved: one that was killed is cleared up by the next. */
export function storeCheckJob({ seal, runs, clock, random }: StoreCheckOptions): Job {
  return {
    name: STORE_CHECK_JOB,
    everyMs: null,
    async run({ argument, state, save, signal, progress }) {
      const { order, ask } = orderOf(seal, argument);
      const startedMs = clock.now();
      const place = order.kind === 'directory' ? order.directory : describeS3Location(parseS3Location(order.url));
      const about = { place, host: hostname(), ask };
      const add = (run: Pick<Run, 'outcome' | 'message'> & { report?: object }): Promise<void> =>
        runs.add({ kind: 'check-storage', startedMs, endedMs: clock.now(), ...run, report: { ...about, ...run.report } });
      const before = state as { prefix: string; place: string } | null; // what we saved
      try {
        const store = await open(order, random);
        try {
          if (before !== null && before.place === place) await removeChecks(store, before.prefix);
          const prefix = checkPrefix(random);
          await save({ prefix, place });
          const told = ({ done, total }: { done: number; total: number }): void => progress({ done, total, unit: 'checks' });
          const report = await checkStorage(store, place, random, { prefix, signal, told });
          if (report.left === 0) await save(null);
          await add({ outcome: 'done', message: null, report });
        } finally {
          await store.close();
        }
      } catch (error) {
        if (signal.aborted) {
          if (wasCancelled(signal)) await add({ outcome: 'cancelled', message: null });
          throw error;
        }
        if (!isCloudStoreError(error)) throw error;
        // That a place is no store is what was to be found out, and no failure of the gateway's.
        await add({ outcome: 'failed', message: error.message });
      }
    },
  };
}

async function open(order: OrderedCheck, random: Random): Promise<BlobStore> {
  if (order.kind === 'directory') return createLocalDisk({ directory: order.directory, disk: nodeDiskOps(), tidy: false });
  const { createS3Store } = await import('#blob/s3'); // the client is only loaded where it is used
  return createS3Store({ location: parseS3Location(order.url), random, attemptsMax: 3 });
}

/** @throws invalid_argument */
function orderOf(seal: Seal, argument: unknown): { order: OrderedCheck; ask: string | null } {
  const { sealed, ask } = (typeof argument === 'object' ? (argument ?? {}) : {}) as Record<string, unknown>; // from whoever started it
  const plain = typeof sealed === 'string' ? seal.open(Buffer.from(sealed, 'base64'), ABOUT) : null;
  if (plain === null)
    throw new CloudStoreError(
      'invalid_argument',
      'Say on the page of storage which store is to be tried out, or use check-storage.',
    );
  return { order: JSON.parse(plain.toString()), ask: typeof ask === 'string' ? ask : null };
}
