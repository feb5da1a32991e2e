import { z } from 'zod';
import { bucketName, key, Space, time } from '../schema.ts';
import { Job } from './jobs.ts';

export const Health = z
  .object({
    ready: z.boolean().meta({ description: 'False takes the gateway out of a load balancer.' }),
    checks: z.array(
      z.object({
        name: z.string(),
        state: z.enum(['ok', 'degraded', 'failed']),
        message: z.string().meta({ description: 'What is so.' }),
        remedy: z.string().nullable().meta({ description: 'What to do about it; null where nothing is wrong.' }),
      }),
    ),
  })
  .meta({ id: 'Health' });

const seconds = z
  .number()
  .nullable()
  .meta({ description: 'Seconds, as far as the buckets of the histogram tell; null: no request.' });

export const DoorStats = z
  .object({
    door: z.string().meta({ description: 's3, webdav, rest, or web for the rest of the main port.' }),
    requests: z.number(),
    clientErrors: z.number().meta({ description: 'Answers of 400 to 499.' }),
    serverErrors: z.number().meta({ description: 'Answers of 500 and above.' }),
    receivedBytes: z.number(),
    sentBytes: z.number(),
    seconds: z.object({ mean: seconds, p50: seconds, p95: seconds, p99: seconds }),
  })
  .meta({ id: 'DoorStats' });

export const Stats = z
  .object({
    time,
    started: time.meta({ description: 'Counters count from here.' }),
    doors: z.array(DoorStats),
    operations: z.array(
      z.object({ door: z.string(), operation: z.string(), requests: z.number(), errors: z.number(), seconds: z.number() }),
    ),
    space: Space,
    savedBytes: z
      .object({ dedupe: z.number(), compression: z.number() })
      .meta({ description: 'What deduplication saved of all versions, and compression of what is left.' }),
    disk: z.object({ freeBytes: z.number().nullable(), minFreeBytes: z.number().nullable() }),
    connections: z.number(),
    process: z.object({ residentBytes: z.number(), heapBytes: z.number(), eventLoopLagSeconds: z.number() }),
  })
  .meta({ id: 'Stats' });

const DoorLoad = z.object({
  requests: z.number(),
  errors: z.number(),
  receivedBytes: z.number(),
  sentBytes: z.number(),
  seconds: z.number().meta({ description: 'Of all requests together.' }),
});

export const LoadSample = z
  .object({
    at: time.meta({ description: 'The end of the stretch.' }),
    seconds: z.number(),
    doors: z.record(z.string(), DoorLoad),
    bytes: z.number().nullable(),
    storedBytes: z.number().nullable(),
    freeBytes: z.number().nullable(),
  })
  .meta({ id: 'LoadSample' });

export const LoadHistory = z
  .object({ series: z.array(z.object({ stepSeconds: z.number(), samples: z.array(LoadSample) })) })
  .meta({ id: 'LoadHistory' });

export const Settings = z
  .object({
    file: z.string().meta({ description: 'The settings file that was read, or would be if it were there.' }),
    settings: z.array(
      z.object({
        name: z.string(),
        environment: z.string(),
        description: z.string(),
        value: z.unknown().meta({ description: 'Secrets are hidden.' }),
        source: z.string().meta({ description: 'Flag, variable or file; `default` where nobody set it.' }),
        isDefault: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'Settings' });

const damage = {
  kind: z.string().meta({ description: '`chunk`, `leaf`, `version`, `part`, `pack` or `keys`.' }),
  subject: z.string().meta({ description: 'What of that kind: `domain:id`, `store:pack`, or an id.' }),
};

export const HurtFile = z
  .object({
    bucket: bucketName,
    key,
    version: z.string(),
    current: z.boolean().meta({ description: 'It is what a read without a version gives.' }),
    deleted: z.boolean().meta({ description: 'The file lies in the trash.' }),
    size: z.number(),
    by: z.array(z.object(damage)).meta({ description: 'What hurts it.' }),
  })
  .meta({ id: 'HurtFile' });

export const Quarantined = z
  .object({
    ...damage,
    reason: z.string(),
    found: time,
    seen: time.meta({ description: 'When it was met the last time.' }),
    place: z
      .object({ store: z.int(), pack: z.string(), offset: z.number(), length: z.number(), size: z.number() })
      .nullable()
      .meta({ description: 'Of a chunk: where its record lies, its bytes there and plain.' }),
    secondCopy: z.enum(['none', 'good', 'damaged', 'missing', 'unreachable']).nullable().meta({
      description:
        'Whether the mirror could heal it; `none`: no second copies are kept; null: of what lies in the database there are none.',
    }),
    files: z.array(HurtFile).meta({ description: 'The first five; `/system/quarantine/files` has all.' }),
    fileCount: z.int(),
  })
  .meta({ id: 'Quarantined' });

const next = z.string().nullable().meta({ description: 'The `cursor` of the next page; null at the end.' });
export const QuarantinePage = z.object({ items: z.array(Quarantined), total: z.int(), next }).meta({ id: 'QuarantinePage' });
export const HurtFilePage = z.object({ items: z.array(HurtFile), next }).meta({ id: 'HurtFilePage' });

const cursor = z.string().max(1024).optional();
const limitTo = (max: number) =>
  z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= max, `1 to ${max}`)
    .optional();
export const QuarantineQuery = z.strictObject({ cursor, limit: limitTo(100) });
export const HurtFilesQuery = z
  .strictObject({
    kind: z.enum(['chunk', 'leaf', 'version', 'part', 'pack', 'keys']).optional(),
    subject: z.string().max(256).optional().meta({ description: 'Only what this hurts; with `kind`.' }),
    cursor,
    limit: limitTo(1000),
  })
  .refine(({ kind, subject }) => (kind === undefined) === (subject === undefined), 'kind and subject go together');

export const Store = z
  .object({
    number: z.int(),
    kind: z.enum(['local', 's3']),
    location: z.string(),
    state: z.enum(['active', 'draining', 'removed']),
    present: z.boolean().nullable().meta({ description: 'null where the machine of this gateway cannot say.' }),
    fault: z.string().nullable().meta({ description: 'What keeps it from being read, where something lies there.' }),
    freeBytes: z.number().nullable(),
    packs: z.number(),
    chunks: z.number(),
    storedBytes: z.number(),
  })
  .meta({ id: 'Store' });

const directory = z
  .string()
  .min(1)
  .max(4096)
  .meta({ description: "On the gateway's machine, absolute, empty or with packs of this installation." });
export const StoreDirectory = z.strictObject({ directory }).meta({ id: 'StoreDirectory' });
export const StoreDrain = z
  .strictObject({ cancel: z.boolean().default(false).meta({ description: 'It takes packs again.' }) })
  .meta({ id: 'StoreDrain' });
export const Stores = z.object({ stores: z.array(Store) }).meta({ id: 'Stores' });
export const StoreReplaced = z
  .object({
    stores: z.array(Store),
    missingPacks: z.int().meta({ description: 'Packs that were in its place and are not here.' }),
  })
  .meta({ id: 'StoreReplaced' });

export const StorageHealth = z
  .object({
    ok: z.boolean(),
    lastScrub: z.object({ started: time, ended: time, counts: z.record(z.string(), z.number()) }).nullable(),
    scrub: Job.nullable(),
    drain: Job.nullable().meta({ description: 'What empties stores.' }),
    scrubs: z
      .array(
        z.object({
          id: z.int(),
          started: time,
          ended: time,
          outcome: z.enum(['done', 'failed', 'cancelled']),
          message: z.string().nullable(),
          counts: z.record(z.string(), z.number()),
        }),
      )
      .meta({ description: 'The passes of before, newest first; of one that was cut short, what it had read.' }),
    damagedCount: z.int(),
    damaged: z.array(z.object({ kind: z.string(), subject: z.string(), reason: z.string(), found: time })).meta({
      description: 'The first hundred of what is in quarantine.',
    }),
    files: z
      .array(z.object({ bucket: bucketName, key, version: z.string(), current: z.boolean(), size: z.number() }))
      .meta({ description: 'At most 1,000 of the files that cannot be read because of it.' }),
    stores: z.array(Store),
    disk: z.object({ freeBytes: z.number().nullable(), minFreeBytes: z.number().nullable() }),
  })
  .meta({ id: 'StorageHealth' });
