import { z } from 'zod';
import { bucketName, Entry, etag, key, Place, Problem } from '../schema.ts';

export const BATCH_ITEMS_MAX = 1000;

const transfer = {
  from: Place,
  to: Place,
  overwrite: z.boolean().optional().meta({ description: 'Replaces what is there. Default false.' }),
  ifMatch: etag.optional().meta({ description: 'Only if the source still has this ETag.' }),
};

export const BatchItem = z
  .discriminatedUnion('op', [
    z.strictObject({ op: z.literal('move'), ...transfer }),
    z.strictObject({ op: z.literal('copy'), ...transfer }),
    z.strictObject({
      op: z.literal('delete'),
      at: Place.meta({ description: 'A key that ends in `/` removes the folder with all below.' }),
      ifMatch: etag.optional(),
    }),
    z.strictObject({
      op: z.literal('restore'),
      at: Place,
      versionId: z.string().max(64).optional().meta({ description: 'Default: the newest one that can come back.' }),
    }),
  ])
  .meta({ id: 'BatchItem' });

export const Batch = z
  .strictObject({ items: z.array(BatchItem).min(1).max(BATCH_ITEMS_MAX) })
  .meta({ id: 'Batch', description: 'Carried out in order; items that only remove may run side by side.' });

export const BatchVerdict = z
  .object({
    ok: z.boolean(),
    status: z.int().meta({ description: 'What the single request would have answered.' }),
    count: z.int().optional().meta({ description: 'Files moved or copied.' }),
    entry: Entry.optional(),
    problem: Problem.optional(),
  })
  .meta({ id: 'BatchVerdict' });

export const BatchAnswer = z
  .object({ results: z.array(BatchVerdict).meta({ description: 'One for each item, in order.' }), failed: z.int() })
  .meta({ id: 'BatchAnswer' });

export const Zip = z
  .strictObject({
    items: z
      .array(z.strictObject({ bucket: bucketName, key }))
      .min(1)
      .max(BATCH_ITEMS_MAX)
      .meta({ description: 'Files and folders; a folder with all below.' }),
    name: z.string().min(1).max(200).optional().meta({ description: 'Of the archive, without `.zip`.' }),
  })
  .meta({ id: 'Zip' });

export const ZipPrepared = z
  .object({
    path: z.string().meta({ description: 'GET this, below the API, within ten minutes and as the same user.' }),
    expiresInSeconds: z.int(),
  })
  .meta({ id: 'ZipPrepared' });
