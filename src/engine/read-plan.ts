import type { ChunkIndex } from '#contracts/chunk-index';
import type { ChunkPlace } from '#contracts/content';
import type { DomainKeys } from '#contracts/keyring';
import type { ChunkRef, ContentRef, DomainId, LeafRef } from '#core/content-ref';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { ByteRange } from '#core/range';
import { type LeafDeps, readLeaf } from './leaves.ts';
import type { PlainCache } from './plain-cache.ts';

/** What of a chunk a read wants: its bytes [from, to). */
export interface Wanted {
  chunk: ChunkRef;
  place: ChunkPlace;
  from: number;
  to: number;
  /** Of the chunk's first byte, in the content. */
  offset: number;
  /** Its place is that of a second copy already: there is no third. */
  healed?: true;
}

export type ChunkedRef = Exclude<ContentRef, { kind: 'inline' }>;

/** A read asks first for these, most reads for no more: each question is a round trip to the database before its bytes. */
const PLACES_FIRST = 8;
const PLACES_AT_ONCE = 32;

/** Leaves that were read are kept in `cache`. */
export type PlanDeps = LeafDeps & { cache: PlainCache };

/** The chunks that a range covers, in order, as many together as were asked for, with their places of now. @throws corrupt when a leaf or chunk is missing */
export async function* planRead(
  deps: PlanDeps,
  domain: DomainKeys,
  content: ChunkedRef,
  range: ByteRange,
): AsyncGenerator<Wanted[]> {
  const { chunks } = deps;
  let batch: Omit<Wanted, 'place'>[] = [];
  let atOnce = PLACES_FIRST;
  for await (const one of coveringChunks(deps, domain, content, range)) {
    batch.push(one);
    if (batch.length < atOnce) continue;
    yield* withPlaces(chunks, content.domain, batch);
    batch = [];
    atOnce = PLACES_AT_ONCE;
  }
  yield* withPlaces(chunks, content.domain, batch);
}

async function* coveringChunks(
  deps: PlanDeps,
  domain: DomainKeys,
  content: ChunkedRef,
  range: ByteRange,
): AsyncGenerator<Omit<Wanted, 'place'>> {
  if (content.kind === 'chunk') {
    yield { chunk: content, from: range.start, to: range.end + 1, offset: 0 };
    return;
  }
  let offset = 0;
  for (const leaf of content.leaves) {
    if (offset > range.end) return;
    if (offset + leaf.size <= range.start) {
      offset += leaf.size;
      continue;
    }
    for (const chunk of await leafAt(deps, domain, leaf, offset)) {
      const end = offset + chunk.size;
      if (end > range.start && offset <= range.end) {
        yield { chunk, from: Math.max(0, range.start - offset), to: Math.min(chunk.size, range.end + 1 - offset), offset };
      }
      offset = end;
    }
  }
}

async function leafAt(deps: PlanDeps, domain: DomainKeys, leaf: LeafRef, offset: number): Promise<ChunkRef[]> {
  try {
    return await readLeaf(deps, deps.cache, domain, leaf);
  } catch (error) {
    if (!isCloudStoreError(error, 'corrupt')) throw error;
    throw new CloudStoreError('corrupt', error.message, { details: { offset }, cause: error });
  }
}

async function* withPlaces(chunks: ChunkIndex, domain: DomainId, batch: Omit<Wanted, 'place'>[]): AsyncGenerator<Wanted[]> {
  if (batch.length === 0) return;
  const places = await chunks.places(
    domain,
    batch.map(({ chunk }) => chunk.id),
  );
  const found: Wanted[] = [];
  for (const [index, one] of batch.entries()) {
    const place = places[index];
    if (!place) break;
    found.push({ ...one, place });
  }
  if (found.length > 0) yield found;
  const lacking = batch[found.length];
  if (lacking !== undefined) throw missing('A chunk', lacking.offset);
}

/** A plan that is asked for more before all of it is used. */
export interface PlanQueue {
  /** null: it has to be waited for, or that was all. */
  peek(): Wanted | null;
  /** Of what `peek` gave. */
  drop(): void;
  /** null: that was all. Throws what the plan does, when all before is used. */
  next(): Promise<Wanted | null>;
  close(): Promise<void>;
}

export function createPlanQueue(plan: AsyncGenerator<Wanted[]>): PlanQueue {
  let queue: Wanted[] = [];
  let asked: Promise<void> | null = null;
  let ended = false;

  function ask(): void {
    asked = plan.next().then(({ value, done }) => {
      asked = null;
      if (done === true) ended = true;
      else queue = queue.concat(value);
    });
    asked.catch(() => {}); // whoever waits for it hears of it
  }

  function askAhead(): void {
    if (queue.length <= PLACES_FIRST && asked === null && !ended) ask();
  }

  return {
    peek() {
      askAhead();
      return queue[0] ?? null;
    },
    drop() {
      queue.shift();
    },
    async next() {
      for (;;) {
        askAhead();
        const next = queue.shift();
        if (next !== undefined) return next;
        if (asked === null) return null;
        await asked;
      }
    },
    async close() {
      await plan.return(undefined);
    },
  };
}

function missing(what: string, offset: number): CloudStoreError {
  return new CloudStoreError('corrupt', `${what} is missing.`, { details: { offset } });
}
