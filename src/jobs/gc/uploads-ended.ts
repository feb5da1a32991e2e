import { setTimeout as sleep } from 'node:timers/promises';
import type { CollectionStore } from '#contracts/collection';

export interface Patience {
  /** A gateway that says nothing for so long is fenced, ms. */
  silentMs: number;
  /** How long to wait for running uploads before this run ends; the next one goes on waiting, ms. */
  patienceMs: number;
  /** Between two looks at who still runs, ms. */
  pollMs: number;
  signal: AbortSignal;
  /** Lets so much time go by, ms; by default by the clock on the wall. */
  pause?(ms: number): Promise<void>;
}

/**
 * Until every upload has ended that began before this turn, and these transactions; false when patience ends first. What is silent
 * is fenced, so that a machine that went away keeps nobody waiting.
 * @param look told after each look, with how many are waited for and how many were fenced
 */
export async function uploadsEnded(
  store: CollectionStore,
  { turn, writers }: { turn: number; writers: string[] },
  { silentMs, patienceMs, pollMs, signal, ...rest }: Patience,
  look: (waiting: number, fenced: number) => Promise<void>,
): Promise<boolean> {
  const pause = rest.pause ?? ((ms: number) => sleep(ms, undefined, { signal }));
  for (let spent = 0; ; spent += pollMs) {
    const fenced = await store.fence(silentMs);
    const running = writers.length === 0 ? [] : await store.running(writers);
    const waiting = (await store.waitingFor(turn)) + running.length;
    await look(waiting, fenced);
    if (waiting === 0) return true;
    if (spent >= patienceMs) return false;
    await pause(pollMs);
  }
}
