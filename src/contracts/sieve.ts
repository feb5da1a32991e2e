import type { BucketId, ObjectKey } from '#core/address';
import type { EntryInfo } from '#core/object';

/** Files and folders of a bucket by what is known of them, without an index: each question is a look at all below. Authorizes nothing. */
export interface Sieve {
  /** A few at once, the others wait; `signal` ends the waiting, and the look. @throws rate_limited when too many do */
  find(query: SieveQuery, signal: AbortSignal): Promise<EntryInfo[]>;
}

export interface SieveQuery {
  bucket: BucketId;
  /** Only below; ends in `/`, or is empty. */
  prefix: ObjectKey;
  /** Also in folders below. */
  deep: boolean;
  where: Condition;
  /** The first counts most; at last by key. */
  order: readonly { by: SortedBy; descending: boolean }[];
  limit: number;
}

export type Condition =
  | { all: readonly Condition[] }
  | { any: readonly Condition[] }
  | { not: Condition }
  /** The last name, or a file's content type; `%` is whatever, `_` one character. Letters of ASCII match in either case. */
  | { like: 'name' | 'type'; pattern: string }
  /** Times in ms since the epoch; a folder's mtime is its last change, its size what is below. */
  | { compare: 'mtime' | 'modified' | 'created' | 'size'; is: '<' | '<=' | '>' | '>=' | '='; value: number }
  /** A dead property, by its stored name, that says this. */
  | { property: string; says: string }
  | { node: number }
  | { directory: number }
  | { kind: EntryInfo['kind'] };

export type SortedBy = 'name' | 'type' | 'mtime' | 'modified' | 'created' | 'size';
