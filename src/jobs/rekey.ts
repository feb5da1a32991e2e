import type { ChunkIndex } from '#contracts/chunk-index';
import type { CollectionStore } from '#contracts/collection';
import type { ChunkPlace } from '#contracts/content';
import type { Job, JobContext } from '#contracts/jobs';
import type { Keyring, KeyStore } from '#contracts/keyring';
import type { Logger } from '#contracts/observability';
import type { Pace } from '#contracts/pace';
import type { PackedChunk, PackStore } from '#contracts/pack-store';
import type { InlineKind, KeyedRows, Rekeying, WantedKeys } from '#contracts/rekeying';
import type { ContentRef } from '#core/content-ref';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { uploadsEnded } from './gc/uploads-ended.ts';

export interface RekeyOptions {
  keyring: Keyring;
  keys: KeyStore;
  chunks: ChunkIndex;
  packs: PackStore;
  rows: KeyedRows;
  rekeying: Rekeying;
  collection: CollectionStore;
  /** Whether what is written now is encrypted: what is not as it is written now is written anew. */
  encrypted: boolean;
  /** How fast it may go: what is read and written, in bytes. */
  pace: Pace;
  /** How many records there are, for the progress. */
  total(): Promise<number>;
  log: Logger;
  everyMs?: number;
  silentMs?: number;
  patienceMs?: number;
  pollMs?: number;
}

type Phase = 'chunks' | InlineKind;

/** Saved after every step: the pass goes on from there, in whichever process. */
interface RekeyState {
  /** The epoch that each domain had when this pass began: what the pass finds older is written anew. */
  epochs: [domain: number, epoch: number][];
  phase: Phase;
  after: string | null;
  counts: RekeyCounts;
}

interface RekeyCounts {
  /** Looked at in this pass. */
  records: number;
  /** Of them, under an older key, or not encrypted as wished. */
  old: number;
  rewrittenBytes: number;
  inlineContents: number;
  /** They fail their check, and keep their key from being forgotten. */
  damaged: number;
  /** Their pack is not to be had here (a disk that is away, another gateway's open pack): as damaged ones, until it is. */
  unreachable: number;
  retiredKeys: number;
  waitingForGateways: number;
}

/** When nothing is to be done, a look at the keys of every domain. */
const EVERY_MS = 24 * 3600 * 1000;
const SILENT_MS = 60_000;
const PATIENCE_MS = 10 * 60_000;
const POLL_MS = 500;
/** New records that one fsync and one statement settle. */
const BATCH_BYTES = 16 << 20;
/** What a look at the head of a record, or at a row with its content, is worth to the disk. */
const LOOK_BYTES = 4096;

/**
 * After a domain got a new key: writes everything anew that is encrypted with an older one, pass by pass, until a pass finds nothing; then the older keys are forgotten.
 *
 * A pass begins when no process can write with an older key any more: every gateway has heard of a turn that was begun after the new key, and learns the
 * keys before it says so, and every upload that began before has ended. What is rewritten in it can be copied only by transactions that were running then,
 * and these have ended when the next pass begins. So a pass that finds nothing proves that nothing is left.
 *
 * It goes at a bounded speed, ends when it is cancelled, and goes on from the last page that was settled.
 */
export function createRekeyJob(options: RekeyOptions): Job {
  const { everyMs = EVERY_MS } = options;
  return {
    name: 'rekey',
    everyMs,
    async run(context) {
      let state = context.state as RekeyState | null; // what we saved
      const asked = context.argument !== null;
      for (;;) {
        if (state === null) {
          const epochs = await currentEpochs(options);
          const due = asked || epochs.some(({ count }) => count > 1);
          if (!due) return;
          if (!(await begin(options, context))) {
            throw new CloudStoreError(
              'unavailable',
              'Uploads that began before the new key are still running; this is tried again.',
            );
          }
          state = await freshPass(options);
          await context.save(state);
        }
        const counts = await pass(options, context, state);
        if (counts.old > counts.damaged) {
          state = null; // once more: something may have been copied meanwhile
          await context.save(null);
          continue;
        }
        const { damaged, unreachable } = counts;
        // A key that cannot be shown to be unused stays, however long that takes; tried again tomorrow, or when somebody asks.
        if (damaged + unreachable === 0) counts.retiredKeys = await retire(options, state);
        else
          options.log.error(
            { damaged, unreachable },
            'not everything could be written anew under its new key, so older keys are kept; see scrub',
          );
        await report(options, context, counts);
        await context.save(null);
        return;
      }
    },
  };
}

async function currentEpochs({ keyring, keys }: RekeyOptions): Promise<{ domain: number; epoch: number; count: number }[]> {
  const found: { domain: number; epoch: number; count: number }[] = [];
  for (const domain of await keys.list()) {
    await keyring.refresh(domain);
    const { currentEpoch: epoch, epochs } = keyring.domain(domain);
    found.push({ domain, epoch, count: epochs.length });
  }
  return found;
}

/** Whether nobody can write with an older key any more; false when patience ended, and the next run waits on. */
async function begin(options: RekeyOptions, context: JobContext): Promise<boolean> {
  const { collection, silentMs = SILENT_MS, patienceMs = PATIENCE_MS, pollMs = POLL_MS } = options;
  const turn = await collection.nextTurn();
  const writers = await collection.writers();
  const patience = { silentMs, patienceMs, pollMs, signal: context.signal };
  return uploadsEnded(collection, { turn, writers }, patience, async (waiting) => {
    await report(options, context, { ...noCounts(), waitingForGateways: waiting });
    context.signal.throwIfAborted();
  });
}

async function freshPass(options: RekeyOptions): Promise<RekeyState> {
  // Of now: a key that came since is waited for by the next pass.
  const epochs = (await currentEpochs(options)).map(({ domain, epoch }): [number, number] => [domain, epoch]);
  return { epochs, phase: 'chunks', after: null, counts: noCounts() };
}

async function pass(options: RekeyOptions, context: JobContext, state: RekeyState): Promise<RekeyCounts> {
  const { counts } = state;
  const step = async (phase: Phase, after: string | null): Promise<void> => {
    state.phase = phase;
    state.after = after;
    await context.save(state);
    await report(options, context, counts);
    context.signal.throwIfAborted();
  };
  if (state.phase === 'chunks') {
    for (let after = state.after; ; ) {
      const page = await options.rows.chunks(after);
      await rewriteChunks(options, context, page.chunks, counts);
      await step(page.next === null ? 'versions' : 'chunks', page.next);
      if (page.next === null) break;
      after = page.next;
    }
  }
  for (const kind of ['versions', 'parts'] as const) {
    if (state.phase !== kind) continue;
    for (let after = state.after; ; ) {
      const next = await rewriteInline(options, kind, after, state, counts, context.signal);
      if (next === null) {
        await step('parts', null);
        break;
      }
      await step(kind, next);
      after = next;
    }
  }
  return counts;
}

async function rewriteChunks(
  options: RekeyOptions,
  context: JobContext,
  chunks: PackedChunk[],
  counts: RekeyCounts,
): Promise<void> {
  let moves: { chunk: PackedChunk; to: ChunkPlace }[] = [];
  let bytes = 0;
  // What is written and not named yet is garbage to collection, unless somebody is at it.
  let lease = await options.chunks.lease();
  const settle = async (): Promise<void> => {
    if (moves.length > 0) {
      await options.rekeying.sync(moves.map(({ to }) => to));
      context.signal.throwIfAborted(); // a run that lost its lease moves nothing more
      await options.packs.move(moves);
      counts.rewrittenBytes += bytes;
    }
    moves = [];
    bytes = 0;
    lease.end();
    lease = await options.chunks.lease();
  };
  try {
    for (const chunk of chunks) {
      counts.records++;
      const to = await rewritten(options, chunk, counts);
      await options.pace.done(
        to === null || typeof to === 'string' ? LOOK_BYTES : chunk.place.length + to.length,
        context.signal,
      );
      if (to === 'same') continue;
      counts.old++;
      if (to === 'gone' || to === null) continue; // compaction moved it: the next pass finds it
      moves.push({ chunk, to });
      bytes += to.length;
      if (bytes >= BATCH_BYTES) await settle();
    }
    await settle();
  } finally {
    lease.end();
  }
}

/** null: it is damaged. */
async function rewritten(
  { rekeying, chunks }: RekeyOptions,
  chunk: PackedChunk,
  counts: RekeyCounts,
): Promise<ChunkPlace | 'same' | 'gone' | null> {
  try {
    const to = await rekeying.record(chunk);
    if (to !== 'gone') return to;
    const [now] = await chunks.places(chunk.domain, [chunk.id]);
    if (!now) return 'same'; // collected
    if (now.pack !== chunk.place.pack || now.offset !== chunk.place.offset) return 'gone';
    counts.unreachable++;
    return 'same';
  } catch (error) {
    if (isCloudStoreError(error, 'unavailable')) {
      counts.unreachable++; // its store is not connected
      return 'same';
    }
    if (!isCloudStoreError(error, 'corrupt')) throw error;
    counts.damaged++;
    return null;
  }
}

async function rewriteInline(
  { rows, rekeying, encrypted, pace }: RekeyOptions,
  kind: InlineKind,
  after: string | null,
  state: RekeyState,
  counts: RekeyCounts,
  signal: AbortSignal,
): Promise<string | null> {
  const wanted: WantedKeys = { epochs: new Map(state.epochs), encrypted };
  const page = await rows.inline(kind, after, wanted);
  const changes: { id: string; before: ContentRef; after: ContentRef }[] = [];
  for (const { id, content } of page.rows) {
    try {
      const next = await rekeying.inline(content);
      if (next === null) continue; // of a key that came after this pass began
      counts.old++;
      changes.push({ id, before: content, after: next });
    } catch (error) {
      if (!isCloudStoreError(error, 'corrupt')) throw error;
      counts.old++;
      counts.damaged++;
    }
  }
  counts.inlineContents += await rows.replaceInline(kind, changes);
  await pace.done(page.rows.length * LOOK_BYTES, signal);
  return page.next;
}

/** Only what this pass has shown to be unused: a key that came since it began stays, and those between. */
async function retire({ keyring }: RekeyOptions, { epochs }: RekeyState): Promise<number> {
  let count = 0;
  for (const [domain, epoch] of epochs) count += await keyring.retire(domain, epoch);
  return count;
}

async function report({ total }: RekeyOptions, context: JobContext, counts: RekeyCounts): Promise<void> {
  const records = Math.max(counts.records, await total());
  context.progress({ done: counts.records, total: records, unit: 'records', counts: { ...counts } });
}

function noCounts(): RekeyCounts {
  return {
    records: 0,
    old: 0,
    rewrittenBytes: 0,
    inlineContents: 0,
    damaged: 0,
    unreachable: 0,
    retiredKeys: 0,
    waitingForGateways: 0,
  };
}
