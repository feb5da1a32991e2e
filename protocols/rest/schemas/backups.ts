import { z } from 'zod';
import { bucketName, key, time } from '../schema.ts';
import { Job } from './jobs.ts';

const path = z.string().min(1).max(4096);
const name = z.string().max(100);
const outcome = z.enum(['done', 'failed', 'cancelled']);
const run = { started: time, ended: time, outcome, message: z.string().nullable(), directory: z.string(), host: z.string() };
const Verdict = z
  .object({
    records: z.number().meta({ description: 'Records whose bytes were read and are good.' }),
    faults: z.array(z.string()).meta({ description: 'The first of what is wrong.' }),
    faultCount: z.number(),
  })
  .meta({ id: 'BackupVerdict' });

export const BackupRun = z
  .object({
    id: z.int(),
    ...run,
    by: z.enum(['command', 'gateway']),
    made: z
      .object({
        name,
        taken: time.meta({ description: 'Of what moment it is.' }),
        packs: z.number(),
        bytes: z.number().meta({ description: 'What the backup holds.' }),
        copiedBytes: z.number().meta({ description: 'What this run added to the directory.' }),
        removed: z.number().meta({ description: 'Older backups that were removed.' }),
        sameDisk: z.boolean().meta({ description: 'It lies on the disk that it is a backup of.' }),
        verified: Verdict.nullable().meta({ description: 'null: it was not read again.' }),
      })
      .nullable()
      .meta({ description: 'null: there is none of this run.' }),
  })
  .meta({ id: 'BackupRun' });

export const BackupCheck = z
  .object({ id: z.int(), ...run, name: name.nullable(), taken: time.nullable(), verdict: Verdict.nullable() })
  .meta({ id: 'BackupCheck' });

export const RestoreRun = z
  .object({
    id: z.int(),
    ...run,
    name: name.meta({ description: 'Of the backup.' }),
    to: z.string().meta({ description: 'The data directory that it was restored into.' }),
    made: z
      .object({ taken: time, packsCopied: z.number(), names: z.number(), users: z.number(), hurtCount: z.number() })
      .nullable()
      .meta({ description: 'null: it is not complete; the same restore goes on from there.' }),
  })
  .meta({ id: 'RestoreRun' });

export const ExtractRun = z
  .object({
    id: z.int(),
    ...run,
    name: name.meta({ description: 'Of the backup.' }),
    bucket: z.string().meta({ description: 'Of the backup.' }),
    key: z.string().meta({ description: 'The file or folder that was asked for.' }),
    to: z.string().meta({ description: 'Bucket, folder and name that it was brought into.' }),
    restored: z.number().meta({ description: 'Files and folders that came back.' }),
    versions: z.number().meta({ description: 'Of these, became the latest version of a file that was there.' }),
    renamed: z.number().meta({ description: 'Of these, came beside under another name.' }),
    unchanged: z.number().meta({ description: 'Were there already, with the same bytes.' }),
    skipped: z.number(),
    failed: z.number(),
    bytes: z.number().meta({ description: 'Of what came back.' }),
    failures: z.array(z.object({ key: z.string(), why: z.string() })).meta({ description: 'The first hundred.' }),
  })
  .meta({ id: 'ExtractRun' });

export const Backups = z
  .object({
    backups: z.array(BackupRun).meta({ description: 'Newest first, of commands too.' }),
    checks: z.array(BackupCheck).meta({ description: 'Backups that were read again later; newest first.' }),
    restores: z.array(RestoreRun).meta({ description: 'Restores that were begun here, newest first.' }),
    extracts: z.array(ExtractRun).meta({ description: 'Files and folders that were brought back out of backups, newest first.' }),
    opening: Job.nullable(),
    extracting: Job.nullable(),
    running: Job.nullable(),
    checking: Job.nullable(),
    restoring: Job.nullable(),
    host: z.string().meta({ description: 'The machine of this gateway.' }),
    dataDirectory: z.string(),
    settingsApart: z
      .array(z.string())
      .meta({ description: 'Settings in force that a gateway on a restored directory must not be started with.' }),
    masterKey: z.object({
      from: z.enum(['file', 'setting', 'passphrase']),
      path: z.string().nullable().meta({ description: 'Of the file.' }),
    }),
  })
  .meta({ id: 'Backups' });

export const BackupWanted = z
  .strictObject({
    to: path.meta({ description: "A directory on the gateway's machine, absolute and outside of the data directory." }),
    verify: z.boolean().default(true).meta({ description: 'Read all of it afterwards.' }),
    keep: z.int().min(1).max(100_000).nullable().default(null).meta({ description: 'How many backups stay there; null: all.' }),
  })
  .meta({ id: 'BackupWanted' });

export const BackupCheckWanted = z
  .strictObject({ from: path, name: name.nullable().default(null).meta({ description: 'null: the newest there.' }) })
  .meta({ id: 'BackupCheckWanted' });

export const BackupPlace = z.strictObject({ from: path }).meta({ id: 'BackupPlace' });

export const BackupsThere = z
  .object({
    directory: z.string(),
    backups: z.array(
      z.object({
        name,
        taken: time,
        holds: z
          .object({ packs: z.number(), bytes: z.number() })
          .nullable()
          .meta({ description: 'null: what belongs to it cannot be read.' }),
        why: z.string().nullable(),
      }),
    ),
    count: z.int().meta({ description: 'Of all that lie there; the newest fifty are told.' }),
  })
  .meta({ id: 'BackupsThere' });

export const RestoreWanted = z
  .strictObject({
    from: path,
    name,
    to: path.meta({ description: "A new or an empty directory on the gateway's machine, outside of the data directory." }),
  })
  .meta({ id: 'RestoreWanted' });

/** One backup in a directory. */
export const BackupNamed = z.strictObject({ from: path, name }).meta({ id: 'BackupNamed' });

export const BackupOpened = z
  .object({
    ready: z.boolean().meta({ description: 'It can be browsed; else the job `backup-open` is at it.' }),
    job: Job.nullable(),
  })
  .meta({ id: 'BackupOpened' });

export const BackupBrowse = z
  .strictObject({
    from: path,
    name,
    bucket: bucketName.nullable().default(null).meta({ description: 'null: which buckets it has.' }),
    folder: key.default('').meta({ description: 'Empty, or ends in `/`.' }),
    cursor: z.string().max(2000).nullable().default(null),
    limit: z.int().min(1).max(1000).default(200),
  })
  .meta({ id: 'BackupBrowse' });

const shown = {
  key: z.string(),
  versionId: z.string(),
  size: z.number(),
  modified: time,
  mtime: time,
  contentType: z.string().nullable(),
};

const BackedUpEntry = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('file'), ...shown }),
    z.object({
      kind: z.literal('folder'),
      key: z.string(),
      bytes: z.number().nullable().meta({ description: 'Of all below; null: not known.' }),
    }),
  ])
  .meta({ id: 'BackedUpEntry' });

export const BackedUpPage = z
  .object({
    taken: time.meta({ description: 'Of what moment the backup is.' }),
    missingPacks: z.int().meta({ description: 'Packs of it that are not whole: what lies in them cannot be had.' }),
    buckets: z.array(z.string()).meta({ description: 'Where no bucket was named.' }),
    entries: z.array(BackedUpEntry),
    next: z.string().nullable().meta({ description: 'The `cursor` of the next page.' }),
  })
  .meta({ id: 'BackedUpPage' });

export const BackupVersionsWanted = z
  .strictObject({ from: path, name, bucket: bucketName, key })
  .meta({ id: 'BackupVersionsWanted' });

export const BackedUpVersions = z
  .object({
    versions: z.array(
      z.object({
        ...shown,
        current: z.boolean().meta({ description: 'It was the file when the backup was taken.' }),
        deleted: z.boolean().meta({ description: 'It says that the file was deleted; it has no bytes.' }),
        superseded: time.nullable(),
      }),
    ),
  })
  .meta({ id: 'BackedUpVersions' });

export const ExtractWanted = z
  .strictObject({
    from: path,
    name,
    bucket: bucketName.meta({ description: 'Of the backup.' }),
    key: key.meta({ description: 'A file; what ends in `/`, or is empty, is a folder with all below.' }),
    versionId: z.string().max(64).nullable().default(null).meta({ description: 'Of a file; null: the one of then.' }),
    to: z.strictObject({
      bucket: bucketName.meta({ description: 'Of this gateway.' }),
      folder: key.default('').meta({ description: 'Empty, or ends in `/`.' }),
      name: z
        .string()
        .max(1024)
        .meta({ description: 'What it is called there. Empty, of a folder: what is in it goes right into `folder`.' }),
    }),
    conflict: z
      .enum(['both', 'version', 'skip'])
      .default('both')
      .meta({ description: 'Where a name is taken by other bytes: come beside it, become its latest version, or stay away.' }),
  })
  .meta({ id: 'ExtractWanted' });

export const BackedUpFileQuery = z.object({
  from: path,
  name,
  bucket: bucketName,
  key,
  versionId: z.string().max(64).optional(),
});
