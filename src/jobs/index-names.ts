import type { Job } from '#contracts/jobs';
import type { NameStore, PrunePlace } from '#contracts/name-store';
import type { Clock } from '#core/clock';

const EVERY_MS = 60_000;
const NAMES = 2_000;
const PRUNE_EVERY_MS = 24 * 3600 * 1000;
const PRUNED = 5_000;

interface State {
  prunedMs: number;
  /** In the middle of it. */
  place: PrunePlace | null;
}

/** Takes new names into the index, so that searches need not, once there was a search; once a day it forgets those of what is gone. */
export function createIndexNamesJob({ names, clock }: { names: NameStore; clock: Clock }): Job {
  return {
    name: 'index-names',
    everyMs: EVERY_MS,
    async run({ signal, state, save, progress }) {
      if (!(await names.wanted())) return;
      const before = state as State | null; // our own
      let done = 0;
      for (;;) {
        signal.throwIfAborted();
        const count = await names.catchUp(NAMES);
        if (count === 0) break;
        done += count;
        progress({ done, total: null, unit: 'names' });
      }
      const last = before?.prunedMs ?? 0;
      if (before !== null && before.place === null && clock.now() - last < PRUNE_EVERY_MS) return;
      let place = before?.place ?? null;
      do {
        signal.throwIfAborted();
        place = await names.prune(place, PRUNED);
        await save({ prunedMs: place === null ? clock.now() : last, place } satisfies State);
      } while (place !== null);
    },
  };
}
