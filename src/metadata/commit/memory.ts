import type { PutIntent } from '#contracts/metadata-store';
import type { Address, BucketId } from '#core/address';
import type { DirectoryInfo } from '#core/object';
import type { PrincipalId } from '#core/principal';
import { foldersOf } from './fold.ts';
import type { Plan } from './plan.ts';
import { type AccountState, type BatchState, type BucketState, emptyBatch, type Intent, slotKey } from './state.ts';

/** A batch to decide without asking the database first. */
export interface Guess {
  state: BatchState;
  /** Folders that must not be there, besides the slots of the batch's keys. */
  absent: Address[];
}

export interface CommitMemory {
  /** null: the batch must be read. What it gives stands only if the heads are as it says, and what it takes for absent is. */
  guess(intents: readonly Intent[], now: number): Guess | null;
  /** A commit was the only one since the one before. */
  learn(plan: Plan, state: BatchState): void;
  /** A guess was wrong. */
  missed(): void;
}

const BUCKETS_MAX = 10_000;
/** Who overwrites one key will overwrite others. */
const READ_AFTER_MISS = 32;

/**
 * The heads as the last commit of this process left them. New keys in folders that are known need no more than that: all that could change the verdict
 * moves a head, so the commit's swap fails if anything did.
 */
export function createCommitMemory(options: {
  /** Where a head stands by what is known; undefined: not known. */
  revision(bucket: BucketId): number | undefined;
  folder(at: Address): DirectoryInfo | null | undefined;
  /** A key that is known to be taken. */
  taken(at: Address): boolean;
}): CommitMemory {
  const buckets = new Map<BucketId, BucketState>();
  const accounts = new Map<PrincipalId, AccountState>();
  let reading = 0;

  function bucketOf(state: BatchState, id: BucketId): boolean {
    if (state.buckets.has(id)) return true;
    const bucket = buckets.get(id);
    const account = bucket && accounts.get(bucket.owner);
    if (!bucket || !account || bucket.revision !== options.revision(id)) return false;
    if (bucket.locked || bucket.objectLock) return false;
    state.buckets.set(id, { ...bucket });
    if (!state.accounts.has(bucket.owner)) state.accounts.set(bucket.owner, { ...account });
    return true;
  }

  function foldersFor(state: BatchState, { bucket, key }: Address): boolean {
    for (const path of foldersOf(key)) {
      const at = slotKey(bucket, path);
      if (state.directories.has(at)) continue;
      const info = options.folder({ bucket, key: path });
      if (info == null) return false;
      state.directories.set(at, info);
    }
    return true;
  }

  return {
    guess(intents, now) {
      if (reading > 0) {
        reading--;
        return null;
      }
      const state = emptyBatch(now);
      const absent: Address[] = [];
      for (const intent of intents) {
        if (!isPlain(intent) || options.taken(intent) || !bucketOf(state, intent.bucket) || !foldersFor(state, intent))
          return null;
        if (intent.requireParent === true) absent.push({ bucket: intent.bucket, key: `${intent.key}/` });
      }
      return { state, absent };
    },
    learn(plan, state) {
      if (buckets.size > BUCKETS_MAX) buckets.clear();
      if (accounts.size > BUCKETS_MAX) accounts.clear();
      for (const [id, { r, q, n }] of plan.heads) {
        const bucket = state.buckets.get(id);
        const account = bucket && state.accounts.get(bucket.owner);
        if (!bucket || !account) continue;
        buckets.set(id, { ...bucket, revision: r + 1, seq: q + n, lastMs: Math.max(bucket.lastMs, state.now) });
        accounts.set(bucket.owner, { ...account });
      }
    },
    missed() {
      reading = READ_AFTER_MISS;
    },
  };
}

/** A file, of which nothing is decided by what is in other tables. */
function isPlain(intent: Intent): intent is PutIntent {
  return intent.kind === 'put' && intent.completesUpload === undefined && intent.lock === undefined && !intent.key.endsWith('/');
}
