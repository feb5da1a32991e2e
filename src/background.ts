import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { createPackFiles } from '#blob/pack-files';
import { createShelf } from '#blob/shelf';
import type { Hub } from '#contracts/hub';
import type { Job } from '#contracts/jobs';
import type { Keyring } from '#contracts/keyring';
import type { Namespace } from '#contracts/namespace';
import type { Logger } from '#contracts/observability';
import type { Webhooks } from '#contracts/webhooks';
import type { Clock, Random } from '#core/clock';
import { createNotifier } from '#events/notifier';
import { createAlertsJob } from '#jobs/alerts';
import { createDrainJob } from '#jobs/drain';
import { createExpireAuditJob, createExpireHistoryJob, createExpireUploadsJob } from '#jobs/expire';
import { createExpireKeptJob } from '#jobs/expire-kept';
import { createGcJob } from '#jobs/gc/gc';
import { createHistoryJob } from '#jobs/history';
import { createIndexNamesJob } from '#jobs/index-names';
import { tellKilledBackups } from '#jobs/killed-backup';
import { createLifecycleJob } from '#jobs/lifecycle';
import { createMeasureJob } from '#jobs/measure';
import { createRekeyJob } from '#jobs/rekey';
import { createRunner, type Runner } from '#jobs/runner';
import type { Metadata } from '#metadata/open';
import { createVersionIds } from '#namespace/version-id';
import { alertChannels } from './alert-channels.ts';
import { extractJob } from './backup-extract-job.ts';
import { backupJobs, openOnThread } from './backup-job.ts';
import type { Config } from './config/load.ts';
import { deriveKey } from './master-key.ts';
import { mirrorJobs, paceOf, scrubJob, verifyJob } from './scrub-job.ts';
import { createSeal } from './seal.ts';
import { type Others, sharedPacks } from './shared-packs.ts';
import { SNAPSHOTS_DIRECTORY, settle, snapshotJob } from './snapshots.ts';
import type { Storage } from './storage.ts';
import { storeCheckJob } from './store-check-job.ts';

export interface BackgroundOptions {
  /** Bytes that copies of live records may take for a while. */
  room(): Promise<number>;
  config: Config;
  metadata: Metadata;
  storage: Storage;
  namespace: Namespace;
  /** What notifications of buckets need; null: a command, which delivers none. */
  notify: { hub: Hub; webhooks: Webhooks; space(): { free: number; minFree: number } } | null;
  dataDirectory: string;
  /** Of now. */
  masterKey(): Buffer;
  keyring: Keyring;
  /** Whether what is stored now is encrypted. */
  encrypted: boolean;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Or it only asks others to. One process of a gateway takes the work. */
  takesWork: boolean;
  /** The other processes of the gateway, of its first one; null: it is the only one, or not the first. */
  others: Others | null;
  /** Requests are running: what can wait is to go slower. */
  busy(): boolean;
}

/** What the key of rows that are sealed is derived for. */
export const SEALED_ROWS = 'sealed rows';

const DAY_MS = 24 * 3600 * 1000;

/** Every job there is; each is made by its own file. */
export function backgroundJobs(options: BackgroundOptions): Job[] {
  const { config, metadata, storage, keyring, encrypted, dataDirectory, masterKey, clock, random, log, others } = options;
  const { collection, packs, dumps, expiry, chunks, keys, keyedRows: rows } = metadata;
  const { rekeying } = storage;
  const { values } = config;
  const own = createPackFiles(storage);
  const files = others === null ? own : sharedPacks(own, others);
  const shelf = createShelf({ directory: join(dataDirectory, SNAPSHOTS_DIRECTORY), disk: nodeDiskOps() });
  const beforeRemoval = () => settle({ dumps, shelf, masterKey: masterKey(), random }, options.log);
  return [
    createGcJob({ collection, packs, files, room: options.room, beforeRemoval, clock, random }),
    createExpireAuditJob(metadata.audit(keyring), values['audit-days'] * DAY_MS, clock),
    createExpireUploadsJob(expiry, values['upload-days'] * DAY_MS),
    createExpireHistoryJob(expiry, values['history-days']),
    createHistoryJob({ history: metadata.history, tasks: metadata.historyTasks }),
    createMeasureJob(metadata.usage, clock),
    createLifecycleJob({ ...metadata, rows: metadata.lifecycle, mint: createVersionIds({ clock, random }), clock, log }),
    ...(options.notify === null ? [] : [alertsJob(options, options.notify)]),
    ...(options.notify === null ? [] : [createNotifier({ ...metadata, ...options.notify, region: 'us-east-1', log })]),
    createExpireKeptJob(metadata),
    createIndexNamesJob({ names: metadata.names, clock }),
    createRekeyJob({
      ...{ keyring, keys, chunks, packs, rows, rekeying, collection, encrypted, log },
      pace: paceOf(options),
      total: async () => (await metadata.space.stored()).chunks,
    }),
    snapshotJob({ dumps, shelf, masterKey, random }),
    scrubJob(options),
    verifyJob(options),
    ...mirrorJobs(options),
    createDrainJob({ registry: metadata.stores, stores: storage.stores, files, collection, roomiest: storage.roomiest }),
    ...backupJobs(options),
    extractJob({ ...options, open: (backup, context) => openOnThread(backup, context, options) }),
    storeCheckJob({
      seal: createSeal({ key: () => deriveKey(masterKey(), SEALED_ROWS), random }),
      runs: metadata.runs,
      clock,
      random,
    }),
    ...storage.jobs,
  ];
}

function alertsJob(
  { config, metadata, clock }: BackgroundOptions,
  { webhooks, space }: NonNullable<BackgroundOptions['notify']>,
): Job {
  return createAlertsJob({
    store: metadata.alerts,
    jobs: metadata.jobStore,
    killed: () => tellKilledBackups(metadata),
    damaged: () => metadata.integrity.damageCount(),
    space,
    channels: alertChannels(config, webhooks),
    clock,
  });
}

/** What goes on behind the requests of a gateway. */
export async function startBackground(options: BackgroundOptions): Promise<Runner> {
  const { metadata, clock, random, log } = options;
  const { jobStore: store, signals } = metadata;
  const runner = createRunner({ jobs: backgroundJobs(options), store, signals, clock, random, log });
  if (options.takesWork) await runner.start();
  return runner;
}
