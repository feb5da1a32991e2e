import type { HistoryStore } from '#contracts/history-store';
import type { MetadataStore, PutIntent, PutVerdict, RemoveIntent, RemoveVerdict } from '#contracts/metadata-store';
import type { Logger } from '#contracts/observability';
import type { Address, BucketId } from '#core/address';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { DirectoryInfo, EntryInfo, ObjectInfo } from '#core/object';
import { createBareLevels } from './bare-levels.ts';
import type { ChangeBoard } from './change-board.ts';
import { createCommitter } from './commit/committer.ts';
import { entriesAfter, foldersAfter } from './commit/folders-after.ts';
import { createCommitMemory } from './commit/memory.ts';
import type { Plan } from './commit/plan.ts';
import { type BatchState, type Intent, slotKey } from './commit/state.ts';
import { type CurrentCache, createCurrentCache } from './current-cache.ts';
import type { Database } from './database.ts';
import { createFolderChanges } from './folder-changes.ts';
import type { HeldLocks } from './held-locks.ts';
import { createHistoryStore } from './history/store.ts';
import type { KnownHeads } from './known-heads.ts';
import { list, listBrief } from './listing.ts';
import { listFolder } from './listing-folder.ts';
import { createLookups } from './lookups.ts';
import type { LocalSignals } from './signals.ts';
import { createTrees } from './trees.ts';
import { createWatchedCache } from './watched-cache.ts';

export interface MetadataStoreOptions {
  database: Database;
  clock: Clock;
  random: Random;
  log: Logger;
  registration: { gateway: number | null };
  soleOwner: boolean;
  /** Of the processes that commit, where those are the only ones and more than one. */
  board: ChangeBoard | null;
  /** What is remembered of locks: commits drop some. */
  held: HeldLocks | null;
  known: KnownHeads;
  /** Tells this process alone what a commit has added to a journal. */
  tell: LocalSignals['tell'];
}

const CACHED_MAX = { entriesMax: 50_000, bytesMax: 32 << 20 };
const FOLDERS_MAX = { entriesMax: 10_000, bytesMax: 8 << 20 };

/** Names, versions and directories on Postgres: reads, the committer, and the set-based operations on trees. */
export function createMetadataStore(
  options: MetadataStoreOptions,
): MetadataStore & { history: HistoryStore; forget(bucket: BucketId | null): void; close(): Promise<void> } {
  const { database, clock, random, registration, soleOwner, board, held, known, tell } = options;
  const cache: CurrentCache<ObjectInfo> | null = soleOwner
    ? createCurrentCache(CACHED_MAX)
    : board && createWatchedCache(CACHED_MAX, board);
  const folders = soleOwner ? createCurrentCache<DirectoryInfo>(FOLDERS_MAX) : null;
  const levels = soleOwner ? createBareLevels() : null;
  const steps = createFolderChanges();
  const lookups = createLookups({ database, cache, folders });
  const committer = createCommitter({
    database,
    clock,
    random,
    registration,
    remembered: (at) => folders?.get(at),
    memory: soleOwner
      ? createCommitMemory({
          revision: known.at,
          folder: (at) => folders?.get(at),
          taken: (at) => cache?.get(at) != null,
        })
      : null,
    told: soleOwner,
    changing: ({ slots }) => board?.begin(slots.values(), []) ?? null,
    changed(plan, state, before) {
      const { slots, locks, heads } = plan;
      if (!soleOwner) return false;
      for (const [bucket, { q, n }] of heads) if (n > 0) tell('journal', `${bucket}:${q + n}`);
      // Absence is known exactly; what lives is read anew, with its content.
      for (const at of slots.values()) {
        const gone = state?.slots.get(slotKey(at.bucket, at.key))?.live === false;
        cache?.changed(at, gone ? null : undefined);
        if (!gone) levels?.came(at);
      }
      const undisturbed = alone(plan, state);
      // Folders that others have removed would be taken for there.
      if (!undisturbed)
        for (const bucket of heads.keys()) {
          folders?.forget(bucket);
          levels?.forget(bucket);
        }
      else if (state !== undefined) foldersChanged(plan, state, before);
      if (locks.size > 0) for (const bucket of heads.keys()) held?.released(bucket);
      return undisturbed;
    },
  });

  /** Whether the batch came upon its buckets as the commit before, of which all is known here, had left them. */
  function alone({ heads }: Plan, state: BatchState | undefined): boolean {
    let same = true;
    for (const [bucket, { r }] of heads) {
      if (state === undefined) known.forget(bucket);
      same = state !== undefined && known.left(bucket, r) && same;
    }
    return same;
  }

  function foldersChanged(plan: Plan, state: BatchState, remembered: ReadonlyMap<string, DirectoryInfo>): void {
    if (folders === null) return;
    const moved = foldersAfter(plan, state, remembered);
    for (const { at, before, after } of moved) {
      // A reading that has just ended may have found more than this.
      const now = folders.get(at)?.etag;
      const expected = now === undefined || now === before?.etag || now === after?.etag;
      folders.changed(at, expected && after !== null ? after : undefined);
    }
    if (!moved.some(({ at }) => steps.followed(at))) return;
    const entries = entriesAfter(plan, moved);
    for (const { at, before, after } of moved) {
      const own = entries.get(slotKey(at.bucket, at.key));
      const told = before !== null && after !== null && own !== null;
      steps.step(at, before?.etag ?? '', after?.etag ?? '', told ? (own ?? []) : null);
    }
  }

  /** null: of this process alone, as what the others remember is not in doubt. */
  const forget = (bucket: BucketId | null): void => {
    if (bucket !== null) board?.changed(bucket);
    cache?.forget(bucket);
    folders?.forget(bucket);
    levels?.forget(bucket);
    steps.forget(bucket);
    known.forget(bucket);
    held?.released(bucket);
  };
  const rooms = {
    database,
    clock,
    random,
    registration,
    changing: (buckets: BucketId[]) => board?.begin([], buckets) ?? null,
    changed: (buckets: BucketId[]) => buckets.forEach(forget),
  };
  const trees = createTrees(rooms);

  async function entry(at: Address): Promise<EntryInfo | null> {
    const object = at.key === '' || at.key.endsWith('/') ? null : await lookups.current(at);
    return object ?? lookups.directory({ bucket: at.bucket, key: at.key === '' || at.key.endsWith('/') ? at.key : `${at.key}/` });
  }

  function commit(intent: PutIntent): Promise<PutVerdict>;
  function commit(intent: RemoveIntent): Promise<RemoveVerdict>;
  function commit(intent: Extract<Intent, { kind: 'annotate' }>): Promise<EntryInfo>;
  function commit(intent: Extract<Intent, { kind: 'lock' }>): Promise<ObjectInfo>;
  function commit(intent: Extract<Intent, { kind: 'tag' }>): Promise<ObjectInfo>;
  function commit(intent: Extract<Intent, { kind: 'acl' }>): Promise<ObjectInfo>;
  async function commit(intent: Intent): Promise<PutVerdict | RemoveVerdict | EntryInfo> {
    const outcome = await committer.commit(intent);
    switch (outcome.kind) {
      case 'put':
      case 'remove':
        return outcome.verdict;
      case 'completed': {
        const info = await lookups.version(intent, outcome.version, { hidden: true });
        if (!info) throw new CloudStoreError('upload_not_found', 'The upload was completed, and its object is gone.');
        return { info, created: false, seq: 0 };
      }
      case 'lock': {
        const info = await lookups.version(intent, outcome.version);
        if (!info) throw new CloudStoreError('version_not_found', 'The version was removed meanwhile.');
        return info;
      }
      case 'annotate': {
        const after = await entry(intent);
        if (!after) throw new CloudStoreError('not_found', 'It was removed meanwhile.');
        return after;
      }
      default:
        throw new CloudStoreError('internal', 'A commit ended without a verdict.');
    }
  }

  return {
    ...lookups,
    peekCurrent: (at): ObjectInfo | null | undefined => cache?.get(at),
    peekDirectory: (at): DirectoryInfo | null | undefined => folders?.get(at),
    peekChanges(at, since) {
      const now = folders?.get(at);
      return now == null ? null : steps.between(at, since, now.etag);
    },
    entry,
    list: (query) => list(database, query),
    async listBrief(query, begin) {
      const at = { bucket: query.bucket, key: query.prefix.slice(0, query.prefix.lastIndexOf('/') + 1) };
      const known = folders?.get(at);
      if (known && known.etag === query.unless) return null;
      const before = known ?? (folders !== null && query.keep === true ? await lookups.directory(at) : null);
      return { ...(await listBrief(database, query, begin, levels)), etag: before?.etag ?? null };
    },
    async listFolder(query, begin) {
      const { bucket, folder: path, fileFirst } = query;
      const at = { bucket, key: path };
      const asFile = { bucket, key: path.slice(0, -1) };
      const [keepFolder, keepFile] = [folders?.reading([at]), cache?.reading([asFile])];
      try {
        const page = await listFolder(database, query, begin);
        if (page.folder === null) return page;
        if (folders !== null) steps.follow(at);
        keepFolder?.store(at, page.folder);
        if (fileFirst === true && path !== '') keepFile?.store(asFile, null);
        return page;
      } finally {
        keepFolder?.end();
        keepFile?.end();
      }
    },
    commit,
    ...trees,
    history: createHistoryStore(rooms),
    forget,
    close: () => committer.idle(),
  };
}
