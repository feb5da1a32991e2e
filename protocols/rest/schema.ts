import { z } from 'zod';

/** What goes over the wire, once for checking, for types and for the OpenAPI document. Times are ISO 8601 in UTC. */
export const time = z.iso.datetime();
/** 63 characters at most, and the `~` of a global name that an alias hides. */
export const bucketName = z.string().min(1).max(64);
export const key = z.string().max(1024).meta({ description: 'At most 1,024 UTF-8 bytes. A folder ends in `/`.' });
export const etag = z.string().min(1).max(200).meta({ description: 'Without quotes; the same string on every protocol.' });

export const Checksum = z
  .object({ algorithm: z.string(), value: z.string().meta({ description: 'Base64.' }) })
  .meta({ id: 'Checksum' });

export const File = z
  .object({
    kind: z.literal('file'),
    bucket: bucketName,
    key,
    name: z.string(),
    size: z.int().min(0).meta({ description: 'Bytes.' }),
    etag,
    contentType: z.string(),
    modified: time.meta({ description: 'When the change was committed.' }),
    mtime: time.meta({ description: 'What the writer gave as modification time, else `modified`.' }),
    created: time,
    versionId: z.string(),
    verified: time.nullable().optional().meta({
      description: 'Since when every byte is known to be as it was stored; null: not checked yet. Only when asked for.',
    }),
    checksum: Checksum.optional().meta({
      description: 'Of the whole, where the writer announced one: what came was held against it.',
    }),
    metadata: z.record(z.string(), z.string()).optional().meta({ description: "User metadata (S3's x-amz-meta-*)." }),
  })
  .meta({ id: 'File' });

export const Folder = z
  .object({
    kind: z.literal('folder'),
    bucket: bucketName,
    key,
    name: z.string(),
    etag: etag.optional().meta({ description: 'Moves with every change at or below.' }),
    modified: time.optional(),
    created: time.optional(),
  })
  .meta({ id: 'Folder' });

export const Entry = z.discriminatedUnion('kind', [File, Folder]).meta({ id: 'Entry' });

export const Listing = z
  .object({
    entries: z.array(Entry).meta({ description: 'In byte order of keys.' }),
    next: z.string().nullable().meta({ description: 'The `cursor` of the next page; null at the end.' }),
  })
  .meta({ id: 'Listing' });

export const Place = z.strictObject({ bucket: bucketName, key }).meta({ id: 'Place' });

/** A proxy's patience ends too: who says nothing gets it done. */
export const onDisconnect = z.enum(['finish', 'cancel']).optional().meta({
  description:
    'What becomes of it when the client goes away before the answer: it is finished (the default), or called off, and then nothing of it is done. Between buckets of different owners, what was copied stays.',
});

export const Transfer = z
  .strictObject({
    from: Place,
    to: Place,
    overwrite: z.boolean().optional().meta({ description: 'Replaces what is there. Default false.' }),
    ifMatch: etag.optional().meta({ description: 'Only if the source still has this ETag.' }),
    onDisconnect,
  })
  .meta({ id: 'Transfer' });

export const Transferred = z
  .object({ created: z.boolean(), count: z.int().meta({ description: 'Files moved or copied.' }), entry: Entry })
  .meta({ id: 'Transferred' });

export const Login = z
  .strictObject({
    user: z.string().min(1).max(200),
    password: z.string().min(1).max(1024),
    label: z.string().max(200).optional().meta({ description: 'Names the session, e.g. the device.' }),
    otp: z.string().max(40).optional().meta({
      description: 'A one-time or recovery code. Without one, who has a second factor gets 401 `second_factor_required`.',
    }),
  })
  .meta({ id: 'Login' });

export const Refresh = z
  .strictObject({
    refreshToken: z.string().min(1).max(4096).optional().meta({ description: 'Left out where the session is in cookies.' }),
  })
  .meta({ id: 'Refresh' });

export const Tokens = z
  .object({
    accessToken: z.string(),
    refreshToken: z.string().optional().meta({ description: 'Not told where the session is in cookies.' }),
    expiresInSeconds: z.int(),
  })
  .meta({ id: 'Tokens' });

export const Me = z.object({ id: z.int(), name: z.string(), role: z.enum(['admin', 'member', 'guest']) }).meta({ id: 'Me' });

export const Bucket = z
  .object({
    name: bucketName,
    owner: z.int(),
    kind: z.enum(['standard', 'linked', 'vault']),
    versioning: z.enum(['off', 'enabled', 'suspended']),
    created: time,
  })
  .meta({ id: 'Bucket' });

export const BucketDetails = Bucket.extend({
  usage: z.object({ objects: z.int(), bytes: z.int() }).meta({ description: 'Current objects and their bytes.' }),
  quota: z
    .object({ bytes: z.int().min(0).nullable(), objects: z.int().min(0).nullable() })
    .meta({ description: 'How much it may hold; null: as much as its owner may.' }),
}).meta({ id: 'BucketDetails' });

export const BucketList = z
  .object({
    buckets: z.array(Bucket),
    next: z.string().nullable().meta({ description: 'The `cursor` of the next page; null at the end.' }),
  })
  .meta({ id: 'BucketList' });
export const RemovedBucket = Bucket.extend({
  id: z.int().meta({ description: 'Its name may be that of another by now.' }),
  removed: time,
  usage: z
    .object({ objects: z.int(), bytes: z.int(), historyVersions: z.int(), historyBytes: z.int() })
    .meta({ description: 'What comes back with it.' }),
}).meta({ id: 'RemovedBucket' });
export const RemovedBucketList = z
  .object({
    buckets: z.array(RemovedBucket),
    next: z.string().nullable().meta({ description: 'The `cursor` of the next page; null at the end.' }),
  })
  .meta({ id: 'RemovedBucketList' });
export const RestoreBucket = z
  .strictObject({ name: bucketName.optional().meta({ description: 'Where its own has been taken meanwhile.' }) })
  .meta({ id: 'RestoreBucket' });
export const NewBucket = z
  .strictObject({
    name: bucketName,
    owner: z.string().min(1).max(200).optional().meta({ description: 'Another user, who will own it; for admins.' }),
  })
  .meta({ id: 'NewBucket' });

export const SystemInfo = z
  .object({
    name: z.string(),
    version: z.string(),
    time,
    s3: z
      .object({
        port: z.int().nullable().meta({ description: 'On the host that the page is on; null: not known here.' }),
        domain: z.string().nullable().meta({ description: 'S3 has a name of its own.' }),
      })
      .meta({ description: 'Where S3 clients go.' }),
  })
  .meta({ id: 'SystemInfo' });

export const Integrity = z
  .object({
    ok: z.boolean(),
    lastScrub: z.object({ started: time, ended: time, counts: z.record(z.string(), z.int()) }).nullable(),
    damaged: z.int(),
    damage: z.array(z.object({ kind: z.string(), subject: z.string(), reason: z.string(), found: time })),
    files: z.array(z.object({ bucket: bucketName, key, version: z.string(), current: z.boolean() })).optional(),
  })
  .meta({ id: 'Integrity' });

const bytes = z.int();
export const Space = z
  .object({
    objects: z.int(),
    bytes,
    historyVersions: z.int(),
    historyBytes: bytes,
    uniqueBytes: bytes.meta({ description: 'Plain bytes after deduplication.' }),
    storedBytes: bytes.meta({ description: 'The same, compressed and encrypted.' }),
    physicalBytes: bytes.nullable(),
    reclaimableBytes: bytes.nullable(),
  })
  .meta({ id: 'Space' });

export const Problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    code: z.string().meta({ description: 'What a program compares.' }),
    requestId: z.string(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' });

/** A switch in a query: present, or true or false. */
export const flag = z
  .enum(['', 'true', 'false'])
  .transform((text) => text !== 'false')
  .optional();

export const RemoveBucketQuery = z.strictObject({
  force: flag.meta({ description: 'With everything in it, its history too; for admins.' }),
});

export const KeyQuery = z.strictObject({
  key: z.string().max(1024).optional().meta({ description: 'The whole key, verbatim, when the path names just the bucket.' }),
});

export const StatQuery = KeyQuery.extend({ verified: flag.meta({ description: 'Tells of a file when it was last checked.' }) });

export const LIMIT_MAX = 1000;
export const FileQuery = KeyQuery.extend({
  download: flag.meta({ description: 'Asks the browser to save the file.' }),
  recursive: flag.meta({ description: 'Lists all files below instead of one level.' }),
  cursor: z.string().max(4096).optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= LIMIT_MAX, `1 to ${LIMIT_MAX}`)
    .optional()
    .meta({ description: `Entries of a page, 1 to ${LIMIT_MAX} (the default).` }),
});
export const PutQuery = KeyQuery.extend({
  mtime: z.string().max(40).optional().meta({ description: 'As the header X-Mtime.' }),
});
export const RemoveQuery = KeyQuery.extend({
  recursive: flag.meta({ description: 'Removes a folder with all below.' }),
  onDisconnect,
});
export const IntegrityQuery = z.strictObject({
  files: flag.meta({ description: 'Names the files that cannot be read. Reads every version: slow on a large store.' }),
});
