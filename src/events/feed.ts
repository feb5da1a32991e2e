import type { Cursor, JournalEvent } from '#contracts/journal';

/** Who has read all that there was, and waits for what comes. */
export interface Waiting {
  /** What it has had. */
  cursor: Cursor;
  /** Takes what came; a promise says when it can take more, and it waits no longer. */
  deliver(events: JournalEvent[]): Promise<void> | void;
  /** It waits no longer: it is behind until `taken`, or it has failed. */
  leave(taken: Promise<void>): void;
}

/**
 * The followers of one bucket that are up to date. A commit is read once for all of them, and given to each without a turn of its own.
 * `read` gives at most `batch` events that follow the cursor, and tries again by itself as long as that can help.
 */
export function createFeed(read: (cursor: Cursor) => Promise<JournalEvent[]>, batch: number) {
  const waiting = new Set<Waiting>();
  let turn = 0;
  let reading = false;

  /** Reads until nothing is left and no news came while it read. */
  async function run(): Promise<void> {
    reading = true;
    for (let seen = -1, more = true; more && waiting.size > 0; more = more || seen !== turn) {
      seen = turn;
      const from = earliest(waiting);
      let events: JournalEvent[];
      try {
        events = await read(from);
      } catch (error) {
        fail(from, error);
        continue;
      }
      give(events);
      more = events.length === batch;
    }
    reading = false;
  }

  /** What is too old for one is not for those who are further. */
  function fail({ epoch, seq }: Cursor, error: unknown): void {
    for (const one of waiting) {
      if (one.cursor.seq !== seq || one.cursor.epoch !== epoch) continue;
      waiting.delete(one);
      one.leave(Promise.reject(error));
    }
  }

  function give(events: JournalEvent[]): void {
    const first = events[0]?.cursor;
    const last = events.at(-1)?.cursor;
    if (first === undefined || last === undefined) return;
    for (const one of waiting) {
      // Who came while this was read may have had some of it, or have read before those who were here.
      if (one.cursor.seq + 1 < first.seq) {
        turn++;
        continue;
      }
      const news = one.cursor.seq < first.seq ? events : events.filter(({ cursor }) => cursor.seq > one.cursor.seq);
      if (news.length === 0) continue;
      one.cursor = last;
      let taken: Promise<void> | void;
      try {
        taken = one.deliver(news);
      } catch (error) {
        taken = Promise.reject(error);
      }
      if (taken === undefined) continue;
      waiting.delete(one);
      one.leave(taken);
    }
  }

  return {
    /** Grows with every wake. */
    get turn() {
      return turn;
    },
    /** There may be news. */
    wake(): void {
      turn++;
      if (!reading && waiting.size > 0) void run();
    },
    /** Of one who has read, since `turn`, that there was no more. Gives the function that ends it. */
    add(one: Waiting): () => void {
      waiting.add(one);
      return () => waiting.delete(one);
    },
  };
}

export type Feed = ReturnType<typeof createFeed>;

function earliest(waiting: Iterable<Waiting>): Cursor {
  let found: Cursor | undefined;
  for (const { cursor } of waiting) if (found === undefined || cursor.seq < found.seq) found = cursor;
  if (found === undefined) throw new Error('nobody waits');
  return found;
}
