import type { Hub } from '#contracts/hub';
import type { Cursor, Journal, JournalEvent } from '#contracts/journal';
import type { Logger } from '#contracts/observability';
import type { Signals } from '#contracts/signals';
import type { BucketId } from '#core/address';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { createFeed, type Feed } from './feed.ts';

export interface HubOptions {
  journal: Journal;
  /** They tell when one may have been lost; nothing is looked for without them. */
  signals: Signals;
  log: Logger;
  /** Events a delivery. Default 500. */
  batch?: number;
}

const RETRY_MS = [100, 250, 500, 1000, 2000];

/**
 * Follows the journal for many. Nothing is kept for a subscriber but its cursor: it reads on when it has taken the last batch.
 * Those at the same place share one read, so a commit that a thousand follow is read once.
 */
export function createHub(options: HubOptions): Hub & { close(): Promise<void> } {
  const { journal, signals, log, batch = 500 } = options;
  const feeds = new Map<BucketId, { feed: Feed; users: number }>();
  const reads = new Map<string, Promise<JournalEvent[]>>();
  const closing = new AbortController();

  const unsubscribe = signals.subscribe('journal', (payload) => {
    if (payload === null) {
      for (const { feed } of feeds.values()) feed.wake();
      return;
    }
    feeds.get(Number(payload.split(':', 1)[0]))?.feed.wake();
  });

  /** @throws cursor_expired, or what no other try would mend */
  async function read(bucket: BucketId, cursor: Cursor, signal: AbortSignal): Promise<JournalEvent[]> {
    for (let failures = 0; ; failures++) {
      try {
        const events = await journal.since(bucket, cursor, batch);
        assertDense(cursor, events);
        return events;
      } catch (error) {
        if (isCloudStoreError(error) && error.code !== 'unavailable' && error.code !== 'timeout') throw error;
        log.warn({ error: String(error), bucket }, 'The journal cannot be read; trying again.');
        await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]!, signal);
        if (signal.aborted) return [];
      }
    }
  }

  function shared(bucket: BucketId, cursor: Cursor, turn: number): Promise<JournalEvent[]> {
    // Never one that began before the turn it is wanted for: it may not have seen the commit that woke us.
    const key = `${bucket} ${cursor.epoch}.${cursor.seq} ${turn}`;
    const under = reads.get(key);
    if (under !== undefined) return under;
    const promise = read(bucket, cursor, closing.signal).finally(() => reads.delete(key));
    reads.set(key, promise);
    return promise;
  }

  async function run(
    bucket: BucketId,
    from: Cursor,
    deliver: (events: JournalEvent[]) => Promise<void> | void,
    signal: AbortSignal,
    feed: Feed,
  ): Promise<void> {
    let cursor = from;
    while (!signal.aborted) {
      const { turn } = feed;
      const events = await unlessAborted(shared(bucket, cursor, turn), signal);
      if (events === undefined || signal.aborted) return;
      const last = events.at(-1);
      if (last !== undefined) {
        await unlessAborted(deliver(events), signal);
        cursor = last.cursor;
      }
      // There is more, or there may be.
      if (events.length === batch || turn !== feed.turn || signal.aborted) continue;
      cursor = await wait(cursor, deliver, signal, feed);
    }
  }

  /** Until it takes longer over what is delivered, or the signal fires. Gives where it goes on. */
  function wait(
    cursor: Cursor,
    deliver: (events: JournalEvent[]) => Promise<void> | void,
    signal: AbortSignal,
    feed: Feed,
  ): Promise<Cursor> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        leave();
        resolve(waiting.cursor);
      };
      const waiting = {
        cursor,
        deliver,
        leave(taken: Promise<void>) {
          signal.removeEventListener('abort', stop);
          unlessAborted(taken, signal).then(() => resolve(waiting.cursor), reject);
        },
      };
      const leave = feed.add(waiting);
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  return {
    async follow(bucket, from, deliver, signal) {
      const ended = AbortSignal.any([signal, closing.signal]);
      const entry = feeds.get(bucket) ?? { feed: createFeed((cursor) => read(bucket, cursor, closing.signal), batch), users: 0 };
      feeds.set(bucket, entry);
      entry.users++;
      try {
        await run(bucket, from, deliver, ended, entry.feed);
      } finally {
        if (--entry.users === 0) feeds.delete(bucket);
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
  if (last === undefined) return;
  if (events[0]?.cursor.seq === cursor.seq + 1 && last.cursor.seq === cursor.seq + events.length) return;
  throw new CloudStoreError('cursor_expired', 'The journal does not go on where the cursor is; start over.');
}

function pause(ms: number, signal: AbortSignal): Promise<unknown> {
  return unlessAborted(new Promise((resolve) => setTimeout(resolve, ms).unref()), signal);
}

/** undefined when the signal fires first: a subscriber that went away may never take its last batch. */
function unlessAborted<T>(work: Promise<T> | T, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve(undefined);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    Promise.resolve(work)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}
