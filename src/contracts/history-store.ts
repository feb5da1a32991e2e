import type { Address, BucketId, ObjectKey } from '#core/address';
import type { ObjectInfo, VersionId } from '#core/object';
import type { Protocol, Who } from '#core/principal';
import type { ChangeKind } from './journal.ts';

/**
 * What was: versions that are not current, deleted files, whole folders as of a time. Nothing here authorizes. What is restored becomes a new
 * version, so that a restore can be undone like any change, and nothing is ever lost by one.
 */
export interface HistoryStore {
  /** Every version of a key that is kept, the latest first: S3's, and what it never sees. `after`: the last one of the page before. */
  versions(at: Address, after: VersionId | null, limit: number): Promise<KeptVersion[]>;
  /** Who wrote versions of a key, by their ids, as far as the bucket's journal tells: what came with its folder from another bucket is left out. */
  writers(at: Address, versions: readonly VersionId[]): Promise<Map<VersionId, Writer>>;
  /**
   * What was done at and below a prefix, the latest first, at most `limit`, as far back as the bucket's journal goes; a page looks through 10,000 changes of the
   * bucket, and may be empty. `before`: the `next` of the page before. What came along with a change of a folder above is left out.
   */
  activity(at: { bucket: BucketId; prefix: ObjectKey }, before: number | null, limit: number): Promise<ActivityPage>;
  /** What S3 sees, in its order: keys by bytes, the latest version of each first, common prefixes rolled up. */
  visible(query: VisibleQuery): Promise<VisiblePage>;
  /** What lies deleted directly below a prefix, in byte order. @throws bucket_not_found */
  trash(query: TrashQuery): Promise<TrashPage>;
  /** The last content of a key that is deleted; null when it is not, or nothing of it is kept. */
  deleted(at: Address): Promise<KeptVersion | null>;
  /**
   * Restores one window of names, in one transaction with one row of the journal; `next` is where the next one begins, null at the end. `signal`: calls it off,
   * until it is committed (aborted).
   * @throws already_exists (details.count, details.key) for the conflict `fail`, version_not_found, quota_exceeded, locked, invalid_key, bucket_not_found
   */
  restore(intent: RestoreIntent, window: Window, signal?: AbortSignal): Promise<RestoreVerdict>;
  /** Removes for good, a window at a time; what is under retention or legal hold stays, and is counted. @throws version_not_found, object_locked, conflict (it is current) */
  purge(intent: PurgeIntent, window: Window, signal?: AbortSignal): Promise<PurgeVerdict>;
  /** Whether the names of an intent are more than one window. */
  exceeds(intent: Pick<RestoreIntent | PurgeIntent, 'bucket' | 'what'>, names: number): Promise<boolean>;
}

export interface KeptVersion extends ObjectInfo {
  /** When another took its place, or it was deleted; null: it is current. ms since the epoch. */
  superseded: number | null;
}

/** On whose behalf, and through which door, a version came. */
export interface Writer {
  /** As it is called now; null: anonymous, or gone since. */
  name: string | null;
  protocol: Protocol;
}

export interface ActivityPage {
  changes: Activity[];
  /** null: the journal has nothing older. */
  next: number | null;
}

/** A change of a name, as the bucket's journal has it. */
export interface Activity {
  kind: Exclude<ChangeKind, 'annotate'>;
  key: ObjectKey;
  /** Of a move or copy within the bucket; null where there is none, or it lies elsewhere. */
  fromKey: ObjectKey | null;
  size: number | null;
  /** ms since the epoch. */
  at: number;
  writer: Writer;
}

export interface VisibleQuery {
  bucket: BucketId;
  prefix: string;
  /** Any string, or empty for none. */
  delimiter: string;
  /** Only keys and prefixes behind this one; with `version`, also what of this key comes behind that version. Empty: from the start. */
  after: string;
  version: VersionId | 'null' | null;
  limit: number;
}

export interface VisiblePage {
  entries: ({ kind: 'version'; info: ObjectInfo } | { kind: 'prefix'; prefix: string })[];
  /** The last entry of this page; null at the end. */
  next: { key: string; version: VersionId | 'null' | null } | null;
}

export interface TrashQuery {
  bucket: BucketId;
  /** Empty, or ends in `/`. */
  prefix: ObjectKey;
  /** All files below, instead of one level. */
  recursive?: boolean;
  /** Exclusive. */
  after: string;
  limit: number;
}

export interface TrashPage {
  entries: TrashEntry[];
  next: string | null;
}

/** A folder here is the name of one: what was deleted below it. `deleted`: when the first of it was. */
export type TrashEntry = { kind: 'file'; info: KeptVersion } | { kind: 'folder'; prefix: ObjectKey; deleted: number };

/** What to do about a file that is there now where another is to be restored. `rename`: it comes beside it, under a name that says so. */
export const CONFLICTS = ['fail', 'skip', 'replace', 'rename'] as const;
export type Conflict = (typeof CONFLICTS)[number];

export interface RestoreIntent {
  who: Who;
  bucket: BucketId;
  what: Restored;
  /** Where to, in the same bucket: a key, or for folders a prefix. Default: where it was. */
  to?: ObjectKey;
  conflict: Conflict;
  /** Only counts. */
  dryRun?: boolean;
  lockTokens?: readonly string[];
}

export type Restored =
  | { kind: 'version'; key: ObjectKey; version: VersionId }
  /** A deleted file, or what was deleted below a folder (ends in `/`) or in the bucket (empty), each as it was last; of a time, if one is given. */
  | { kind: 'deleted'; key: ObjectKey; since?: number; until?: number }
  /** All below a prefix as it was at a time, as far as it is kept. `added`: what to do with what has come since. */
  | { kind: 'asOf'; prefix: ObjectKey; at: number; added: 'keep' | 'remove' };

export interface PurgeIntent {
  bucket: BucketId;
  what:
    | { kind: 'version'; key: ObjectKey; version: VersionId }
    /** Deleted files, with all that is kept of them. */
    | { kind: 'deleted'; key: ObjectKey; since?: number; until?: number }
    /** What is kept, and no S3 client sees, of files that are there. */
    | { kind: 'history'; key: ObjectKey };
}

export interface Window {
  /** Behind this name; empty: from the start. */
  after: string;
  /** At most so many names are looked at. */
  names: number;
}

export interface RestoreVerdict {
  /** Files that are there now as they were; of these `replaced` took the place of another, and `renamed` came beside one. */
  restored: number;
  replaced: number;
  renamed: number;
  /** There was another, and it was left. */
  skipped: number;
  /** As they were already. */
  unchanged: number;
  /** Had come since. */
  removed: number;
  bytes: number;
  next: string | null;
}

export interface PurgeVerdict {
  versions: number;
  bytes: number;
  /** Under retention or legal hold. */
  held: number;
  next: string | null;
}
