import type { BucketId } from '#core/address';
import type { EntryInfo } from '#core/object';

/** The index of names: which object or folder has a word in its last name. It follows the commits, a moment behind them; `catchUp` closes the gap. */
export interface NameStore {
  /** Takes up to so many new names in; gives how many there were. */
  catchUp(limit: number): Promise<number>;
  /** Somebody searches: from now on the index is kept up to date. Before that it costs nothing but the list of what it would take in. */
  want(): Promise<void>;
  wanted(): Promise<boolean>;
  /** Of one bucket, in order of words: those that begin with `prefix`, behind `after`. What is there no more comes without an entry. */
  find(bucket: BucketId, prefix: string, after: NamePlace | null, limit: number): Promise<NameHit[]>;
  /** Forgets words of what is gone, from a place on; gives where to go on, null at the end. */
  prune(from: PrunePlace | null, limit: number): Promise<PrunePlace | null>;
}

/** Where a search has come in a bucket. */
export interface NamePlace {
  word: string;
  /** 0: an object, 1: a folder. */
  kind: number;
  ref: number;
}

export interface PrunePlace {
  kind: number;
  ref: number;
}

export interface NameHit extends NamePlace {
  entry: EntryInfo | null;
}
