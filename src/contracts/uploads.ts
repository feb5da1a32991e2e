import type { Address, BucketId, ObjectKey } from '#core/address';
import type { Conditions } from '#core/conditions';
import type { DigestName, Digests } from '#core/digest';
import type { ObjectAttributes, VersionId } from '#core/object';
import type { Who } from '#core/principal';
import type { RangeRequest } from '#core/range';
import type { Bytes } from '#core/stream';
import type { PutResult } from './namespace.ts';
import type { NewUpload, Part, Upload } from './upload-store.ts';

/** Uploads in parts, authorized. S3 multipart now; tus and REST resumable later. */
export interface Uploads {
  begin(who: Who, at: Address, options: Omit<NewUpload, 'bucket' | 'key' | 'principal'>): Promise<Upload>;
  /** @throws upload_not_found, invalid_part (number not 1 to 10,000), and what Content.write throws */
  writePart(who: Who, at: Address, upload: string, number: number, body: Bytes, options: PartOptions): Promise<Part>;
  /** A part from (a range of) an object. */
  copyPart(
    who: Who,
    at: Address,
    upload: string,
    number: number,
    from: Address,
    options: { version?: VersionId | 'null'; range?: RangeRequest; conditions?: Conditions },
  ): Promise<Part>;
  parts(who: Who, at: Address, upload: string, after: number, limit: number): Promise<{ upload: Upload; parts: Part[] }>;
  list(
    who: Who,
    bucket: BucketId,
    prefix: string,
    after: { key: ObjectKey; id: string } | null,
    limit: number,
  ): Promise<Upload[]>;
  /**
   * Makes the object of the named parts, in order, without moving bytes; ETag is MD5 of the binary part MD5s, `-N`.
   * Repeating a completed one gives its result again.
   * @throws invalid_part (missing or another ETag), invalid_part_order, part_too_small (details.number; all but the last need 5 MiB), and what commit throws
   */
  complete(who: Who, at: Address, upload: string, parts: CompletedPart[], options: CompleteOptions): Promise<PutResult>;
  abort(who: Who, at: Address, upload: string): Promise<void>;
}

export interface PartOptions {
  size?: number;
  digests?: readonly DigestName[];
  expect?: Digests | (() => Digests);
  /** Kept with the part. */
  nonce?: Buffer;
  /** Called with the digests before the part is recorded: what it returns is kept in their place. */
  digestsOf?: (digests: Digests) => Digests;
  /** The door's word on whether the part goes with its upload, before a byte is read: what it throws refuses the part. */
  accepts?(upload: Upload): void;
  signal?: AbortSignal;
  /** The highest number there may be; default S3's 10,000. At most 2,147,483,647. */
  numberMax?: number;
}

export interface CompleteOptions {
  conditions?: Conditions;
  attributes?: Partial<ObjectAttributes>;
  /** Of all parts together. @throws invalid_argument */
  size?: number;
  /** The object's key in the upload's bucket, where it was not known when the upload began; authorized like the upload's own. */
  target?: ObjectKey;
  mtime?: number;
  requireParent?: boolean;
  lockTokens?: readonly string[];
  /** Of the whole, which is read once more for it before the commit. @throws checksum_mismatch */
  expect?: Pick<Digests, 'md5' | 'sha1' | 'sha256'>;
  /** Is handed the bytes of the whole, which is read once more for it, before the commit; what it throws refuses that. */
  reads?: { update(bytes: Uint8Array): void; end(): void };
  /** Of all parts but the last; default S3's 5 MiB. */
  partBytesMin?: number;
}

export interface CompletedPart {
  number: number;
  etag: string;
}
