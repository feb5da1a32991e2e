import type { Address, BucketId } from '#core/address';
import type { ObjectInfo, VersionId } from '#core/object';
import type { Who } from '#core/principal';
import type { RangeRequest } from '#core/range';
import type { ObjectLock, Retention } from '#core/retention';
import type {
  ActivityPage,
  KeptVersion,
  PurgeIntent,
  PurgeVerdict,
  RestoreIntent,
  RestoreVerdict,
  TrashPage,
  TrashQuery,
  VisiblePage,
  VisibleQuery,
  Writer,
} from './history-store.ts';
import type { HistoryTask } from './history-tasks.ts';
import type { ObjectRead } from './namespace.ts';

/**
 * What was, authorized: who may change a file may see and bring back what it was, and only who manages it may remove that for good.
 * What is too large for one transaction becomes a task, carried out by a job in steps.
 */
export interface History {
  /** The latest first. @throws not_found when nothing is kept of the key */
  versions(who: Who, at: Address, after: VersionId | null, limit: number): Promise<KeptVersion[]>;
  /** Who wrote versions that the caller has been given. */
  writers(who: Who, at: Address, versions: readonly VersionId[]): Promise<Map<VersionId, Writer>>;
  /** What was done at and below a folder, by whom, the latest first: see HistoryStore. @throws bucket_not_found */
  activity(who: Who, at: Address, before: number | null, limit: number): Promise<ActivityPage>;
  /** One version's bytes, hidden history included. @throws version_not_found, and what Namespace.get throws */
  read(who: Who, at: Address, version: VersionId, options?: { range?: RangeRequest }): Promise<ObjectRead>;
  /** S3's ListObjectVersions. */
  visible(who: Who, query: VisibleQuery): Promise<VisiblePage>;
  trash(who: Who, query: TrashQuery): Promise<TrashPage>;
  /** The last content of a deleted file. @throws not_found */
  deleted(who: Who, at: Address): Promise<KeptVersion>;
  /** The delete marker that is the latest version of a key, as S3 names it; null: it is none. */
  marker(who: Who, at: Address): Promise<VersionId | 'null' | null>;
  /** `signal` calls off what is done at once, and no task. @throws what HistoryStore.restore throws; for the conflict `fail` also ahead of a task, with the count of all */
  restore(who: Who, intent: Omit<RestoreIntent, 'who'>, signal?: AbortSignal): Promise<Outcome<RestoreVerdict>>;
  purge(who: Who, intent: PurgeIntent, signal?: AbortSignal): Promise<Outcome<PurgeVerdict>>;
  /** The latest first; of the buckets that the caller manages. */
  tasks(who: Who, bucket: BucketId): Promise<HistoryTask[]>;
  /** @throws not_found */
  cancel(who: Who, bucket: BucketId, task: number): Promise<void>;
  /** @throws as MetadataStore.commit of a LockIntent */
  lock(who: Who, at: Address, change: LockChange): Promise<ObjectInfo>;
  /** A version and what keeps it. `about`: which of the two is asked for, which is another right each. */
  lockOf(
    who: Who,
    at: Address,
    about: 'retention' | 'hold',
    version?: VersionId | 'null',
  ): Promise<{ info: ObjectInfo; lock: ObjectLock }>;
  /** What keeps a version that the caller has been given: what of it that it may know, of a legal hold where one was ever said. */
  shownLock(who: Who, info: ObjectInfo): Promise<Partial<ObjectLock>>;
}

export interface LockChange {
  version?: VersionId | 'null';
  retention?: Retention | null;
  legalHold?: boolean;
  bypassGovernance?: boolean;
}

export type Outcome<Verdict> = { kind: 'done'; verdict: Verdict } | { kind: 'task'; task: HistoryTask };
