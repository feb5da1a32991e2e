import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Pace } from '#contracts/pace';

export interface PaceOptions {
  bytesPerSecond: number;
  /** While requests are running only a quarter of it is used. */
  busy(): boolean;
}

const BUSY_FACTOR = 4;
/** Shorter waits than that are saved up. */
const WAIT_MS_MIN = 4;

export function createPace({ bytesPerSecond, busy }: PaceOptions): Pace {
  let due = 0;
  return {
    async done(bytes, signal) {
      const now = performance.now();
      due = Math.max(due, now) + (bytes / bytesPerSecond) * 1000 * (busy() ? BUSY_FACTOR : 1);
      await (due - now < WAIT_MS_MIN ? nextTurn() : sleep(due - now, undefined, { signal }).catch(() => undefined));
      signal.throwIfAborted();
    },
  };
}
