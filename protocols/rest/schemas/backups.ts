import { z } from 'zod';
import { time } from '../schema.ts';
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

export const Backups = z
  .object({
    backups: z.array(BackupRun).meta({ description: 'Newest first, of commands too.' }),
    checks: z.array(BackupCheck).meta({ description: 'Backups that were read again later; newest first.' }),
    restores: z.array(RestoreRun).meta({ description: 'Restores that were begun here, newest first.' }),
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
