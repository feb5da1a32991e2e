import type { Address, BucketId } from '#core/address';
import type { Who } from '#core/principal';
import type { Staged } from './content.ts';
import type { ChunkSecrets, DeltaUpload } from './delta.ts';
import type { PutOptions, PutResult } from './namespace.ts';

/**
 * Delta uploads, authorized: for the owner of a bucket alone, because what one may ask here is about everything that the owner has, and a grant is about
 * one bucket.
 */
export interface Deltas {
  /** @throws bucket_not_found, access_denied */
  secrets(who: Who, bucket: BucketId): Promise<ChunkSecrets>;
  /** @throws bucket_not_found, access_denied */
  begin(who: Who, bucket: BucketId): Promise<DeltaUpload>;
  /**
   * As Namespace.put, with a content that an upload has staged; it is let go of, whatever comes.
   * @throws invalid_argument when it is of another domain than the bucket, or has no MD5 and one is asked for
   */
  put(who: Who, at: Address, staged: Staged, options: StagedOptions): Promise<PutResult>;
}

export type StagedOptions = Omit<PutOptions, 'size' | 'digests' | 'expect'>;
