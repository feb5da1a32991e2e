import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAuthorizer } from '#auth/authorizer';
import type { Job, JobStatus } from '#contracts/jobs';
import { CloudStoreError } from '#core/errors';
import { createJobs, createRunner } from '#jobs/runner';
import { createBuckets } from '#namespace/buckets';
import { createNamespace } from '#namespace/namespace';
import { backgroundJobs } from '../background.ts';
import { lockDataDirectory } from '../data-directory.ts';
import { mirrorPlaceOf } from '../mirror.ts';
import { ofDisk } from '../space-guard.ts';
import { openStorage } from '../storage.ts';
import type { Session, SessionOptions } from './session.ts';

const POLL_MS = 250;
/** A gateway looks for work every few seconds, and at once when it is told. */
const TAKEN_MS_MAX = 20_000;

export interface Followed {
  /** Wait for its end. */
  wait: boolean;
  /** Just this, and nothing where one runs already. @throws conflict */
  alone?: boolean;
  /** Told while it runs. */
  shown(status: JobStatus): void;
}

/**
 * Runs a job: on a gateway that serves from this data directory or on another one of its database, else here.
 * @throws not_found, unavailable; internal with what a failed job said
 */
export async function runJob(
  session: Session,
  options: SessionOptions,
  name: string,
  argument: unknown,
  followed: Followed,
): Promise<JobStatus> {
  const own = await takeOver(session, options, name);
  try {
    const jobs = createJobs(session.metadata.jobStore);
    const before = await statusOf(jobs, name);
    await (followed.alone === true ? jobs.startAlone(name, argument) : jobs.start(name, argument));
    if (!followed.wait && own === null) return await statusOf(jobs, name);
    return await end(jobs, name, before, followed);
  } finally {
    await own?.close();
  }
}

async function end(
  jobs: { list(): Promise<JobStatus[]> },
  name: string,
  before: JobStatus,
  { shown }: Followed,
): Promise<JobStatus> {
  for (let waited = 0; ; waited += POLL_MS) {
    const status = await statusOf(jobs, name);
    if (status.state === 'idle' && status.endedMs !== before.endedMs) {
      if (status.outcome?.kind === 'failed')
        throw new CloudStoreError('internal', status.outcome.message ?? `The job ${name} failed.`);
      return status;
    }
    if (status.state === 'running') waited = 0;
    if (waited > TAKEN_MS_MAX)
      throw new CloudStoreError(
        'unavailable',
        `No gateway of this database takes the job ${name}; start one, or see cloudstore doctor.`,
      );
    shown(status);
    await sleep(POLL_MS);
  }
}

async function statusOf(jobs: { list(): Promise<JobStatus[]> }, name: string): Promise<JobStatus> {
  const found = (await jobs.list()).find((status) => status.name === name);
  if (found === undefined) throw new CloudStoreError('not_found', `There is no job ${name}.`);
  return found;
}

/** Where no gateway serves from this data directory, this command is the one that runs jobs, for as long as it takes. null: one does. */
async function takeOver(session: Session, options: SessionOptions, name: string): Promise<{ close(): Promise<void> } | null> {
  const { config, clock, random, log } = options;
  const { values } = config;
  const opened = new AsyncDisposableStack();
  try {
    if (!session.alone) {
      if (values['database-url'] === null) return null;
      const lock = await lockDataDirectory(values['data-dir'], { kind: 'command', pid: process.pid });
      if (lock === null) return null;
      opened.defer(() => lock.release());
    }
    const { metadata, keyring } = session;
    const { instance, chunks, collection, jobStore: store, signals } = metadata;
    // Nobody else has the embedded database: what is registered there has died.
    if (session.alone) await collection.fence(0);
    instance.onTurn(() => keyring.refresh());
    const gateway = await instance.register({ host: hostname(), pid: process.pid, version: 'command' });
    opened.defer(() => instance.unregister(gateway));
    const unsubscribe = signals.subscribe('leases', () => void instance.heartbeat(gateway).catch(() => undefined));
    opened.defer(unsubscribe);
    const storage = await openStorage({
      dataDirectory: values['data-dir'],
      keyring,
      chunks,
      instance,
      registry: metadata.stores,
      integrity: metadata.integrity,
      mirror: mirrorPlaceOf(values),
      settings: values,
      encryption: values.encryption === 'on',
      compression: values.compression === 'on',
      clock,
      random,
      logger: log,
      role: { kind: 'alone' },
    });
    opened.defer(() => storage.close());
    const authorizer = createAuthorizer({ authority: metadata.authority, signals, clock });
    const shared = { ...metadata, content: storage.content, authorizer, keyring, clock, random };
    const namespace = createNamespace({ ...shared, buckets: createBuckets(shared) });
    const encrypted = values.encryption === 'on';
    const work = {
      room: async () => (await ofDisk(values['data-dir'])).free,
      config,
      metadata,
      storage,
      namespace,
      notify: null,
      keyring,
      encrypted,
      dataDirectory: values['data-dir'],
      masterKey: () => session.masterKey,
    };
    const all = backgroundJobs({ ...work, clock, random, log, takesWork: true, others: null, busy: () => false });
    const jobs = all.filter((job) => job.name === name).map((job): Job => ({ ...job, everyMs: null }));
    const runner = createRunner({ jobs, store, signals, clock, random, log, pollMs: POLL_MS });
    await runner.start();
    opened.defer(() => runner.close());
    return { close: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}
