import type { Job } from '#contracts/jobs';
import { createPace } from '#engine/pace';
import { createScrub } from '#engine/scrub';
import { createVerifyObject } from '#engine/verify-object';
import { createMirrorJob } from '#jobs/mirror';
import type { BackgroundOptions } from './background.ts';

const DAY_MS = 86_400_000;
const MIB = 1 << 20;
const MIRROR_MS = 60_000;

/** Scrub over everything that is stored, at the speed that the settings allow. */
export function scrubJob({ metadata, storage, clock, log, config: { values }, busy }: BackgroundOptions): Job {
  const { inspector: packs, records, repair, stores } = storage;
  const { integrity: rows, instance } = metadata;
  const everyDays = values['scrub-every-days'];
  return createScrub({
    rows,
    instance,
    stores,
    packs,
    records,
    repair,
    pace: createPace({ bytesPerSecond: values['scrub-mib-per-second'] * MIB, busy }),
    clock,
    logger: log,
    everyMs: everyDays === 0 ? null : everyDays * DAY_MS,
  });
}

/** One object, when somebody asks. */
export function verifyJob({ metadata, storage }: BackgroundOptions): Job {
  const { store, buckets, integrity: rows } = metadata;
  return createVerifyObject({ store, buckets, rows, content: storage.content });
}

/** Second copies, where a directory for them is named. */
export function mirrorJobs({ metadata, storage, clock, log }: BackgroundOptions): Job[] {
  const { mirror, stores, inspector: packs } = storage;
  if (mirror === null) return [];
  return [createMirrorJob({ stores, mirror, packs, rows: metadata.integrity, clock, logger: log, everyMs: MIRROR_MS })];
}
