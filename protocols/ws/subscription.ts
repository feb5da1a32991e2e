import { type Cursor, formatCursor, type JournalEvent } from '#contracts/journal';
import type { BucketId } from '#core/address';
import type { Bucket } from '#core/bucket';
import { isCloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import type { WsDeps } from './deps.ts';
import { changeBelow, eventMessage } from './events.ts';

/** One bucket or prefix that a socket follows. */
export interface Subscription {
  readonly bucket: BucketId;
  /** Asks again, for what the caller is by now: it may have left a group. @throws what it may no longer do, or not_found */
  authorize(who: Who): Promise<void>;
  end(): void;
}

export interface SubscriptionOptions {
  deps: WsDeps;
  bucket: Bucket;
  /** The name that the client used. */
  name: string;
  prefix: string;
  from: Cursor;
  id: string | undefined;
  /** Resolves when the socket can take more. */
  send(messages: string[]): Promise<void>;
  /** The journal does not reach back so far, or it failed; the subscription is over. */
  onEnd(error: unknown): void;
}

/** Whether `who` may list there; asked when a subscription begins and whenever rights may have changed. @throws access_denied, bucket_not_found */
export async function authorizeFollowing(deps: WsDeps, who: Who, bucket: Bucket, prefix: string): Promise<void> {
  await deps.buckets.get(who, bucket.id);
  await deps.namespace.list(who, { bucket: bucket.id, prefix, delimiter: '', after: '', limit: 1 });
}

/** Every commit from the cursor on, in order, once; what the prefix leaves out still moves the cursor along. */
export function follow(options: SubscriptionOptions): Subscription {
  const { deps, bucket, name, prefix, from, id, send, onEnd } = options;
  const ended = new AbortController();

  async function deliver(events: JournalEvent[]): Promise<void> {
    const messages: string[] = [];
    let told = true;
    for (const event of events) {
      const change = changeBelow(event, prefix);
      told = change !== null;
      if (change !== null) messages.push(eventMessage(event, change, name, id));
    }
    const last = events.at(-1);
    if (!told && last !== undefined) {
      messages.push(JSON.stringify({ type: 'cursor', id, bucket: name, cursor: formatCursor(last.cursor) }));
    }
    if (!ended.signal.aborted) await send(messages);
  }

  deps.hub.follow(bucket.id, from, deliver, ended.signal).then(
    () => undefined,
    (error: unknown) => {
      if (ended.signal.aborted || isCloudStoreError(error, 'aborted')) return;
      ended.abort();
      onEnd(error);
    },
  );

  return { bucket: bucket.id, authorize: (now) => authorizeFollowing(deps, now, bucket, prefix), end: () => ended.abort() };
}
