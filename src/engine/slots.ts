import type { Arena } from './arena.ts';

/** A body that is gathering a chunk. */
export interface Gatherer {
  /** Slots of its unfinished chunk, those included that `take` has just given. Kept by the slots: `handedOn` takes off. */
  held: number;
  /** Ends its chunk here and now, so that what it holds is stored and comes free. */
  flush(): void;
}

/**
 * The slots of the arena, given out first come, first served: the one bound on what all bodies together hold in memory.
 *
 * Nobody waits for a slow client: when all slots are held by unfinished chunks, the largest of these is ended where it is. That
 * costs some deduplication under extreme load, never progress.
 */
export interface Slots {
  take(gatherer: Gatherer): number | Promise<number>;
  /** So many slots are no longer of its unfinished chunk. */
  handedOn(gatherer: Gatherer, count: number): void;
  /** To be called once a slot that was waited for is in its chunk: somebody may be waiting for that chunk's end. */
  relieve(): void;
  /** One more holder (a worker that hashes it). */
  retain(slot: number): void;
  release(slot: number): void;
  /** Slots that nobody holds. */
  readonly free: number;
  /** Bodies that hold slots of an unfinished chunk: of all others nothing is remembered. */
  readonly gathering: number;
}

export function createSlots({ slotCount }: Arena): Slots {
  const holders = new Uint16Array(slotCount);
  /** The last one that came free goes out first: its memory is warm, and pages that were never needed stay untouched. */
  const free = Array.from({ length: slotCount }, (_, index) => slotCount - 1 - index);
  const gatherers = new Set<Gatherer>();
  const waiting: { gatherer: Gatherer; resolve(slot: number): void }[] = [];

  function give(slot: number, gatherer: Gatherer): number {
    holders[slot] = 1;
    gatherer.held++;
    gatherers.add(gatherer);
    return slot;
  }

  function relieve(): void {
    if (waiting.length === 0) return;
    let gathered = 0;
    let largest: Gatherer | null = null;
    for (const gatherer of gatherers) {
      gathered += gatherer.held;
      if (gatherer.held > (largest?.held ?? 0)) largest = gatherer;
    }
    // Something else is on its way to the disk, and its slots come back by themselves.
    if (gathered < slotCount - free.length) return;
    largest?.flush();
  }

  return {
    take(gatherer) {
      const slot = waiting.length === 0 ? free.pop() : undefined;
      if (slot !== undefined) return give(slot, gatherer);
      return new Promise((resolve) => {
        waiting.push({ gatherer, resolve });
        relieve();
      });
    },
    handedOn(gatherer, count) {
      gatherer.held -= count;
      if (gatherer.held === 0) gatherers.delete(gatherer);
    },
    relieve,
    retain(slot) {
      holders[slot]!++;
    },
    release(slot) {
      if (--holders[slot]! > 0) {
        // Perhaps only an unfinished chunk holds it now, and nothing is on its way to the disk any more.
        relieve();
        return;
      }
      const next = waiting.shift();
      if (next === undefined) free.push(slot);
      else {
        next.resolve(give(slot, next.gatherer));
        relieve();
      }
    },
    get free() {
      return free.length;
    },
    get gathering() {
      return gatherers.size;
    },
  };
}
