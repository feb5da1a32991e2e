import { type Cursor, formatCursor, type JournalEvent } from '#contracts/journal';
import type { BucketId } from '#core/address';
import type { Bucket } from '#core/bucket';
import { isCloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import type { WsDeps } from './deps.ts';
import { changeBelow, type EventMessage } from './events.ts';
import type { Outbox } from './outbox.ts';

/** One bucket or prefix that a socket follows. */
export interface Subscription {
  readonly bucket: BucketId;
  /** What the client calls it. */
  readonly about: { id: string | undefined; bucket: string; prefix: string };
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
  messageOf: EventMessage;
  /** A subscription never has more than a batch in flight: a socket that is full is waited for. */
  send: Outbox['send'];
  /** The journal does not reach back so far, or it failed; the subscription is over. */
  onEnd(error: unknown): void;
}

/** Whether `who` may list there; asked when a subscription begins and whenever rights may have changed. @throws access_denied, bucket_not_found */
export async function authorizeFollowing(deps: WsDeps, who: Who, bucket: Bucket, prefix: string): Promise<void> {
  await deps.buckets.get(who, bucket.id);
  await deps.namespace.list(who, { bucket: bucket.id, prefix, delimiter: '', after: '', limit: 1 });
}

/** A cursor that only moves along tells nothing that anybody waits for; told at once, each commit would cost a message to everybody who follows another folder. */
const CURSOR_MS = 500;

/** Every commit from the cursor on, in order, once; what the prefix leaves out still moves the cursor along, a little later. */
export function follow(options: SubscriptionOptions): Subscription {
  const { deps, bucket, name, prefix, from, id, messageOf, send, onEnd } = options;
  const ended = new AbortController();
  let owed: Cursor | null = null;
  let timer: NodeJS.Timeout | null = null;
  ended.signal.addEventListener('abort', () => timer !== null && clearTimeout(timer), { once: true });

  function tellCursor(): void {
    timer = null;
    if (owed === null || ended.signal.aborted) return;
    const message = { type: 'cursor', id, bucket: name, cursor: formatCursor(owed) };
    owed = null;
    send([JSON.stringify(message)]);
  }

  function deliver(events: JournalEvent[]): Promise<void> | void {
    const messages: string[] = [];
    let told = true;
    for (const event of events) {
      const change = changeBelow(event, prefix);
      told = change !== null;
      if (change !== null) messages.push(messageOf(event, change, name, id));
    }
    const last = events.at(-1);
    // An event brings its own, which is later than what was owed.
    owed = told || last === undefined ? null : last.cursor;
    if (owed !== null) timer ??= setTimeout(tellCursor, CURSOR_MS);
    if (!ended.signal.aborted && messages.length > 0) return send(messages);
  }

  deps.hub.follow(bucket.id, from, deliver, ended.signal).then(
    () => undefined,
    (error: unknown) => {
      if (ended.signal.aborted || isCloudStoreError(error, 'aborted')) return;
      ended.abort();
      onEnd(error);
    },
  );

  return {
    bucket: bucket.id,
    about: { id, bucket: name, prefix },
    authorize: (now) => authorizeFollowing(deps, now, bucket, prefix),
    end: () => ended.abort(),
  };
}
