import type { BucketId, ObjectKey } from '#core/address';
import { type ContentRef, decodeContentRef } from '#core/content-ref';
import type { DirectoryInfo, ObjectAttributes, ObjectInfo, Visibility } from '#core/object';

/** key, version, visibility, node, size, etag, modified, mtime, created, attributes, properties */
export type SlotRow = [string, string, Visibility, number, number, string, number, number, number, string, string | null];
export const SLOT_COLUMNS = `s.key, encode(s.version_id, 'hex'), s.visibility, s.node_id, s.size, s.etag, s.modified_ms, s.mtime_ms,
  s.created_ms, s.attributes, s.properties`;

/** A slot's columns and its version's content. */
export type ObjectRow = [...SlotRow, Buffer | null];

export function objectOf(bucket: BucketId, row: readonly [...ObjectRow, ...unknown[]]): ObjectInfo {
  const content = row[11];
  return infoOf(bucket, row, attributesOf(row[9]), content === null ? null : decodeContentRef(content));
}

/**
 * Reads the rows of one page: objects without their content. Neighbours often have the same attributes, which are then one
 * value; nobody changes what a listing gave.
 */
export function listedReader(bucket: BucketId): (row: readonly [...SlotRow, ...unknown[]]) => ObjectInfo {
  let text = '{}';
  let attributes: ObjectAttributes = {};
  return (row) => {
    if (row[9] !== text) {
      text = row[9];
      attributes = attributesOf(text);
    }
    return infoOf(bucket, row, attributes, null);
  };
}

function infoOf(
  bucket: BucketId,
  row: readonly [...SlotRow, ...unknown[]],
  attributes: ObjectAttributes,
  content: ContentRef | null,
): ObjectInfo {
  return {
    kind: 'object',
    bucket,
    key: row[0],
    nodeId: row[3],
    versionId: row[1],
    visibility: row[2],
    deleteMarker: false,
    isLatest: true,
    size: row[4],
    etag: row[5],
    modified: row[6],
    mtime: row[7],
    created: row[8],
    attributes,
    content,
    properties: propertiesOf(row[10]),
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
