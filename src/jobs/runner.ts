import { setTimeout as sleep } from 'node:timers/promises';
import type { JobEnd, JobStore, TakenJob } from '#contracts/job-store';
import type { Job, JobProgress, Jobs } from '#contracts/jobs';
import type { Logger } from '#contracts/observability';
import type { Signals } from '#contracts/signals';
import type { Clock, Random } from '#core/clock';
import { isCloudStoreError } from '#core/errors';

export interface RunnerOptions {
  jobs: readonly Job[];
  store: JobStore;
  signals: Signals;
  clock: Clock;
  random: Random;
  log: Logger;
  /** After so long without a word of its holder, another gateway takes a job over. Default 30,000. */
  leaseMs?: number;
  /** How often to look without a signal, which may be lost. Default 5,000. */
  pollMs?: number;
  /** How long `close` waits for what runs. Default 10,000. */
  drainMs?: number;
}

export interface Runner {
  jobs: Jobs;
  /** Begins to look for work. */
  start(): Promise<void>;
  /** Takes no more work, tells what runs to end, and resolves when it has, or takes too long; another gateway, or the next start, goes on with it. */
  close(): Promise<void>;
}

const LEASE_MS = 30_000;
const POLL_MS = 5_000;
const DRAIN_MS = 10_000;
const TICK_MS = 1_000;
/** What failed is tried again after an eighth of its schedule, no sooner and no later than this, if its schedule is not sooner. */
const RETRY_MS_MIN = 30_000;
const RETRY_MS_MAX = 5 * 60_000;

/** Runs the jobs whose lease this process gets. Who runs what is decided by the rows alone (JobStore), so any number of runners may share them. */
export function createRunner(options: RunnerOptions): Runner {
  const { store, signals, clock, random, log, leaseMs = LEASE_MS, pollMs = POLL_MS, drainMs = DRAIN_MS } = options;
  const byName = new Map(options.jobs.map((job) => [job.name, job]));
  const running = new Map<string, Attempt>();
  let closed = false;
  let unsubscribe = (): void => undefined;
  let timer: NodeJS.Timeout | null = null;
  let looking: Promise<void> | null = null;
  let again = false;

  function look(): void {
    again = true;
    looking ??= takeAll().finally(() => (looking = null));
  }

  async function takeAll(): Promise<void> {
    while (again && !closed) {
      again = false;
      const idle = options.jobs.filter(({ name }) => !running.has(name));
      if (idle.length === 0) return;
      const holder = random(16).toString('hex');
      const from = clock.now();
      try {
        for (const taken of await store.take(holder, idle, leaseMs)) begin(byName.get(taken.name)!, taken, holder, from);
      } catch (err) {
        log.warn({ err }, 'the jobs cannot be looked up; trying again');
      }
    }
  }

  function begin(job: Job, taken: TakenJob, holder: string, from: number): void {
    const attempt = createAttempt({ job, taken, holder, from, store, clock, log, leaseMs });
    running.set(job.name, attempt);
    if (closed) attempt.stop('closing');
    void attempt.ended.then(() => {
      running.delete(job.name);
      if (!closed) look(); // it may have been asked for again meanwhile
    });
  }

  return {
    jobs: createJobs(store),
    async start() {
      await store.ensure([...byName.keys()]);
      unsubscribe = signals.subscribe('jobs', (name) => {
        for (const [running_, attempt] of running) if (name === null || name === running_) attempt.hear();
        look();
      });
      timer = setInterval(look, pollMs);
      timer.unref();
      look();
    },
    async close() {
      closed = true;
      unsubscribe();
      if (timer !== null) clearInterval(timer);
      for (const attempt of running.values()) attempt.stop('closing');
      await looking;
      const ended = Promise.all([...running.values()].map((attempt) => attempt.ended));
      const late = new AbortController();
      await Promise.race([ended, sleep(drainMs, undefined, { signal: late.signal }).catch(() => undefined)]);
      late.abort();
      for (const name of running.keys()) log.warn({ job: name }, 'a job does not end; its lease will');
    },
  };
}

/** The doors' and commands' side alone, for a process that runs none. */
export function createJobs(store: JobStore): Jobs {
  return {
    start: (name, argument = null) => store.request(name, argument),
    startAlone: (name, argument) => store.request(name, argument, true),
    cancel: (name) => store.cancel(name),
    list: () => store.list(),
  };
}

type Why = 'cancelled' | 'closing' | 'lost';

interface Attempt {
  /** Never rejects. */
  ended: Promise<void>;
  stop(why: Why): void;
  /** Somebody said something about this job: look whether it was cancelled. */
  hear(): void;
}

interface AttemptOptions {
  job: Job;
  taken: TakenJob;
  holder: string;
  /** When the lease was asked for, ms of our clock: it may have begun no later. */
  from: number;
  store: JobStore;
  clock: Clock;
  log: Logger;
  leaseMs: number;
}

/** One run under one lease. */
function createAttempt({ job, taken, holder, from, store, clock, log, leaseMs }: AttemptOptions): Attempt {
  const abort = new AbortController();
  let why: Why | null = null;
  let progress: JobProgress | null = null;
  let renewedFrom = from;
  let renewing: Promise<void> | null = null;

  function stop(reason: Why): void {
    if (why !== null) return;
    why = reason;
    abort.abort(new Error(`The job ${job.name} is to end: ${reason}.`, { cause: reason }));
  }

  async function renew(): Promise<void> {
    const began = clock.now();
    const shown = progress;
    progress = null;
    try {
      const { cancelled } = await store.renew(job.name, holder, leaseMs, shown);
      renewedFrom = began;
      if (cancelled) stop('cancelled');
    } catch (error) {
      progress ??= shown;
      // Without the database nobody can take it over before the lease ends; then somebody may have.
      if (isCloudStoreError(error, 'conflict') || clock.now() - renewedFrom >= leaseMs) stop('lost');
      else log.warn({ err: error, job: job.name }, 'the lease of a job cannot be renewed yet');
    }
  }

  function renewNow(): void {
    renewing ??= renew().finally(() => (renewing = null));
  }

  const timer = setInterval(
    () => {
      // A clock that was set back says nothing of how long ago it was.
      if (progress !== null || Math.abs(clock.now() - renewedFrom) >= leaseMs / 4) renewNow();
    },
    Math.min(TICK_MS, leaseMs / 4),
  );
  timer.unref();

  async function outcomeOf(): Promise<JobEnd> {
    const every = job.everyMs ?? 0;
    const early = Math.max(0, every - Math.min(RETRY_MS_MAX, Math.max(RETRY_MS_MIN, every / 8)));
    try {
      await job.run({
        signal: abort.signal,
        state: taken.state,
        argument: taken.argument,
        async save(state) {
          try {
            await store.save(job.name, holder, state);
          } catch (error) {
            if (isCloudStoreError(error, 'conflict')) stop('lost');
            throw error;
          }
        },
        progress: (given) => void (progress = given),
      });
      // Told to end, a job may return or throw; one that was told by our own end has not said that it was through.
      if (why === null) return { kind: 'done', message: null, earlierMs: job.fromStart ? Math.max(0, clock.now() - from) : 0 };
    } catch (err) {
      if (why === null) {
        log.error({ err, job: job.name }, 'a job failed');
        return { kind: 'failed', message: err instanceof Error ? err.message : String(err), earlierMs: early };
      }
    }
    return { kind: why === 'cancelled' ? 'cancelled' : 'released', message: null, earlierMs: 0 };
  }

  async function run(): Promise<void> {
    log.debug({ job: job.name }, 'a job begins');
    const end = await outcomeOf();
    clearInterval(timer);
    await renewing;
    try {
      if (progress !== null) await store.renew(job.name, holder, leaseMs, progress);
      await store.end(job.name, holder, end);
    } catch (err) {
      if (why !== 'lost') log.warn({ err, job: job.name }, 'the end of a job could not be written down; it will be run again');
    }
    log.debug({ job: job.name, outcome: end.kind }, 'a job has ended');
  }

  return { ended: run(), stop, hear: renewNow };
}
