import type { BucketId, ObjectKey } from '#core/address';
import type { ContentRef } from '#core/content-ref';
import type { Digests } from '#core/digest';
import type { ObjectAttributes } from '#core/object';
import type { PrincipalId } from '#core/principal';
import type { ObjectLock } from '#core/retention';
import type { ChunkRecord, LeafRecord } from './content.ts';

/** Rows of unfinished uploads: S3 multipart, tus and REST resumable are one thing. */
export interface UploadStore {
  create(upload: NewUpload): Promise<Upload>;
  /** Completed ones are found for a day, so that a repeated completion can be answered. */
  find(bucket: BucketId, key: ObjectKey, id: string): Promise<Upload | null>;
  /** Replaces a part of the same number. @throws upload_not_found (aborted or completed meanwhile) */
  putPart(upload: string, part: Part, chunks: ChunkRecord[], leaves: LeafRecord[]): Promise<Part>;
  /** Bytes of all parts but this one. */
  stored(upload: string, without: number): Promise<number>;
  /** By number, after `after`. */
  parts(upload: string, after: number, limit: number): Promise<Part[]>;
  /** By (key, id) in byte order, after the markers. */
  list(bucket: BucketId, prefix: string, after: { key: string; id: string } | null, limit: number): Promise<Upload[]>;
  /** @throws upload_not_found */
  abort(bucket: BucketId, key: ObjectKey, id: string): Promise<void>;
}

export interface NewUpload {
  bucket: BucketId;
  key: ObjectKey;
  principal: PrincipalId;
  attributes: ObjectAttributes;
  mtime?: number;
  /** Of the object that it will be. */
  lock?: Partial<ObjectLock>;
  /** S3's checksum algorithm and type of the upload, if it named one. */
  checksum?: { algorithm: string; type: 'FULL_OBJECT' | 'COMPOSITE' };
}

export interface Upload extends NewUpload {
  /** 32 hex digits */
  id: string;
  created: number;
  completedVersion: string | null;
}

export interface Part {
  /** 1 to 10,000 */
  number: number;
  size: number;
  /** 32 hex digits: MD5 of the part. */
  etag: string;
  content: ContentRef;
  digests: Digests;
  /** Of its cipher, where the upload is under a customer's key. 12 bytes */
  nonce?: Buffer;
  modified: number;
}
