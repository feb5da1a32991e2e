import type { Hub } from '#contracts/hub';
import type { Cursor, Journal, JournalEvent } from '#contracts/journal';
import type { Logger } from '#contracts/observability';
import type { Signals } from '#contracts/signals';
import type { BucketId } from '#core/address';
import type { Clock } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { createWaker, type Waker } from './waker.ts';

export interface HubOptions {
  journal: Journal;
  signals: Signals;
  clock: Clock;
  log: Logger;
  /** How often to look without a signal, which may be lost. Default 5,000. */
  pollMs?: number;
  /** Events a delivery. Default 500. */
  batch?: number;
}

const RETRY_MS = [100, 250, 500, 1000, 2000];

/**
 * Follows the journal for many. Nothing is kept for a subscriber but its cursor: it reads on when it has taken the last batch.
 * Those at the same place share one read, so a commit that a thousand follow is read once.
 */
export function createHub(options: HubOptions): Hub & { close(): Promise<void> } {
  const { journal, signals, log, pollMs = 5_000, batch = 500 } = options;
  const wakers = new Map<BucketId, { waker: Waker; users: number }>();
  const reads = new Map<string, Promise<JournalEvent[]>>();
  const closing = new AbortController();

  const unsubscribe = signals.subscribe('journal', (payload) => {
    if (payload === null) {
      for (const { waker } of wakers.values()) waker.wake();
      return;
    }
    wakers.get(Number(payload.split(':', 1)[0]))?.waker.wake();
  });

  function read(bucket: BucketId, cursor: Cursor, turn: number): Promise<JournalEvent[]> {
    // Never one that began before the turn it is wanted for: it may not have seen the commit that woke us.
    const key = `${bucket} ${cursor.epoch}.${cursor.seq} ${turn}`;
    const under = reads.get(key);
    if (under !== undefined) return under;
    const promise = journal.since(bucket, cursor, batch).finally(() => reads.delete(key));
    reads.set(key, promise);
    return promise;
  }

  async function run(
    bucket: BucketId,
    from: Cursor,
    deliver: (events: JournalEvent[]) => Promise<void>,
    signal: AbortSignal,
    waker: Waker,
  ): Promise<void> {
    let cursor = from;
    let failures = 0;
    while (!signal.aborted) {
      const turn = waker.turn;
      let events: JournalEvent[];
      try {
        events = await read(bucket, cursor, turn);
        failures = 0;
      } catch (error) {
        if (isCloudStoreError(error) && error.code !== 'unavailable' && error.code !== 'timeout') throw error;
        log.warn({ error: String(error), bucket }, 'The journal cannot be read; trying again.');
        await pause(RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]!, signal);
        continue;
      }
      if (signal.aborted) return;
      const last = events.at(-1);
      if (last === undefined) {
        await waker.after(turn, signal);
        continue;
      }
      assertDense(cursor, events);
      await unlessAborted(deliver(events), signal);
      cursor = last.cursor;
    }
  }

  return {
    async follow(bucket, from, deliver, signal) {
      const entry = wakers.get(bucket) ?? { waker: createWaker(pollMs), users: 0 };
      wakers.set(bucket, entry);
      entry.users++;
      try {
        await run(bucket, from, deliver, AbortSignal.any([signal, closing.signal]), entry.waker);
      } finally {
        if (--entry.users === 0) {
          entry.waker.close();
          wakers.delete(bucket);
        }
      }
    },
    async close() {
      unsubscribe();
      closing.abort();
    },
  };
}

/** The journal is dense by construction; a hole would be a loss that nobody notices, so the client starts over. */
function assertDense(cursor: Cursor, events: JournalEvent[]): void {
  const last = events.at(-1);
  if (last !== undefined && events[0]?.cursor.seq === cursor.seq + 1 && last.cursor.seq === cursor.seq + events.length) return;
  throw new CloudStoreError('cursor_expired', 'The journal does not go on where the cursor is; start over.');
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return unlessAborted(new Promise((resolve) => setTimeout(resolve, ms).unref()), signal);
}

/** A subscriber that went away may never take its last batch. */
function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve();
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
