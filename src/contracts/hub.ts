import type { BucketId } from '#core/address';
import type { Cursor, JournalEvent } from './journal.ts';

/** Journal to subscribers: every commit of any gateway and door, in order, once, from a cursor. */
export interface Hub {
  /**
   * Delivers batches in order until the signal fires. It reads ahead only as what `deliver` gives resolves: a slow subscriber costs no
   * memory. One that can take more at once gives nothing.
   * @throws cursor_expired
   */
  follow(
    bucket: BucketId,
    from: Cursor,
    deliver: (events: JournalEvent[]) => Promise<void> | void,
    signal: AbortSignal,
  ): Promise<void>;
}
