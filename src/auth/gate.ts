import { CloudStoreError } from '#core/errors';

/** Lets a few in at once; the others wait in order, and too many are sent away. */
export interface Gate {
  /** @throws rate_limited when the queue is full */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createGate(atOnce: number, waitingMax: number): Gate {
  const waiting: (() => void)[] = [];
  let inside = 0;
  return {
    async run(work) {
      if (inside >= atOnce) {
        if (waiting.length >= waitingMax) {
          throw new CloudStoreError('rate_limited', 'Too many log-ins at once; try again in a moment.', {
            details: { retryAfterSeconds: 1 },
          });
        }
        // Whoever leaves hands its place on, so `inside` stays.
        await new Promise<void>((enter) => waiting.push(enter));
      } else inside++;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) inside--;
        else next();
      }
    },
  };
}
