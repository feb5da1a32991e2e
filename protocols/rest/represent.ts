import type { z } from 'zod';
import type { RemovedBucket } from '#contracts/bucket-store';
import type { ListEntry } from '#contracts/metadata-store';
import { nameOf } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { EntryInfo, ObjectInfo, StoredChecksum } from '#core/object';
import { CONTENT_TYPE_DEFAULT } from './file-headers.ts';
import type * as schema from './schema.ts';

type EntryJson = z.infer<typeof schema.Entry>;

/** A file or folder as JSON. A stored folder marker is its folder. */
export function entryJson(bucket: string, entry: EntryInfo): EntryJson {
  const { key, etag } = entry;
  const modified = isoTime(entry.modified);
  const created = isoTime(entry.created);
  if (entry.kind === 'directory') return { kind: 'folder', bucket, key, name: nameOf(key), etag, modified, created };
  return key.endsWith('/') ? { kind: 'folder', bucket, key, name: nameOf(key) } : fileJson(bucket, entry);
}

export function fileJson(bucket: string, info: ObjectInfo): z.infer<typeof schema.File> {
  const { key, size, etag, attributes, versionId } = info;
  return {
    kind: 'file',
    bucket,
    key,
    name: nameOf(key),
    size,
    etag,
    contentType: attributes.contentType ?? CONTENT_TYPE_DEFAULT,
    modified: isoTime(info.modified),
    mtime: isoTime(info.mtime),
    created: isoTime(info.created),
    versionId,
    ...(attributes.checksum?.type === 'FULL_OBJECT' ? { checksum: checksumJson(attributes.checksum) } : {}),
    ...(attributes.user === undefined ? {} : { metadata: attributes.user }),
  };
}

function checksumJson({ algorithm, value }: StoredChecksum): z.infer<typeof schema.Checksum> {
  return { algorithm, value };
}

export function listedJson(bucket: string, entry: ListEntry): EntryJson {
  if (entry.kind === 'object') return entryJson(bucket, entry.info);
  if (entry.directory !== null) return entryJson(bucket, entry.directory);
  return { kind: 'folder', bucket, key: entry.prefix, name: nameOf(entry.prefix) };
}

export function bucketJson({ name, owner, kind, versioning, created }: Bucket): z.infer<typeof schema.Bucket> {
  return { name, owner, kind, versioning, created: isoTime(created) };
}

export function removedBucketJson(bucket: RemovedBucket): z.infer<typeof schema.RemovedBucket> {
  const { id, removed, usage } = bucket;
  return { id, ...bucketJson(bucket), removed: isoTime(removed), usage };
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
