import type { Address, BucketId, ObjectKey } from '#core/address';
import type { Conditions } from '#core/conditions';
import type { ContentRef } from '#core/content-ref';
import type {
  DirectoryInfo,
  EntryInfo,
  ObjectAttributes,
  ObjectInfo,
  ShownObject,
  StoredChecksum,
  VersionId,
} from '#core/object';
import type { Who } from '#core/principal';
import type { ObjectLock, Retention } from '#core/retention';
import type { ChunkRecord, LeafRecord } from './content.ts';

/**
 * Names, versions, directories and the journal. Commits are data, not closures: many callers' intents are coalesced into
 * one batch (one read of all they touch, a pure decide(), one compare-and-swap statement), so that two gateways on one
 * database are right and one gateway is fast. Nothing here authorizes; Namespace does.
 */
export interface MetadataStore {
  /** The current object at an exact key; null when none is live. Lookups of one tick share a statement. */
  current(at: Address): Promise<ObjectInfo | null>;
  /** `current` without waiting: the object, null when none is live, undefined when it must be asked (nothing cached, or several gateways). */
  peekCurrent(at: Address): ObjectInfo | null | undefined;
  /** `directory` without waiting; undefined when it must be asked. */
  peekDirectory(at: Address): DirectoryInfo | null | undefined;
  /**
   * What directly lies in a folder otherwise than when it had that ETag, up to what `peekDirectory` says of it: an entry as it is now, or that it is gone. Where a listing of then was read while it changed, some
   * of it may be in it already. null: it must be listed.
   */
  peekChanges(at: Address, since: string): FolderChange[] | null;
  /** One version, by its id or as `null` (S3's null version); delete markers included. Hidden history only with `hidden`. */
  version(at: Address, version: VersionId | 'null', options?: { hidden?: boolean }): Promise<ObjectInfo | null>;
  /** The directory of a key that ends in `/` or is empty; the root of an existing bucket always exists. */
  directory(at: Address): Promise<DirectoryInfo | null>;
  /** What a path without a trailing slash names: the object `key`, else the directory `key/`. `` names the root. */
  entry(at: Address): Promise<EntryInfo | null>;
  list(query: ListQuery): Promise<ListPage>;
  /**
   * As `list`, with only what a list of names shows of each object, told entry by entry, in place of made: a third of the work. What `begin` gives is called while later entries are still
   * on their way; `begin` is called again, for the first one, where the database was lost meanwhile: they change nothing. `directories` says nothing here.
   * null: nothing changed since `unless`, and nothing was told.
   */
  listBrief(query: BriefQuery, begin: () => (row: BriefRow) => void): Promise<BriefPage | null>;
  /** A folder and a page of what lies directly in it, both of one moment, told entry by entry as by `listBrief`. */
  listFolder(query: FolderQuery, begin: () => FolderTeller): Promise<FolderPage>;

  /**
   * Decides and carries out one intent; durable when it resolves. Conditions, locks, quota and parents are decided in
   * the commit, against what is then current. An ambiguous commit (connection lost) is resolved by the version id.
   * @throws precondition_failed, locked, quota_exceeded, parent_missing, is_a_directory, not_a_directory, already_exists,
   *   not_found, bucket_not_found, conflict, unavailable, object_locked
   */
  commit(intent: PutIntent): Promise<PutVerdict>;
  commit(intent: RemoveIntent): Promise<RemoveVerdict>;
  commit(intent: AnnotateIntent): Promise<EntryInfo>;
  /** @throws version_not_found, object_locked; invalid_argument where the bucket has no object lock */
  commit(intent: LockIntent): Promise<ObjectInfo>;
  /** @throws not_found, version_not_found */
  commit(intent: TagIntent): Promise<ObjectInfo>;
  /** @throws not_found, version_not_found */
  commit(intent: AclIntent): Promise<ObjectInfo>;

  /** Moves an object or a whole directory (both keys end in `/`) in one transaction with one journal row. Same bucket or another of the same domain. */
  move(intent: TreeIntent): Promise<TreeVerdict>;
  /** Copies rows, never bytes: an object, or a directory with all below (or alone, `depth0`). Within one domain. */
  copy(intent: TreeIntent & { depth0?: boolean; properties?: boolean }): Promise<TreeVerdict>;
  /** Removes a directory with all below, in one transaction with one journal row. */
  removeTree(intent: RemoveTreeIntent): Promise<{ removed: number }>;
}

/** What every change carries. */
export interface IntentBase {
  who: Who;
  bucket: BucketId;
  key: ObjectKey;
  /** Tokens that the caller submitted; a lock on the key (or an infinite one above) whose token is missing, or is another principal's, refuses. */
  lockTokens?: readonly string[];
  conditions?: Conditions;
  /** WebDAV: the parent directory must exist (@throws parent_missing), and a file and a folder never share one name. */
  requireParent?: boolean;
}

export interface PutIntent extends IntentBase {
  kind: 'put';
  /** Minted by the caller; the idempotency key. */
  versionId: VersionId;
  content: ContentRef;
  etag: string;
  /** ms since the epoch; absent: the commit's time. */
  mtime?: number;
  attributes: ObjectAttributes;
  contentHash: Buffer | null;
  chunks: ChunkRecord[];
  leaves: LeafRecord[];
  /** Dead properties of a new node (COPY); an overwrite keeps the node's own. */
  properties?: Record<string, string> | null;
  /** Consumes this multipart upload in the same transaction. Repeating a completed one gives its first verdict. */
  completesUpload?: string;
  /** Retention and legal hold of its own; absent: the bucket's default. @throws invalid_argument where the bucket has no object lock */
  lock?: Partial<ObjectLock>;
}

export interface PutVerdict {
  info: ObjectInfo;
  /** True when no live object was there before. */
  created: boolean;
  seq: number;
}

export interface RemoveIntent extends IntentBase {
  kind: 'remove';
  /** For the delete marker, if one is written; the idempotency key. */
  versionId: VersionId;
  /** Removes this version for good instead of the current object. */
  version?: VersionId | 'null';
  /** Removes a version under governance all the same; whoever asks has been allowed to. */
  bypassGovernance?: boolean;
  /** @throws not_found when nothing is live; else removing what is absent succeeds, as in S3. */
  mustExist?: boolean;
  /** WebDAV: the parent stays as an explicit folder when this was its last entry. */
  keepParent?: boolean;
}

export interface RemoveVerdict {
  existed: boolean;
  /** The removal wrote a delete marker, or removed one. */
  deleteMarker: boolean;
  /** Of the marker written, or of the version removed; null where S3 shows none. */
  versionId: VersionId | 'null' | null;
}

export interface AnnotateIntent extends IntentBase {
  kind: 'annotate';
  /** Dead properties to set (string) or remove (null), by `namespace name`. Works on objects and directories (key ends in `/` or is empty). */
  properties?: Record<string, string | null>;
  /** New mtime of an object, ms. */
  mtime?: number;
}

/** Changes what keeps a version from being removed; what is absent stays. */
export interface LockIntent extends IntentBase {
  kind: 'lock';
  /** Absent: the current one. */
  version?: VersionId | 'null';
  /** null: none. */
  retention?: Retention | null;
  legalHold?: boolean;
  bypassGovernance?: boolean;
}

/** Sets the tags of an object or of one of its versions; nothing else of it changes. */
export interface TagIntent extends IntentBase {
  kind: 'tag';
  /** Absent: the current one. */
  version?: VersionId | 'null';
  tags: Record<string, string> | null;
}

/** Sets the list of an object or of one of its versions; the object itself, locks and times stay. */
export interface AclIntent extends IntentBase {
  kind: 'acl';
  /** Absent: the current one. */
  version?: VersionId | 'null';
  /** JSON of an Acl; null: private. */
  acl: string | null;
}

export interface TreeIntent {
  who: Who;
  from: Address;
  to: Address;
  overwrite: boolean;
  requireParent?: boolean;
  /** The source's parent stays as an explicit folder when it becomes empty (move). */
  keepParent?: boolean;
  lockTokens?: readonly string[];
  /** On the source. */
  conditions?: Conditions;
  /** On what is at the target. */
  targetConditions?: Conditions;
  /** Calls it off, until it is committed. @throws aborted */
  signal?: AbortSignal;
}

export interface TreeVerdict {
  /** The target did not exist before. */
  created: boolean;
  /** Objects moved or copied. */
  count: number;
  entry: EntryInfo;
}

export interface RemoveTreeIntent extends IntentBase {
  keepParent?: boolean;
  /** As of a TreeIntent. */
  signal?: AbortSignal;
}

export interface ListQuery {
  bucket: BucketId;
  prefix: string;
  /** Any string; common prefixes (prefix up to and with the first delimiter after `prefix`) are rolled up. Empty: none. */
  delimiter: string;
  /** Exclusive: only keys, and common prefixes, greater than this in byte order. A common prefix equal to it is not repeated. */
  after: string;
  /** Objects and prefixes together. 1 to 100,000. */
  limit: number;
  /** Give each prefix entry its directory (delimiter `/` only), and properties with each object. */
  directories?: boolean;
}

export interface ListPage {
  /** Objects and prefixes merged in byte order of key and prefix. */
  entries: ListEntry[];
  /** The `after` of the next page; null at the end. */
  next: string | null;
}

export type ListEntry =
  | { kind: 'object'; info: ObjectInfo }
  | { kind: 'prefix'; prefix: string; directory: DirectoryInfo | null };

export interface FolderQuery {
  bucket: BucketId;
  /** Ends in `/`, or is empty: the bucket's root. */
  folder: ObjectKey;
  /** As in `ListQuery`. */
  after: string;
  /** 1 to 2,000. */
  limit: number;
  /** An ETag: while the folder has it, nothing is listed. */
  unless?: string;
  /** A file of the folder's name, without the slash, goes before the folder: then nothing is found. */
  fileFirst?: boolean;
}

export interface FolderPage {
  /** null: there is none, or a file goes before it. Then nothing was told. */
  folder: DirectoryInfo | null;
  /** How many entries were told. null: none, as the folder's ETag is the one that was named. */
  count: number | null;
  /** The `after` of the next page; null at the end. */
  next: string | null;
}

/** Hears of a folder and then of what lies in it, in byte order of key and path. */
export interface FolderTeller {
  folder(folder: DirectoryInfo): void;
  file(row: FolderRow): void;
  directory(directory: DirectoryInfo): void;
}

/** What a folder shows of a file, each as in ObjectInfo. One for all of a page: when the call with it returns, it and its bytes are used again. */
export interface FolderRow {
  /** Holds key and ETag, as UTF-8. */
  bytes: Buffer;
  keyAt: number;
  keyEnd: number;
  etagAt: number;
  etagEnd: number;
  nodeId: number;
  size: number;
  modified: number;
  mtime: number;
  created: number;
  /** The same object as long as neighbours have the same. */
  attributes: ObjectAttributes;
  properties: Record<string, string> | null;
  /** As values of its own. */
  object(): ShownObject;
}

export type FolderEntry =
  | { kind: 'object'; info: ShownObject }
  | { kind: 'prefix'; prefix: string; directory: DirectoryInfo | null };

export type FolderChange = FolderEntry | { kind: 'gone'; key: ObjectKey };

export interface BriefQuery extends ListQuery {
  /** The page is worth keeping: its `etag` may cost a look-up. */
  keep?: boolean;
  /** The `etag` of a page of the same query that was kept. */
  unless?: string | undefined;
}

export interface BriefPage {
  count: number;
  next: string | null;
  /** Of the folder that all of it lies in, from before it was read: while the folder has it, the page is the same. null: not known, as always where several gateways commit. */
  etag: string | null;
}

/** What S3 shows of an entry of a list, each as in ObjectInfo and its attributes. One for all of a page: when the call with it returns, it and its bytes are used again. */
export interface BriefRow {
  /** Holds the names, as UTF-8. */
  bytes: Buffer;
  /** It is a common prefix, and has a name only. */
  prefix: boolean;
  nameAt: number;
  nameEnd: number;
  etagAt: number;
  etagEnd: number;
  size: number;
  modified: number;
  /** The same object as long as neighbours have the same. */
  checksum: Pick<StoredChecksum, 'algorithm' | 'type'> | null;
  /** The attribute `s3.storageClass`; null: the usual one. */
  storageClass: string | null;
}
