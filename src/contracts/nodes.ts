import type { BucketId, ObjectKey } from '#core/address';

/** Finds where a file is by what stays when it is renamed. Authorizes nothing. */
export interface Nodes {
  /** The key of the live file; null: there is none in the bucket. Looks through the bucket: for what is not known otherwise. */
  keyOf(bucket: BucketId, node: number): Promise<ObjectKey | null>;
}
