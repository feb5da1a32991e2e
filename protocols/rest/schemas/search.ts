import { z } from 'zod';
import { bucketName, Entry, key } from '../schema.ts';

export const SearchQuery = z.strictObject({
  q: z.string().min(1).max(256).meta({ description: 'Words; each begins a word of the name. Case and accents do not count.' }),
  bucket: bucketName.optional().meta({ description: 'Only there.' }),
  prefix: key.optional().meta({ description: 'Only below this folder of the bucket; ends in `/`.' }),
  kind: z.enum(['file', 'folder']).optional(),
  cursor: z.string().max(512).optional(),
  limit: z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= 200, '1 to 200')
    .optional()
    .meta({ description: 'Entries of a page, 1 to 200 (default 50).' }),
});

export const SearchPage = z
  .object({
    entries: z.array(Entry).meta({ description: 'Bucket by bucket, and in each in order of the word that was found.' }),
    next: z
      .string()
      .nullable()
      .meta({ description: 'The `cursor` of the next page; null at the end. A page may be short, or empty, before it.' }),
    complete: z.boolean().meta({ description: 'false: many names came a moment ago and are not all looked through yet.' }),
  })
  .meta({ id: 'SearchPage' });
