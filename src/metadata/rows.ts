import type { BucketId, ObjectKey } from '#core/address';
import { type ContentRef, decodeContentRef } from '#core/content-ref';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { DirectoryInfo, ObjectAttributes, ObjectInfo, VersionId, Visibility } from '#core/object';

/** key, version, visibility, node, size, etag, modified, mtime, created, attributes, properties, and the version's content */
export type ObjectRow = [
  string,
  string,
  Visibility,
  number,
  number,
  string,
  number,
  number,
  number,
  string,
  string | null,
  Buffer | null,
];
export const SLOT_COLUMNS = `s.key, encode(s.version_id, 'hex'), s.visibility, s.node_id, s.size, s.etag, s.modified_ms, s.mtime_ms,
  s.created_ms, s.attributes, s.properties`;

export function objectOf(bucket: BucketId, row: readonly [...ObjectRow, ...unknown[]]): ObjectInfo {
  const [key, versionId, visibility, nodeId, size, etag, modified, mtime, created, attributes, properties, content] = row;
  return {
    kind: 'object',
    bucket,
    key,
    nodeId,
    versionId,
    visibility,
    deleteMarker: false,
    isLatest: true,
    size,
    etag,
    modified,
    mtime,
    created,
    attributes: attributesOf(attributes),
    content: content === null ? null : contentOf(content, { bucket, key, versionId }),
    properties: propertiesOf(properties),
  };
}

/** @throws corrupt, with the file that the row is of */
export function contentOf(bytes: Buffer, file: { bucket: BucketId; key: ObjectKey; versionId: VersionId }): ContentRef {
  try {
    return decodeContentRef(bytes);
  } catch (cause) {
    if (!isCloudStoreError(cause, 'corrupt')) throw cause;
    const message = `${JSON.stringify(file.key)} is damaged. ${cause.message}`;
    throw new CloudStoreError('corrupt', message, { details: { ...file }, cause });
  }
}

/** Parts a packed row: no number, hex, word or JSON text holds it. */
export const SEPARATOR = '\u001f';
/** All of a slot but its key, as they are packed. */
export const SLOT_VALUES = `encode(s.version_id, 'hex'), s.visibility, s.node_id, s.size, s.etag, s.modified_ms, s.mtime_ms,
  s.created_ms, s.attributes, coalesce(s.properties::text, '')`;
export const SLOT_PARTS = 10;
/**
 * All of a slot but its key as one text. Every column of every row costs the driver a string, a call and a place in an array:
 * ten in one save a third of what reading a page costs the gateway.
 */
export const PACKED_SLOT = `concat_ws(E'\\x1f', ${SLOT_VALUES})`;

/** Reads packed slots, those of one page or of many look-ups: objects without their content. */
export function packedReader(): (bucket: BucketId, key: ObjectKey, packed: string) => ObjectInfo {
  const read = slotReader();
  return (bucket, key, packed) => read(bucket, key, packed.split(SEPARATOR), 0);
}

/** As `packedReader`, of the parts: they begin at `from`. */
export function slotReader(): (bucket: BucketId, key: ObjectKey, parts: readonly string[], from: number) => ObjectInfo {
  const attributes = attributesReader();
  return (bucket, key, parts, from) => {
    const properties = parts[from + 9] as string;
    return {
      kind: 'object',
      bucket,
      key,
      nodeId: Number(parts[from + 2]),
      versionId: parts[from] as string,
      visibility: parts[from + 1] as Visibility,
      deleteMarker: false,
      isLatest: true,
      size: Number(parts[from + 3]),
      etag: parts[from + 4] as string,
      modified: Number(parts[from + 5]),
      mtime: Number(parts[from + 6]),
      created: Number(parts[from + 7]),
      attributes: attributes(parts[from + 8] as string),
      content: null,
      properties: properties === '' ? null : propertiesOf(properties),
    };
  };
}

/** How jsonb writes a checksum up to its value: keys in the order of their length. Quotes inside a string are escaped, so it stands nowhere else. */
const CHECKSUM = '"checksum": {"type": "FULL_OBJECT", "value": "';

/**
 * Parses the attributes of a page. Neighbours often have the same but for the checksum, and are then made from the one before;
 * nobody changes what a listing gave.
 */
export function attributesReader(): (text: string) => ObjectAttributes {
  let head = '{}';
  let tail = '';
  let known: ObjectAttributes = {};
  return (text) => {
    const at = text.indexOf(CHECKSUM);
    const from = at < 0 ? text.length : at + CHECKSUM.length;
    const to = at < 0 ? text.length : text.indexOf('"', from);
    const [before, value, behind] = [text.slice(0, from), text.slice(from, to), text.slice(to)];
    if (before !== head || behind !== tail || value.includes('\\')) {
      head = before;
      tail = behind;
      known = attributesOf(text);
      return known;
    }
    return known.checksum === undefined || at < 0 ? known : { ...known, checksum: { ...known.checksum, value } };
  };
}

/** All of a directory but its path as one text. */
export const PACKED_DIRECTORY = `concat_ws(E'\\x1f', d.id, d.explicit, encode(uuid_send(d.identity), 'hex'), d.revision, d.modified_ms, d.created_ms,
  coalesce(d.properties::text, ''), coalesce(d.bytes::text, ''))`;

export const DIRECTORY_PARTS = 8;
export function packedDirectory(bucket: BucketId, path: ObjectKey, packed: string): DirectoryInfo {
  return partedDirectory(bucket, path, packed.split(SEPARATOR));
}

export function partedDirectory(bucket: BucketId, path: ObjectKey, parts: readonly string[]): DirectoryInfo {
  const [id, explicit, identity, revision, modified, created, properties, bytes] = parts as PackedDirectory;
  const row: DirectoryRow = [
    path,
    Number(id),
    explicit === 't',
    identity,
    Number(revision),
    Number(modified),
    Number(created),
    properties || null,
    bytes === '' ? null : Number(bytes),
  ];
  return directoryOf(bucket, row);
}

type PackedDirectory = readonly [string, string, string, string, string, string, string, string];

/** path, id, explicit, identity, revision, modified, created, properties, bytes below */
export type DirectoryRow = [string, number, boolean, string, number, number, number, string | null, number | null];
export const DIRECTORY_COLUMNS = `d.path, d.id, d.explicit, encode(uuid_send(d.identity), 'hex'), d.revision, d.modified_ms, d.created_ms,
  d.properties, d.bytes`;

export function directoryOf(bucket: BucketId, row: DirectoryRow): DirectoryInfo {
  const [key, directoryId, explicit, identity, revision, modified, created, properties, bytes] = row;
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
    bytes,
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
