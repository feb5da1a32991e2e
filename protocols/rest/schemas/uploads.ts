import { z } from 'zod';
import { bucketName, Entry, etag, key, time } from '../schema.ts';

export const UploadState = z
  .object({
    id: z.string(),
    bucket: bucketName,
    key,
    offset: z.int().meta({ description: 'Bytes that are durable.' }),
    length: z.int().nullable().meta({ description: 'null: not known yet.' }),
    created: time,
    touched: time.meta({ description: 'When bytes came last.' }),
    expires: time.meta({ description: 'If no more come.' }),
    mtime: time.nullable(),
    contentType: z.string().nullable(),
    digest: z
      .object({ algorithm: z.enum(['sha-256', 'sha-256-8mib']), value: z.string().meta({ description: 'Base64.' }) })
      .nullable()
      .meta({ description: 'What its sender said that the whole adds up to. A file that it made was held against it.' }),
    entry: Entry.nullable().meta({ description: 'The file that it made; null before it has ended.' }),
  })
  .meta({ id: 'UploadState' });

export const UploadList = z.object({ uploads: z.array(UploadState), next: z.string().nullable() }).meta({ id: 'UploadList' });

export const UploadQuery = z.strictObject({
  bucket: bucketName.optional().meta({ description: 'Instead of `bucket` in Upload-Metadata.' }),
  key: key.optional().meta({ description: 'Instead of `key` in Upload-Metadata.' }),
});

export const UploadListQuery = z.strictObject({
  cursor: z.string().max(64).optional(),
  limit: z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= 100, '1 to 100')
    .optional()
    .meta({ description: 'Uploads of a page, 1 to 100 (the default).' }),
});

export const FinishUpload = z
  .strictObject({
    key: key.optional().meta({ description: 'Another name than the upload was begun for.' }),
    overwrite: z.boolean().optional().meta({ description: 'true: whatever is there; false: only if nothing is.' }),
    ifMatch: etag.optional().meta({ description: 'Only if the file has this ETag now.' }),
  })
  .meta({ id: 'FinishUpload' });
