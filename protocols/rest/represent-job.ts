import type { z } from 'zod';
import type { JobStatus } from '#contracts/jobs';
import { isoTime } from './represent.ts';
import type * as schema from './schemas/jobs.ts';

export function jobJson({ name, state, progress, startedMs, endedMs, outcome }: JobStatus): z.infer<typeof schema.Job> {
  return {
    name,
    state,
    progress,
    started: startedMs === null ? null : isoTime(startedMs),
    ended: endedMs === null ? null : isoTime(endedMs),
    outcome,
  };
}
