import type { BucketId, ObjectKey } from './address.ts';
import type { ContentRef } from './content-ref.ts';
import type { DigestName } from './digest.ts';
import type { ObjectLock } from './retention.ts';

/** 128 random-looking bits as 32 lower-case hex digits, time-ordered (UUIDv7 layout), minted by the gateway before the commit: the idempotency key of an ambiguous commit. */
export type VersionId = string;

/** How S3 sees a version: by its id, as the `null` version, or not at all (history kept by us in a bucket that was never versioned). */
export type Visibility = 'id' | 'null' | 'hidden';

export interface StoredChecksum {
  algorithm: DigestName;
  /** base64, with S3's `-N` for a composite one. */
  value: string;
  type: 'FULL_OBJECT' | 'COMPOSITE';
}

/** What a writer gives along, stored verbatim and given back by every door. Names of `user` are lower case, without `x-amz-meta-`. */
export interface ObjectAttributes {
  contentType?: string;
  contentEncoding?: string;
  contentLanguage?: string;
  contentDisposition?: string;
  cacheControl?: string;
  /** The `Expires` header as it came. */
  expires?: string;
  user?: Record<string, string>;
  checksum?: StoredChecksum;
  /** S3's tags, at most ten. Rows keep them in a column of their own too, for what filters by them. */
  tags?: Record<string, string>;
  /** Its bytes lie under a key that only the client has (S3's SSE-C): what tells a right key from a wrong one, in base64. */
  customerKey?: { salt: string; check: string /** Of each part, where it has parts. */; nonces?: string[] };
  /** Sizes of the parts of a multipart upload, in bytes, for part-number reads. */
  partSizes?: number[];
  /** In base64, of each part, where the upload named an algorithm: `checksum` says which. */
  partChecksums?: string[];
  /** What a protocol must remember of its own and no other reads, e.g. `s3.storageClass`, `oc.checksums`. */
  extra?: Record<string, string>;
}

/** A live object, one of its versions, or a delete marker. */
export interface ObjectInfo {
  kind: 'object';
  bucket: BucketId;
  key: ObjectKey;
  nodeId: number;
  versionId: VersionId;
  visibility: Visibility;
  /** A delete marker has size 0 and no content; only version reads and version listings give one. */
  deleteMarker: boolean;
  isLatest: boolean;
  size: number;
  /** Without quotes; the same string on every door. */
  etag: string;
  /** The commit's time: S3's Last-Modified. ms since the epoch. */
  modified: number;
  /** What the client gave as modification time, else `modified`. ms since the epoch. */
  mtime: number;
  /** When this file (node) first appeared. ms since the epoch. */
  created: number;
  attributes: ObjectAttributes;
  /** null for a delete marker, and in listings, which do not load it. */
  content: ContentRef | null;
  /** WebDAV's dead properties: `{"namespace name": "xml"}`; null when there are none. */
  properties: Record<string, string> | null;
  /** What keeps it from being removed; only where one version is asked for, and it has any. */
  lock?: ObjectLock;
}

export interface DirectoryInfo {
  kind: 'directory';
  bucket: BucketId;
  /** Ends in `/`, or is empty: the bucket's root. */
  key: ObjectKey;
  directoryId: number;
  /** True when a marker object `key` exists; else the directory lives by what is below it. */
  explicit: boolean;
  /** Moves with every change at or below. 32 hex digits, `-`, digits: no S3 tool takes it for an MD5. */
  etag: string;
  /** The time of the last change at or below. */
  modified: number;
  created: number;
  properties: Record<string, string> | null;
  /** Of all that is live below; null: not known. */
  bytes: number | null;
}

export type EntryInfo = ObjectInfo | DirectoryInfo;

/** What a folder shows of a file: all but which version it is, and what that lies in. */
export type ShownObject = Pick<
  ObjectInfo,
  'kind' | 'bucket' | 'key' | 'nodeId' | 'size' | 'etag' | 'modified' | 'mtime' | 'created' | 'attributes' | 'properties'
>;
export type ShownEntry = ShownObject | DirectoryInfo;
