import { setTimeout as sleep } from 'node:timers/promises';
import { type CollectionStore, KEY_BYTES } from '#contracts/collection';
import type { Random } from '#core/clock';
import { createMarks, type Marks } from './marks.ts';
import { type Patience, uploadsEnded } from './uploads-ended.ts';

export interface CollectOptions extends Patience {
  store: CollectionStore;
  random: Random;
  /** Where the last run was; null: a new cycle. */
  state: CollectState | null;
  /** Durable when it resolves. */
  save(state: CollectState | null): Promise<void>;
  /** Called after every step. */
  step(counts: CollectCounts): Promise<void>;
  /** Only count what would go. */
  dryRun: boolean;
}

/** What a run must know of the one before it. The look for references begins anew when it was interrupted: it has only marked. */
export type CollectState =
  | { phase: 'wait'; untilMs: number; turn: number; writers: string[]; counts: CollectCounts }
  | {
      phase: 'holdReferences' | 'holdLeaves' | 'removeLeaves' | 'removeChunks';
      untilMs: number;
      cursor: string | null;
      counts: CollectCounts;
    };

export interface CollectCounts {
  /** Versions and leaves that were looked through, in steps. */
  steps: number;
  condemned: number;
  /** Condemned, and found to be referred to after all. */
  held: number;
  fenced: number;
  removedLeaves: number;
  removedChunks: number;
  removedBytes: number;
  /** Gateways whose uploads are still waited for; the rest comes with the next run. */
  waiting: number;
}

const SAVE_EVERY = 64;

/**
 * One cycle: mark what is referred to, condemn the rest, wait until whoever began before has ended, look at every reference once
 * more, remove what is still condemned. Safe at any interruption, and with two of it at a time: nothing is removed that was not condemned before
 * the wait and missed by a whole second look after it, and whatever names something meanwhile holds it (CollectionStore).
 */
export async function collect(options: CollectOptions): Promise<CollectCounts> {
  const { store, signal, dryRun } = options;
  const counts: CollectCounts = { ...NOTHING, ...options.state?.counts, waiting: 0 };
  const step = async (): Promise<void> => {
    counts.steps++;
    await options.step(counts);
    signal.throwIfAborted();
  };

  let state = dryRun ? null : options.state;
  if (state === null) {
    await condemn(options, counts, step);
    if (dryRun) return counts;
    // Heard of after all was condemned: an upload of this turn has met it condemned.
    const turn = await store.nextTurn();
    state = { phase: 'wait', untilMs: await store.now(), turn, writers: await store.writers(), counts };
    await options.save(state);
  }
  if (state.phase === 'wait') {
    // The transactions: what makes the second look enough. The uploads: else they would have to be sent again.
    const ended = await uploadsEnded(store, state, options, async (waiting, fenced) => {
      counts.waiting = waiting;
      counts.fenced += fenced;
      await step();
    });
    if (!ended) return counts;
    state = { phase: 'holdReferences', untilMs: state.untilMs, cursor: null, counts };
    await options.save(state);
  }
  const { untilMs } = state;
  let { phase, cursor } = state;
  for (let n = 1; ; n++) {
    if (phase === 'holdReferences' || phase === 'holdLeaves') {
      const page: { next: string | null; held: number } = await store[phase](cursor);
      counts.held += page.held;
      cursor = page.next;
      if (cursor === null) phase = phase === 'holdReferences' ? 'holdLeaves' : 'removeLeaves';
    } else {
      const kind = phase === 'removeLeaves' ? 'leaves' : 'chunks';
      const { count, bytes } = await store.remove(kind, untilMs);
      if (kind === 'leaves') counts.removedLeaves += count;
      else counts.removedChunks += count;
      counts.removedBytes += bytes;
      if (count === 0 && kind === 'chunks') break;
      if (count === 0) phase = 'removeChunks';
    }
    await step();
    if (n % SAVE_EVERY === 0) await options.save({ phase, untilMs, cursor, counts });
  }
  await options.save(null);
  return counts;
}

const NOTHING: CollectCounts = {
  steps: 0,
  condemned: 0,
  held: 0,
  fenced: 0,
  removedLeaves: 0,
  removedChunks: 0,
  removedBytes: 0,
  waiting: 0,
};

/** Looks at every reference, then condemns what none of them led to. A dry run counts as removed what it would condemn. */
async function condemn(options: CollectOptions, counts: CollectCounts, step: () => Promise<void>): Promise<void> {
  const { store, random, dryRun } = options;
  const turn = await store.nextTurn();
  const pause = options.pause ?? ((ms: number) => sleep(ms, undefined, { signal: options.signal }));
  // Of a run that lost its lease: what it still condemns is condemned before we begin, and it condemns nothing more.
  for (let writers = await store.writers(); writers.length > 0; writers = await store.running(writers)) {
    await pause(options.pollMs);
  }
  const marks = createMarks(await store.chunkCount(), random);
  for (let after: string | null = null; ; ) {
    const page = await store.references(after);
    for (const keys of [page.chunks, page.leaves]) {
      for (let at = 0; at < keys.length; at += KEY_BYTES) marks.add(keys, at + 4);
    }
    await step();
    after = page.next;
    if (after === null) break;
  }
  for (let after: string | null = null; ; ) {
    const page = await store.leaves(after, turn);
    const doomed: Buffer[] = [];
    for (const { key, entries, old } of page.leaves) {
      // A leaf that nobody refers to keeps nothing; if somebody comes to after all, its chunks are held with it.
      if (old && !marks.has(key, 4)) doomed.push(key);
      else for (let at = 0; at < entries.length; at += KEY_BYTES) marks.add(entries, at);
    }
    if (dryRun) counts.removedLeaves += doomed.length;
    else counts.condemned += await store.condemn('leaves', Buffer.concat(doomed), turn);
    await step();
    after = page.next;
    if (after === null) break;
  }
  for (let after: string | null = null; ; ) {
    const page = await store.chunks(after, turn);
    const doomed = unmarked(page.chunks, marks);
    if (dryRun) {
      counts.removedChunks += doomed.length;
      for (const chunk of doomed) counts.removedBytes += chunk.readUInt32BE(KEY_BYTES);
    } else {
      const keys = doomed.map((chunk) => chunk.subarray(0, KEY_BYTES));
      counts.condemned += await store.condemn('chunks', Buffer.concat(keys), turn);
    }
    await step();
    after = page.next;
    if (after === null) break;
  }
}

function unmarked(chunks: Buffer, marks: Marks): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at < chunks.length; at += KEY_BYTES + 4) {
    if (!marks.has(chunks, at + 4)) out.push(chunks.subarray(at, at + KEY_BYTES + 4));
  }
  return out;
}
