import type { BucketId } from '#core/address';

/**
 * How far a database has come, and the beginning of a new time where it has lost some: an older copy was put back under the gateways. What clients
 * hold of the time that is gone (cursors, ETags of folders, sessions) must not be taken for what the same numbers come to mean.
 */
export interface TimeLine {
  /** Of every bucket, where its journal is. */
  marks(): Promise<Mark[]>;
  /**
   * Begins a new time if the database is behind one of these: another epoch for every cursor, other ETags of folders, ids that nobody has seen, no
   * sessions and no locks. All or nothing; false: it is behind none. Safe from several gateways at once.
   */
  beginAnewIfBehind(marks: readonly Mark[]): Promise<boolean>;
}

export interface Mark {
  bucket: BucketId;
  epoch: number;
  seq: number;
}
