import { z } from 'zod';
import { time } from '../schema.ts';

export const JobProgress = z
  .object({
    done: z.number(),
    total: z.number().nullable().meta({ description: 'null: not known.' }),
    unit: z.string(),
    counts: z.record(z.string(), z.number()).optional(),
  })
  .meta({ id: 'JobProgress' });

export const Job = z
  .object({
    name: z.string(),
    state: z.enum(['idle', 'requested', 'running']),
    progress: JobProgress.nullable(),
    started: time.nullable(),
    ended: time.nullable(),
    outcome: z
      .object({ kind: z.enum(['done', 'failed', 'cancelled']), message: z.string().nullable() })
      .nullable()
      .meta({ description: 'How the last run ended.' }),
  })
  .meta({ id: 'Job' });

export const JobList = z.object({ jobs: z.array(Job) }).meta({ id: 'JobList' });

export const JobStart = z
  .strictObject({ argument: z.unknown().optional().meta({ description: 'What the job is told; each has its own.' }) })
  .meta({ id: 'JobStart' });
