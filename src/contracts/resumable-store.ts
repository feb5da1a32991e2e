import type { BucketId, ObjectKey } from '#core/address';
import type { Conditions } from '#core/conditions';
import type { ObjectAttributes } from '#core/object';
import type { PrincipalId } from '#core/principal';
import type { ChunkRecord, LeafRecord } from './content.ts';
import type { NewUpload, Part } from './upload-store.ts';

/**
 * Rows of uploads that come as one stream which may break and go on (tus). Each is a row of UploadStore's too, so its parts are kept from collection and
 * expire as those of any upload; no other door sees it.
 */
export interface ResumableStore {
  /** @throws bucket_not_found */
  create(upload: NewResumable): Promise<Resumable>;
  /** Ended ones for a day. */
  find(id: string): Promise<Resumable | null>;
  /** A principal's own that have not ended, without partial ones, newest first. */
  list(principal: PrincipalId, before: string | null, limit: number): Promise<Resumable[]>;
  /**
   * Adds bytes at exactly `offset`; durable when it resolves. Of two who append at one offset one wins. Gives how many bytes there are, and parts.
   * @throws conflict (details.received) at another offset and once it has ended, too_large beyond the length, upload_not_found
   */
  append(
    id: string,
    offset: number,
    part: NewPart,
    chunks: ChunkRecord[],
    leaves: LeafRecord[],
  ): Promise<{ received: number; parts: number }>;
  /** In order. */
  parts(id: string): Promise<Part[]>;
  /** Puts one part with the same bytes in place of these; nothing when they are not all there any more. */
  fold(id: string, numbers: readonly number[], part: NewPart, chunks: ChunkRecord[], leaves: LeafRecord[]): Promise<void>;
  /** @throws conflict when it has another one or more bytes, upload_not_found */
  setLength(id: string, length: number): Promise<void>;
  /** Where it goes, and what must be so there, when it ends. @throws upload_not_found */
  redirect(id: string, key: ObjectKey, conditions: Conditions): Promise<void>;
  /** What the object will have. @throws upload_not_found */
  describe(id: string, attributes: ObjectAttributes): Promise<void>;
  /** Room that it took of a link goes back with it, unless it became a file. @throws upload_not_found */
  remove(id: string): Promise<void>;
}

export type NewPart = Omit<Part, 'number' | 'etag'>;

export type ResumableKind = 'whole' | 'partial' | 'final';

export interface NewResumable extends NewUpload {
  kind: ResumableKind;
  /** null: not known yet. */
  length: number | null;
  conditions: Conditions;
  /** tus' headers as they came, to be given back. */
  metadata: string;
  concat: string | null;
}

export interface Resumable extends NewResumable {
  /** 32 hex digits. */
  id: string;
  bucket: BucketId;
  key: ObjectKey;
  received: number;
  created: number;
  /** When bytes came last, ms since the epoch. */
  touched: number;
  completedVersion: string | null;
}
