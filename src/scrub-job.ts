import type { InstanceStore } from '#contracts/instance-store';
import { type Job, wasCancelled } from '#contracts/jobs';
import type { Pace } from '#contracts/pace';
import type { Run, RunStore } from '#contracts/runs';
import type { Clock } from '#core/clock';
import { createPace } from '#engine/pace';
import { createScrub, SCRUB_REPORT, type ScrubReport } from '#engine/scrub';
import { createVerifyObject } from '#engine/verify-object';
import { createMirrorJob } from '#jobs/mirror';
import type { BackgroundOptions } from './background.ts';

const DAY_MS = 86_400_000;
const MIB = 1 << 20;
const MIRROR_MS = 60_000;
/** Reading from somebody else's store costs money, and it looks after its disks itself. */
const REMOTE_CHECK_MS = 180 * DAY_MS;

/** How fast one job may go through what is stored; each has its own. */
export function paceOf({ config: { values }, busy }: Pick<BackgroundOptions, 'config' | 'busy'>): Pace {
  return createPace({ bytesPerSecond: values['scrub-mib-per-second'] * MIB, busy });
}

/** Scrub over everything that is stored, at the speed that the settings allow. */
export function scrubJob(options: BackgroundOptions): Job {
  const { metadata, storage, clock, log } = options;
  const { values } = options.config;
  const { inspector: packs, records, repair, stores } = storage;
  const { integrity: rows, instance } = metadata;
  const everyDays = values['scrub-every-days'];
  const job = createScrub({
    rows,
    instance,
    stores,
    packs,
    records,
    repair,
    pace: paceOf(options),
    clock,
    logger: log,
    everyMs: everyDays === 0 ? null : everyDays * DAY_MS,
  });
  return withHistory(job, { runs: metadata.runs, instance, clock });
}

interface Written {
  runs: RunStore;
  instance: InstanceStore;
  clock: Clock;
}

/** Writes down every pass that ended, or was cancelled or failed under way. What a closing gateway leaves to the next is none of them. */
function withHistory(job: Job, { runs, instance, clock }: Written): Job {
  return {
    ...job,
    async run(context) {
      const startedMs = clock.now();
      let counts: Record<string, number> = {};
      const progress: typeof context.progress = (now) => {
        counts = now.counts ?? counts;
        context.progress(now);
      };
      const add = (run: Pick<Run, 'startedMs' | 'outcome' | 'message'>): Promise<void> =>
        runs.add({ kind: 'scrub', endedMs: clock.now(), report: { counts }, ...run });
      try {
        await job.run({ ...context, progress });
      } catch (error) {
        if (!context.signal.aborted)
          await add({ startedMs, outcome: 'failed', message: error instanceof Error ? error.message : String(error) });
        else if (wasCancelled(context.signal)) await add({ startedMs, outcome: 'cancelled', message: null });
        throw error;
      }
      const report = await instance.setting<ScrubReport>(SCRUB_REPORT);
      if (report !== null) {
        counts = report.counts;
        await add({ startedMs: report.started, outcome: 'done', message: null });
      }
    },
  };
}

/** One object, when somebody asks; how it went is written down. */
export function verifyJob({ metadata, storage, clock }: BackgroundOptions): Job {
  const { store, buckets, integrity: rows, runs } = metadata;
  const job = createVerifyObject({ store, buckets, rows, content: storage.content });
  return {
    ...job,
    async run(context) {
      const startedMs = clock.now();
      const { bucket = null, key = null, version = null, ask = null } = { ...(context.argument as object) } as Report;
      let bytes = 0;
      const progress: typeof context.progress = (now) => {
        bytes = now.done;
        context.progress(now);
      };
      const add = (outcome: Run['outcome'], message: string | null): Promise<void> =>
        runs.add({
          kind: 'verify',
          startedMs,
          endedMs: clock.now(),
          outcome,
          message,
          report: { bucket, key, version, ask, bytes },
        });
      try {
        await job.run({ ...context, progress });
      } catch (error) {
        if (!context.signal.aborted) await add('failed', error instanceof Error ? error.message : String(error));
        else if (wasCancelled(context.signal)) await add('cancelled', null);
        throw error;
      }
      await add('done', null);
    },
  };
}

type Report = Partial<Record<'bucket' | 'key' | 'version' | 'ask', string | null>>;

/** Second copies, where a place for them is named. */
export function mirrorJobs(options: BackgroundOptions): Job[] {
  const { metadata, storage, clock, log } = options;
  const { mirror, stores, inspector: packs } = storage;
  if (mirror === null) return [];
  return [
    createMirrorJob({
      stores,
      mirror,
      packs,
      rows: metadata.integrity,
      pace: paceOf(options),
      clock,
      logger: log,
      everyMs: MIRROR_MS,
      ...(mirror.remote ? { checkMs: REMOTE_CHECK_MS } : {}),
    }),
  ];
}
