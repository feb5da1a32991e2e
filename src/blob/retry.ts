import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '#core/clock';

export interface RetryOptions {
  random: Random;
  /** Of one call, the first one included. */
  attemptsMax: number;
  /** Of those that had no answer in their time: somebody waits, and who does not answer three times will not soon. */
  silencesMax: number;
  /** The pause before the second attempt is at most this long, then it doubles. */
  pauseMs: number;
  pauseMsMax: number;
  /** Whether an error may go away by itself. */
  mayPass(error: unknown): boolean;
}

/** One attempt's bounds: `signal` fires when it has had its time. */
export type Attempt<T> = (signal: AbortSignal) => Promise<T>;

export interface Retry {
  /** @param attemptMs how long one attempt may take. @throws what the last attempt threw, or the first that cannot pass */
  <T>(attemptMs: number, attempt: Attempt<T>): Promise<T>;
  /** No more pauses: what waits for its next attempt fails with what it had. */
  stop(): void;
}

/** Again and again with growing pauses, each of chance length ("full jitter"), so that many who failed together do not come back together. */
export function createRetry({ random, attemptsMax, silencesMax, pauseMs, pauseMsMax, mayPass }: RetryOptions): Retry {
  const stopped = new AbortController();

  async function retry<T>(attemptMs: number, attempt: Attempt<T>): Promise<T> {
    let silences = 0;
    for (let count = 1; ; count++) {
      const time = new AbortController();
      const timer = setTimeout(() => time.abort(new Error(`no answer within ${attemptMs} ms`)), attemptMs);
      try {
        return await attempt(time.signal);
      } catch (error) {
        const passes = time.signal.aborted || mayPass(error);
        if (time.signal.aborted) silences++;
        if (!passes || count >= attemptsMax || silences >= silencesMax || stopped.signal.aborted) throw error;
        const most = Math.min(pauseMsMax, pauseMs * 2 ** (count - 1));
        await sleep((most * random(4).readUInt32BE()) / 2 ** 32, undefined, { signal: stopped.signal }).catch(() => undefined);
      } finally {
        clearTimeout(timer);
      }
    }
  }
  return Object.assign(retry, { stop: () => stopped.abort() });
}
