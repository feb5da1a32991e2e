import type { Address, BucketId, ObjectKey } from '#core/address';
import type { Conditions } from '#core/conditions';
import type { DigestName, Digests } from '#core/digest';
import type { DirectoryInfo, EntryInfo, ObjectAttributes, ObjectInfo, VersionId } from '#core/object';
import type { Who } from '#core/principal';
import type { ByteRange, RangeRequest } from '#core/range';
import type { ObjectLock } from '#core/retention';
import type { Bytes } from '#core/stream';
import type { Lock, NewLock } from './locks.ts';
import type {
  BriefPage,
  BriefQuery,
  BriefRow,
  FolderChange,
  FolderPage,
  FolderQuery,
  FolderTeller,
  ListPage,
  ListQuery,
  PutVerdict,
  RemoveVerdict,
  TreeVerdict,
} from './metadata-store.ts';

/** The one door to files: authorizes, checks conditions, locks and quota, stores content, commits, journals. Every protocol goes through it. */
export interface Namespace {
  /** The object at exactly this key (or one of its versions). @throws not_found, version_not_found, not_modified, precondition_failed, access_denied */
  stat(who: Who, at: Address, options?: ReadOptions): Promise<ObjectInfo>;
  /** What a tree's path (no trailing slash; `` is the root) names: object first, else directory. @throws not_found */
  entry(who: Who, at: Address): Promise<EntryInfo>;
  /** @throws not_found */
  directory(who: Who, at: Address): Promise<DirectoryInfo>;
  /** Decides conditions and range before any byte. @throws as stat, and invalid_range */
  get(who: Who, at: Address, options?: ReadOptions & { range?: RangeRequest }): Promise<ObjectRead>;
  /**
   * The short path of a small hot read: an answer without waiting, when authorization, row and bytes are all in memory; else null,
   * and the caller takes `get`. Never a version, a range or a condition.
   */
  peek(who: Who, at: Address): { info: ObjectInfo; body: Buffer } | null;
  /** As `peek`, of the object alone: it may be of any size, and its bytes anywhere. */
  peekObject(who: Who, at: Address): ObjectInfo | null;
  /**
   * The short path of looking at what is known: `entry` and the locks on it without waiting; with `below` also those of what lies in it, where it is a folder that may be
   * listed. null: ask `entry` and `locks`. Never throws.
   */
  peekEntry(who: Who, at: Address, below: boolean): { entry: EntryInfo; locks: Lock[] } | null;
  /** What directly lies in a folder otherwise than when it had that ETag, up to what `peekEntry` says of it, as MetadataStore has it. null: list it. Never throws. */
  peekChanges(who: Who, at: Address, since: string): FolderChange[] | null;
  /**
   * As `peek`, where only the row has to be asked for, as it has to be whenever others commit too. null, or resolves to null: the caller takes `get`,
   * which answers whatever is wrong. Never rejects.
   */
  glance(who: Who, at: Address): Promise<{ info: ObjectInfo; body: Buffer } | null> | null;
  /** Fails fast on what is known before the body; everything is decided again in the commit. @throws what Content.write and MetadataStore.commit throw */
  put(who: Who, at: Address, body: Bytes, options: PutOptions): Promise<PutResult>;
  /** An explicit folder; the key ends in `/`. @throws already_exists, parent_missing */
  makeDirectory(
    who: Who,
    at: Address,
    options?: { requireParent?: boolean; lockTokens?: readonly string[]; properties?: Record<string, string> },
  ): Promise<DirectoryInfo>;
  /** Sets (null: removes; an empty set, which sets none, asks for the right to set) the tags of an object or one of its versions. @throws not_found, version_not_found */
  tag(
    who: Who,
    at: Address,
    tags: Record<string, string> | null,
    options?: { version?: VersionId | 'null' },
  ): Promise<ObjectInfo>;
  /** An object, or with a key that ends in `/` and `tree`, a directory with all below. */
  remove(who: Who, at: Address, options?: RemoveOptions): Promise<RemoveVerdict>;
  /** An object or (both keys end in `/`) a directory; by manifest within one dedupe domain, else by ingesting again. */
  copy(who: Who, from: Address, to: Address, options: CopyOptions): Promise<TreeVerdict>;
  /** S3's CopyObject: one object (or version) onto a key, metadata kept or replaced, ETag kept. */
  copyObject(who: Who, from: Address, to: Address, options: CopyObjectOptions): Promise<PutResult>;
  move(who: Who, from: Address, to: Address, options: MoveOptions): Promise<TreeVerdict>;
  /** One page, in byte order. With a limit of 0 only asks whether the caller may: nothing is looked at. */
  list(who: Who, query: ListQuery): Promise<ListPage>;
  /**
   * As `list`, with only what a list of names shows of each object, told as `MetadataStore.listBrief` does. `action` is what the caller must be allowed, where
   * the page stands for another list.
   */
  listBrief(
    who: Who,
    query: BriefQuery,
    begin: () => (row: BriefRow) => void,
    action?: 'list' | 'list.versions',
  ): Promise<BriefPage | null>;
  /**
   * What a tree's path (as in `entry`) names, where that is a folder, with a page of what lies directly in it, told as `MetadataStore.listFolder` does.
   * @throws access_denied where it may not be read, or not be listed
   */
  listFolder(
    who: Who,
    at: Address,
    query: Pick<FolderQuery, 'after' | 'limit' | 'unless'>,
    begin: () => FolderTeller,
  ): Promise<FolderPage>;
  annotate(
    who: Who,
    at: Address,
    patch: {
      properties?: Record<string, string | null>;
      mtime?: number;
      lockTokens?: readonly string[];
      conditions?: Conditions;
    },
  ): Promise<EntryInfo>;

  lock(who: Who, lock: Omit<NewLock, 'principal'>): Promise<Lock>;
  refreshLock(who: Who, at: Address, token: string, timeoutMs: number): Promise<Lock>;
  unlock(who: Who, at: Address, token: string): Promise<void>;
  locks(who: Who, bucket: BucketId, keys: ObjectKey[], below?: boolean): Promise<Lock[]>;
  /** Bytes free and used for the caller; available is null when unlimited and unknown. */
  quota(who: Who, bucket: BucketId): Promise<{ used: number; available: number | null }>;
}

export interface ReadOptions {
  version?: VersionId | 'null';
  /** What is wanted of it, where that is less than its bytes: another right opens it. */
  only?: 'tags' | 'attributes';
  /** The caller deciphers what lies under a customer's key; for everybody else such an object is shut. @throws customer_key_needed */
  sealed?: boolean;
  conditions?: Conditions;
  /** Which time the conditions compare: S3 `modified`, WebDAV and REST `mtime`. Default modified. */
  conditionTime?: 'modified' | 'mtime';
}

export interface ObjectRead {
  info: ObjectInfo;
  /** null: the whole object. */
  range: ByteRange | null;
  /** Lazy: HEAD costs nothing. May be called again for another range of the same version. */
  body(range?: ByteRange, signal?: AbortSignal): Bytes;
}

export interface PutOptions {
  /** Declared plaintext length, bytes. */
  size?: number;
  attributes?: ObjectAttributes;
  /** What keeps the version; absent: the bucket's default. @throws invalid_argument where the bucket has no object lock */
  lock?: Partial<ObjectLock>;
  mtime?: number;
  conditions?: Conditions;
  requireParent?: boolean;
  lockTokens?: readonly string[];
  /** Checksums to compute; the result has them. */
  digests?: readonly DigestName[];
  expect?: Digests | (() => Digests);
  /** `md5`: the ETag is the MD5 in hex (S3). `opaque`: 32 hex digits, `-`, digits; no MD5 is computed. `same`: the one that these very bytes had before. */
  etag: 'md5' | 'opaque' | { same: string };
  /** Called with the digests before the commit; what it returns is stored as the object's checksum. */
  checksumOf?: (digests: Digests) => ObjectAttributes['checksum'];
  signal?: AbortSignal;
}

export interface PutResult extends PutVerdict {
  digests: Digests;
}

export interface RemoveOptions {
  version?: VersionId | 'null';
  /** Of a version under governance. @throws access_denied for who may not */
  bypassGovernance?: boolean;
  conditions?: Conditions;
  lockTokens?: readonly string[];
  mustExist?: boolean;
  keepParent?: boolean;
  tree?: boolean;
  /** Of a tree: as in CopyOptions. */
  signal?: AbortSignal;
}

export interface CopyOptions {
  overwrite: boolean;
  requireParent?: boolean;
  depth0?: boolean;
  lockTokens?: readonly string[];
  conditions?: Conditions;
  /** On what is at the target. */
  targetConditions?: Conditions;
  /** Calls it off, until it is committed; between owners, what was copied stays. @throws aborted */
  signal?: AbortSignal;
}

export interface MoveOptions extends CopyOptions {
  keepParent?: boolean;
}

export interface CopyObjectOptions {
  /** As in ReadOptions. */
  sealed?: boolean;
  version?: VersionId | 'null';
  /** On the source. */
  sourceConditions?: Conditions;
  /** On the destination. */
  conditions?: Conditions;
  /** Absent: the source's are kept. */
  attributes?: ObjectAttributes;
  /** Asked once the source is held: goes before `attributes`, which then only say what is to be allowed. */
  describe?: (source: ObjectInfo) => { attributes: ObjectAttributes; mtime?: number };
  lock?: Partial<ObjectLock>;
  mtime?: number;
  lockTokens?: readonly string[];
  etag: 'md5' | 'opaque';
}
