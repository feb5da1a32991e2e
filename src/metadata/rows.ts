import type { BucketId, ObjectKey } from '#core/address';
import { decodeContentRef } from '#core/content-ref';
import type { DirectoryInfo, ObjectAttributes, ObjectInfo, Visibility } from '#core/object';

/** key, version, visibility, node, size, etag, modified, mtime, created, attributes, properties, content */
export type SlotRow = [
  string,
  Buffer,
  Visibility,
  number,
  number,
  string,
  number,
  number,
  number,
  string,
  string | null,
  (Buffer | null)?,
];
export const SLOT_COLUMNS = `s.key, s.version_id, s.visibility, s.node_id, s.size, s.etag, s.modified_ms, s.mtime_ms, s.created_ms,
  s.attributes, s.properties`;

export function objectOf(bucket: BucketId, row: SlotRow): ObjectInfo {
  const [key, version, visibility, nodeId, size, etag, modified, mtime, created, attributes, properties, content] = row;
  return {
    kind: 'object',
    bucket,
    key,
    nodeId,
    versionId: version.toString('hex'),
    visibility,
    deleteMarker: false,
    isLatest: true,
    size,
    etag,
    modified,
    mtime,
    created,
    attributes: attributesOf(attributes),
    content: content ? decodeContentRef(content) : null,
    properties: propertiesOf(properties),
  };
}

/** path, id, explicit, identity, revision, modified, created, properties */
export type DirectoryRow = [string, number, boolean, string, number, number, number, string | null];
export const DIRECTORY_COLUMNS = `d.path, d.id, d.explicit, encode(uuid_send(d.identity), 'hex'), d.revision, d.modified_ms, d.created_ms,
  d.properties`;

export function directoryOf(bucket: BucketId, row: DirectoryRow): DirectoryInfo {
  const [key, directoryId, explicit, identity, revision, modified, created, properties] = row;
  return {
    kind: 'directory',
    bucket,
    key,
    directoryId,
    explicit,
    etag: `${identity}-${revision}`,
    modified,
    created,
    properties: propertiesOf(properties),
  };
}

export function attributesOf(text: string): ObjectAttributes {
  return text === '{}' ? {} : JSON.parse(text);
}

export function propertiesOf(text: string | null): Record<string, string> | null {
  return text === null || text === '{}' ? null : JSON.parse(text);
}

/** The end (exclusive) of the keys below a directory's path: `a/` gives `a0`, as `0` follows `/`. null for the root: no end. */
export function endOf(path: ObjectKey): string | null {
  return path === '' ? null : `${path.slice(0, -1)}0`;
}
