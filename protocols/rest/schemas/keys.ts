import { z } from 'zod';
import { Job } from './jobs.ts';

const MasterKey = z
  .object({
    from: z.enum(['file', 'setting', 'passphrase']).meta({
      description: 'A file that the gateway reads, a setting that holds the key itself, or words.',
    }),
    path: z.string().nullable().meta({ description: 'Of the file, where there is one.' }),
    check: z.string().meta({ description: 'Tells keys apart, and says nothing else about them.' }),
    derivation: z.string().nullable().meta({ description: 'Of a passphrase: by which function it becomes the key.' }),
    inPlace: z.boolean().meta({ description: 'A new one can take its place where it lies.' }),
    atNextStart: z.boolean().meta({ description: 'The next start finds the key of now where the settings say.' }),
    elsewhere: z.boolean().meta({ description: 'It can be changed to one that lies elsewhere while the gateway runs.' }),
  })
  .meta({ id: 'MasterKeyFacts' });

const DataKey = z
  .object({
    user: z.string(),
    epoch: z.int().meta({ description: 'The number of the key that is written with.' }),
    older: z.int().meta({ description: 'Keys before it that something may still be encrypted with.' }),
  })
  .meta({ id: 'DataKeyFacts' });

export const Keys = z
  .object({
    master: MasterKey,
    users: z.array(DataKey).meta({ description: 'The first five hundred by name.' }),
    userCount: z.int(),
    rekey: Job.nullable().meta({ description: 'The job that writes anew what older keys encrypt.' }),
  })
  .meta({ id: 'Keys' });

export const MasterKeyWanted = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('same') }).meta({ description: 'A random one in the file of now.' }),
    z
      .strictObject({ kind: z.literal('file'), path: z.string().min(1).max(4096) })
      .meta({ description: "A random one in a new file of the gateway's machine." }),
    z
      .strictObject({ kind: z.literal('passphrase'), words: z.string().min(1).max(1024) })
      .meta({ description: 'What comes of words; they are kept nowhere.' }),
  ])
  .meta({ id: 'MasterKeyWanted' });

export const MasterKeyChanged = z
  .object({
    resealed: z.int().meta({ description: 'Values that are sealed under it now.' }),
    check: z.string(),
    path: z.string().nullable().meta({ description: 'Where it lies; null for a passphrase.' }),
    todo: z.string().nullable().meta({ description: 'What must be set before the next start; null: nothing.' }),
  })
  .meta({ id: 'MasterKeyChanged' });

export const DataKeysWanted = z
  .strictObject({ user: z.string().min(1).max(255).nullable().default(null).meta({ description: 'null: of everybody.' }) })
  .meta({ id: 'DataKeysWanted' });
