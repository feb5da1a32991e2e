import { z } from 'zod';
import { time } from '../schema.ts';
import { Job } from './jobs.ts';

export const Findings = z
  .object({
    ok: z.boolean().meta({ description: 'Nothing failed.' }),
    findings: z.array(
      z.object({
        name: z.string(),
        status: z.enum(['ok', 'warn', 'fail']),
        detail: z.string(),
        advice: z.string().nullable().meta({ description: 'What to do about it.' }),
      }),
    ),
    about: z
      .object({
        dataDirectory: z.string(),
        masterKey: z.object({ from: z.enum(['file', 'setting', 'passphrase']), path: z.string().nullable() }),
      })
      .meta({ description: 'What commands in a terminal of the machine are given.' }),
  })
  .meta({ id: 'Findings' });

const ran = {
  id: z.int(),
  ask: z.string().nullable().meta({ description: 'What the answer to the request has named it.' }),
  started: time,
  ended: time,
  outcome: z.enum(['done', 'failed', 'cancelled']),
  message: z.string().nullable(),
};

export const FileCheck = z
  .object({
    ...ran,
    bucket: z.string().nullable(),
    key: z.string().nullable(),
    versionId: z.string().nullable().meta({ description: 'null: the current one of then.' }),
    bytes: z.number().meta({ description: 'That were read.' }),
  })
  .meta({ id: 'FileCheck', description: '`done`: every byte is as it was stored. `failed`: the message says what is wrong.' });

const spread = z.object({ median: z.number(), max: z.number() }).meta({ description: 'Milliseconds.' });

export const StoreCheck = z
  .object({
    ...ran,
    place: z.string(),
    host: z.string(),
    report: z
      .object({
        ok: z.boolean().meta({ description: 'Every check held.' }),
        checks: z.array(z.object({ sentence: z.string(), ok: z.boolean(), ms: z.number(), why: z.string().nullable() })),
        measured: z
          .object({
            writeMibPerSecond: z.number(),
            readMibPerSecond: z.number(),
            smallWriteMs: spread,
            rangeReadMs: spread,
          })
          .nullable(),
        left: z.int().meta({ description: 'What could not be taken away again; its names begin with `check-`.' }),
      })
      .nullable()
      .meta({ description: 'null: it did not come to that.' }),
  })
  .meta({ id: 'StoreCheck' });

export const Checks = z
  .object({
    files: z.array(FileCheck).meta({ description: 'The newest twenty.' }),
    stores: z.array(StoreCheck).meta({ description: 'The newest ten.' }),
    verifying: Job.nullable(),
    checking: Job.nullable(),
    ask: z.string().nullable().meta({ description: 'Of what was just asked for: its run will have it.' }),
  })
  .meta({ id: 'Checks' });

export const FileToCheck = z
  .strictObject({
    bucket: z.string().min(1).max(255),
    key: z.string().min(1).max(4096),
    versionId: z.string().max(100).nullable().default(null).meta({ description: 'null: the current one.' }),
  })
  .meta({ id: 'FileToCheck' });

export const StoreToCheck = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('store'), number: z.int().min(0) }).meta({ description: 'One that is in use.' }),
    z
      .strictObject({ kind: z.literal('directory'), directory: z.string().min(1).max(4096) })
      .meta({ description: "On the gateway's machine, as a new disk would be." }),
    z
      .strictObject({
        kind: z.literal('s3'),
        bucket: z.string().min(1).max(63),
        prefix: z.string().max(1024).default(''),
        endpoint: z.string().max(1024).nullable().default(null).meta({ description: 'null: AWS itself.' }),
        region: z.string().max(100).nullable().default(null),
        accessKeyId: z.string().min(1).max(255),
        secretAccessKey: z
          .string()
          .min(1)
          .max(1024)
          .meta({ description: 'Kept sealed until the check has run, and never told.' }),
      })
      .meta({ description: 'An S3-compatible store. Asks who has not said lately who it is.' }),
  ])
  .meta({ id: 'StoreToCheck' });
