import { z } from 'zod';
import { onDisconnect } from '../schema.ts';

/** What was: versions, the trash, restores and purges, retention and usage. Times are ISO 8601 in UTC. */
const time = z.iso.datetime();
const bucket = z.string().min(1).max(63);
const key = z.string().max(1024).meta({ description: 'A folder ends in `/`; empty is the whole bucket.' });
const versionId = z.string().regex(/^[0-9a-f]{32}$/);
const count = z.int().min(0);

const writer = z.object({
  name: z
    .string()
    .nullable()
    .meta({ description: 'As the user is called now; null: nobody was signed in, or the user is gone.' }),
  protocol: z.enum(['s3', 'webdav', 'rest', 'ws', 'cli', 'system']),
});

export const ObjectLock = z
  .object({
    mode: z.enum(['governance', 'compliance']).optional(),
    until: time.optional(),
    legalHold: z.boolean(),
  })
  .meta({ id: 'ObjectLock' });

export const Version = z
  .object({
    versionId,
    kind: z.enum(['file', 'deletion']).meta({ description: '`deletion`: what a delete left in a bucket with versions.' }),
    current: z.boolean(),
    size: count,
    etag: z.string(),
    contentType: z.string(),
    modified: time.meta({ description: 'When it was committed.' }),
    mtime: time,
    superseded: time
      .nullable()
      .meta({ description: 'When another took its place, or the file was deleted; null: it is current.' }),
    shownByS3: z
      .boolean()
      .meta({ description: 'S3 clients see it too; what they do not see goes by the retention of the bucket.' }),
    lock: ObjectLock.optional(),
    writer: writer.nullable().optional().meta({
      description: 'Who wrote it, in the list of versions; null: it came along from another bucket, which alone knows it.',
    }),
  })
  .meta({ id: 'Version' });

export const Versions = z
  .object({
    versions: z.array(Version).meta({ description: 'The latest first.' }),
    next: z.string().nullable().meta({ description: 'The `cursor` of the next page; null at the end.' }),
  })
  .meta({ id: 'Versions' });

export const Activities = z
  .object({
    changes: z
      .array(
        z
          .object({
            kind: z.enum(['put', 'remove', 'move', 'copy', 'removeTree']),
            key: key.meta({ description: 'Of a move or copy, where it went.' }),
            fromKey: key.nullable().meta({ description: 'Of a move or copy within the bucket.' }),
            size: count.nullable(),
            at: time,
            writer,
          })
          .meta({ id: 'Activity' }),
      )
      .meta({ description: 'The latest first.' }),
    next: z.string().nullable().meta({ description: 'The `cursor` of the next page; null: nothing older is known.' }),
  })
  .meta({ id: 'Activities' });

export const Trashed = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('file'), key, name: z.string(), version: Version, deleted: time }),
    z.object({
      kind: z.literal('folder'),
      key,
      name: z.string(),
      deleted: time.meta({ description: 'When the first of it, in the order of keys, was deleted.' }),
    }),
  ])
  .meta({ id: 'Trashed' });

export const Trash = z.object({ entries: z.array(Trashed), next: z.string().nullable() }).meta({ id: 'Trash' });

const conflict = z.enum(['fail', 'skip', 'replace', 'rename']).optional().meta({
  description:
    'What to do where another file is now: `fail` (the default) restores nothing, `skip` leaves it, `replace` puts it into history, `rename` restores beside it.',
});
const to = key.optional().meta({ description: 'Where to; default: where it was.' });
const dryRun = z.boolean().optional().meta({ description: 'Only counts.' });

export const RestoreVersion = z
  .strictObject({ bucket, key: key.min(1), versionId, to, conflict, dryRun })
  .meta({ id: 'RestoreVersion' });
export const RestoreTrash = z
  .strictObject({
    bucket,
    key,
    deletedSince: time.optional(),
    deletedUntil: time.optional(),
    to,
    conflict,
    dryRun,
    onDisconnect,
  })
  .meta({ id: 'RestoreTrash', description: 'A deleted file, or all that was deleted below a folder, each as it was last.' });
export const RestoreAsOf = z
  .strictObject({
    bucket,
    prefix: key.optional(),
    at: time,
    added: z
      .enum(['keep', 'remove'])
      .optional()
      .meta({ description: 'What to do with files that have come since: default `keep`.' }),
    to,
    conflict,
    dryRun,
    onDisconnect,
  })
  .meta({ id: 'RestoreAsOf' });
export const Purge = z
  .strictObject({
    bucket,
    key,
    what: z
      .enum(['trash', 'history'])
      .optional()
      .meta({ description: '`trash` (the default): deleted files; `history`: what files that are there were before.' }),
    versionId: versionId.optional().meta({ description: 'This version alone.' }),
    deletedSince: time.optional(),
    deletedUntil: time.optional(),
    onDisconnect,
  })
  .meta({ id: 'Purge' });

export const Restored = z
  .object({ restored: count, replaced: count, renamed: count, skipped: count, unchanged: count, removed: count, bytes: count })
  .meta({ id: 'Restored' });
export const Purged = z
  .object({ versions: count, bytes: count, held: count.meta({ description: 'Under retention or legal hold: these stay.' }) })
  .meta({ id: 'Purged' });

export const Task = z
  .object({
    id: z.int(),
    kind: z.enum(['restore', 'purge']),
    state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
    counts: z.record(z.string(), z.int()),
    message: z.string().nullable(),
    created: time,
    ended: time.nullable(),
  })
  .meta({ id: 'HistoryTask', description: 'A restore or purge that is too large for one step.' });
export const TaskStarted = z.object({ task: Task }).meta({ id: 'HistoryTaskStarted' });
export const Tasks = z
  .object({
    tasks: z.array(Task),
    next: z.string().nullable().meta({ description: 'The `cursor` of the next page; null at the end.' }),
  })
  .meta({ id: 'HistoryTasks' });

const most = z.int().min(0).nullable();
export const Retention = z
  .strictObject({
    days: most.optional().meta({ description: 'Older history goes. null: never; absent: as the gateway keeps it.' }),
    versions: most.optional().meta({ description: 'So many old versions of a file are kept.' }),
    bytes: most.optional().meta({ description: 'So much history of the bucket is kept, the latest.' }),
  })
  .meta({ id: 'Retention' });
export const RetentionShown = z
  .object({ days: most, versions: most, bytes: most, own: z.boolean().meta({ description: 'The bucket says so itself.' }) })
  .meta({ id: 'RetentionShown' });

export const Quota = z.object({ bytes: most, objects: most }).meta({ id: 'Quota' });
export const BucketPatch = z
  .strictObject({ quota: z.strictObject({ bytes: most.optional(), objects: most.optional() }) })
  .meta({ id: 'BucketPatch' });
const logical = { objects: count, bytes: count, historyVersions: count, historyBytes: count, quota: Quota };
export const Physical = z
  .object({
    ownBytes: count.meta({ description: 'What only this bucket refers to: what its removal would give back.' }),
    ownChunks: count.meta({ description: 'Of so many pieces.' }),
    sharedBytes: count.meta({ description: 'What it shares with other buckets of its owner; each of them counts it.' }),
    sharedChunks: count,
    inlineBytes: count.meta({ description: 'Contents up to 1 KiB, which lie in the database and are not deduplicated.' }),
    measured: time.meta({ description: 'Exact as of then.' }),
    current: z.boolean().meta({ description: 'Nothing has changed since, so it is exact now.' }),
  })
  .meta({
    id: 'Physical',
    description: 'What the contents of a bucket, its history too, take after deduplication, compression and encryption.',
  });
export const BucketUsage = z
  .object({
    name: bucket,
    ...logical,
    physical: Physical.nullable().meta({ description: 'null: not measured yet.' }),
  })
  .meta({ id: 'BucketUsage' });
export const Usage = z
  .object({
    owners: z.array(
      z.object({
        name: z.string(),
        ...logical,
        storedBytes: count.meta({
          description:
            'What the contents of this owner take after deduplication, compression and encryption, exact at every moment; what nobody refers to any more is in it until it is collected.',
        }),
        storedChunks: count.meta({ description: 'Of so many pieces.' }),
      }),
    ),
    buckets: z.array(BucketUsage),
    next: z.string().nullable().meta({ description: 'The `cursor` of the next page; null at the end.' }),
  })
  .meta({ id: 'Usage' });

const limit = z
  .string()
  .regex(/^\d{1,4}$/)
  .transform(Number)
  .refine((given) => given >= 1 && given <= 1000, '1 to 1000')
  .optional();
const wholeKey = z
  .string()
  .max(1024)
  .optional()
  .meta({ description: 'The whole key, verbatim, when the path names just the bucket.' });
const flag = z
  .enum(['', 'true', 'false'])
  .transform((text) => text !== 'false')
  .optional();
export const VersionsQuery = z.strictObject({
  key: wholeKey,
  version: versionId.optional().meta({ description: "Gives this version's bytes instead of the list; `Range` is obeyed." }),
  download: flag,
  cursor: versionId.optional(),
  limit,
});
export const ActivityQuery = z.strictObject({
  key: wholeKey,
  cursor: z.string().max(64).optional(),
  limit,
});

export const TrashQuery = z.strictObject({ key: wholeKey, recursive: flag, cursor: z.string().max(4096).optional(), limit });
