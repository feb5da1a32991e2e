import { z } from 'zod';
import { LINK_MODES } from '#core/link';
import { Place } from '../schema.ts';
import { PageQuery } from './identity.ts';

/** Share links over the wire. Times are ISO 8601 in UTC. */
const time = z.iso.datetime();
const limit = z.int().min(1).max(Number.MAX_SAFE_INTEGER).nullable();
const password = z.string().min(1).max(1024);

const terms = {
  mode: z.enum(LINK_MODES).meta({
    description: '`view`: see only (best effort); `download`: see and save; `drop`: put new files in, and see nothing.',
  }),
  label: z.string().min(1).max(200).nullable().meta({ description: 'What visitors see above; null: the own name.' }),
  expires: time.nullable(),
  downloadsMax: limit.meta({ description: 'Downloads of files that it is good for; null: any number.' }),
  bytesMax: limit.meta({ description: 'Of a drop folder: bytes that it takes.' }),
  filesMax: limit.meta({ description: 'Of a drop folder: files that it takes.' }),
  networks: z
    .array(z.string().max(64))
    .min(1)
    .max(100)
    .nullable()
    .meta({ description: 'Networks (10.0.0.0/8) that it opens from; null: from anywhere.' }),
  disabled: z.boolean(),
};

export const Link = z
  .object({
    id: z.int(),
    maker: z.int(),
    bucket: z.string(),
    key: z.string(),
    ...terms,
    protected: z.boolean().meta({ description: 'A password is asked for.' }),
    downloads: z.int(),
    bytes: z.int(),
    files: z.int(),
    created: time,
    lastUsed: time.nullable(),
    token: z.string().optional().meta({ description: "To its maker: the link is `/s/<token>` below the gateway's address." }),
  })
  .meta({ id: 'Link' });
export const LinkList = z
  .object({
    items: z.array(Link),
    next: z.string().nullable().meta({ description: 'The `cursor` of the next page; null at the end.' }),
  })
  .meta({ id: 'LinkList' });

export const NewLink = Place.extend({ ...z.object(terms).partial().shape, password: password.optional() }).meta({
  id: 'NewLink',
});
export const LinkPatch = z
  .strictObject({ ...z.object(terms).partial().shape, password: password.nullable().optional() })
  .meta({ id: 'LinkPatch' });
export const LinkQuery = PageQuery.extend({
  bucket: z.string().min(1).max(64).optional().meta({ description: 'Links at and below this place.' }),
  key: z.string().max(1024).optional(),
});

export const Unlock = z.strictObject({ password }).meta({ id: 'Unlock' });
export const UnlockedLink = z.object({ ticket: z.string(), expires: time }).meta({ id: 'UnlockedLink' });

/** What a visitor learns: nothing of the bucket, of what lies above, or of who else has a link. */
export const PublicEntry = z
  .object({
    kind: z.enum(['file', 'folder']),
    path: z.string().meta({ description: 'Within the link; a folder ends in `/`.' }),
    name: z.string(),
    size: z.int().optional(),
    contentType: z.string().optional(),
    modified: time.optional(),
    etag: z.string().optional(),
  })
  .meta({ id: 'PublicEntry' });
export const PublicLink = z
  .object({
    kind: z.enum(['file', 'folder']),
    mode: terms.mode,
    name: z.string(),
    expires: time.nullable(),
    downloadsLeft: z.int().nullable(),
    bytesLeft: z.int().nullable(),
    filesLeft: z.int().nullable(),
    file: PublicEntry.optional(),
  })
  .meta({ id: 'PublicLink' });
export const PublicListing = z
  .object({ entries: z.array(PublicEntry), next: z.string().nullable() })
  .meta({ id: 'PublicListing' });
export const Dropped = z.object({ name: z.string(), size: z.int() }).meta({ id: 'Dropped' });

export const DropState = z
  .object({
    id: z.string(),
    offset: z.int().meta({ description: 'Bytes that are durable.' }),
    length: z.int(),
    digest: z
      .object({ algorithm: z.enum(['sha-256', 'sha-256-8mib']), value: z.string().meta({ description: 'Base64.' }) })
      .nullable()
      .meta({ description: 'What its sender said that the whole adds up to. A file that it made was held against it.' }),
    entry: Dropped.nullable().meta({ description: 'null before it has ended.' }),
  })
  .meta({ id: 'DropState' });
