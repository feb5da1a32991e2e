import type { PutIntent, RemoveIntent } from '#contracts/metadata-store';
import { type Address, type BucketId, parentOf } from '#core/address';
import type { DirectoryInfo } from '#core/object';
import type { PrincipalId } from '#core/principal';
import { createCurrentCache } from '../current-cache.ts';
import { foldersOf } from './fold.ts';
import type { Plan } from './plan.ts';
import {
  type AccountState,
  type BatchState,
  type BucketState,
  emptyBatch,
  type Intent,
  type SlotState,
  slotKey,
} from './state.ts';

/** A batch to decide without asking the database first. */
export interface Guess {
  state: BatchState;
  /** Folders that must not be there, besides the slots of the keys that have none in `state`. */
  absent: Address[];
  /** Folders in which there must be more than the batch's keys. */
  occupied: Address[];
}

export interface CommitMemory {
  /** null: the batch must be read. What it gives stands only if the heads are as it says, and what it takes for absent or occupied is. */
  guess(intents: readonly Intent[], now: number): Guess | null;
  /** What a commit has left, as it came upon it. */
  learn(plan: Plan, state: BatchState): void;
  /** Others have changed these buckets, or may have. */
  forget(buckets: Iterable<BucketId>): void;
  /** A guess was wrong. */
  missed(): void;
}

const BUCKETS_MAX = 10_000;
const ROWS_MAX = { entriesMax: 50_000, bytesMax: 24 << 20 };
/** Who overwrites one key that is not remembered will overwrite others. */
const READ_AFTER_MISS = 32;

/**
 * The heads as the last commit of this process left them, and rows that it wrote under them. New keys in folders that are known need no more than that, nor
 * does whoever overwrites or removes such a row: all that could change the verdict moves a head, so the commit's swap fails if anything did.
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
  /** Of buckets without versions, each as of the revision that is remembered of its head. */
  const rows = createCurrentCache<SlotState>(ROWS_MAX);
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

  /** The row that the intent comes upon, if it is the first of its batch there: known, or taken for absent. */
  function rowFor(state: BatchState, fresh: Set<string>, intent: PutIntent | RemoveIntent): boolean {
    const at = slotKey(intent.bucket, intent.key);
    if (fresh.has(at) || state.slots.has(at)) return true;
    const row = rows.get(intent);
    // That nothing is there to remove changes nothing, so no swap would prove it.
    if (intent.kind === 'remove' && row?.live !== true) return false;
    if (row != null) state.slots.set(at, row);
    else if (options.taken(intent)) return false;
    else fresh.add(at);
    return true;
  }

  /** Where no head is remembered, no row is. */
  function forget(some: Iterable<BucketId>): void {
    for (const id of some) if (buckets.delete(id)) rows.forget(id);
  }

  return {
    guess(intents, now) {
      if (reading > 0) {
        reading--;
        return null;
      }
      const state = emptyBatch(now);
      const absent: Address[] = [];
      const occupied: Address[] = [];
      const fresh = new Set<string>();
      for (const intent of intents) {
        if (!isPlain(intent) || !bucketOf(state, intent.bucket) || !rowFor(state, fresh, intent)) return null;
        if (intent.kind === 'put') {
          if (!foldersFor(state, intent)) return null;
          if (intent.requireParent === true) absent.push({ bucket: intent.bucket, key: `${intent.key}/` });
        } else {
          const parent = { bucket: intent.bucket, key: parentOf(intent.key) };
          if (intent.keepParent !== true || parent.key === '') continue;
          state.occupied.add(slotKey(parent.bucket, parent.key));
          occupied.push(parent);
        }
      }
      return { state, absent, occupied };
    },
    learn(plan, state) {
      if (buckets.size > BUCKETS_MAX) forget([...buckets.keys()]);
      if (accounts.size > BUCKETS_MAX) accounts.clear();
      for (const [id, { r, q, n }] of plan.heads) {
        const bucket = state.buckets.get(id);
        const account = bucket && state.accounts.get(bucket.owner);
        if (!bucket || !account) continue;
        buckets.set(id, { ...bucket, revision: r + 1, seq: q + n, lastMs: Math.max(bucket.lastMs, state.now) });
        accounts.set(bucket.owner, { ...account });
      }
      for (const { bucket, key, state: row } of plan.slots.values())
        rows.changed({ bucket, key }, buckets.get(bucket)?.versioning === 'off' && !key.endsWith('/') ? row : undefined);
    },
    forget,
    missed() {
      reading = READ_AFTER_MISS;
    },
  };
}

/** A file, of which nothing is decided by what is in other tables. */
function isPlain(intent: Intent): intent is PutIntent | RemoveIntent {
  if (intent.key === '' || intent.key.endsWith('/')) return false;
  if (intent.kind === 'remove') return intent.version === undefined;
  return intent.kind === 'put' && intent.completesUpload === undefined && intent.lock === undefined;
}
