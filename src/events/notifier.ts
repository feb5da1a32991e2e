import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BucketStore } from '#contracts/bucket-store';
import type { Hub } from '#contracts/hub';
import type { Job, JobContext } from '#contracts/jobs';
import { type Cursor, formatCursor, type Journal, type JournalEvent, parseCursor } from '#contracts/journal';
import type { MetadataStore } from '#contracts/metadata-store';
import type { Logger } from '#contracts/observability';
import type { Signals } from '#contracts/signals';
import type { Webhooks } from '#contracts/webhooks';
import type { Bucket } from '#core/bucket';
import { isCloudStoreError } from '#core/errors';
import { NOTIFICATIONS_JOB, type NotificationEntry, notificationOf, wants } from '#core/notification';
import { recordOf, type S3Event, s3EventsOf } from './s3-events.ts';

export interface NotifierOptions {
  buckets: BucketStore;
  journal: Journal;
  hub: Hub;
  store: Pick<MetadataStore, 'version' | 'list'>;
  webhooks: Webhooks;
  signals: Signals;
  region: string;
  log: Logger;
  /** Lets time go by; a test has a clock of its own. */
  pause?(ms: number, signal: AbortSignal): Promise<void>;
}

const EVERY_MS = 60_000;
const LOOK_MS = 60_000;
const SAVE_MS = 1_000;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 5 * 60_000;
/** A target that refuses a message so often will never take it, and the next ones wait. */
const REFUSALS_MAX = 5;

/** Cursors by `bucket/entry`, as `epoch.seq`: what is told up to there. */
type State = Record<string, string>;

interface Counts extends Record<string, number> {
  delivered: number;
  failed: number;
  dropped: number;
  lost: number;
}

/**
 * Tells webhooks what happens in the buckets that want it: at least once, in order for each entry of a configuration, from the journal. Each entry goes
 * at its own pace from a cursor of its own, so a dead target keeps nobody else waiting, and goes on where it was when it comes back; only what the
 * journal no longer has is lost. Runs as long as a bucket is configured, on one gateway at a time.
 */
export function createNotifier(options: NotifierOptions): Job {
  return {
    name: NOTIFICATIONS_JOB,
    everyMs: EVERY_MS,
    run: (context) => new Run(options, context).run(),
  };
}

interface Follower {
  stop: AbortController;
  ended: Promise<void>;
  /** What it was begun with; another one begins anew. */
  entry: string;
  bucket: Bucket;
}

class Run {
  readonly #options: NotifierOptions;
  readonly #context: JobContext;
  readonly #state: State;
  readonly #followers = new Map<string, Follower>();
  readonly #counts: Counts = { delivered: 0, failed: 0, dropped: 0, lost: 0 };
  #moved = false;
  #wake: () => void = () => undefined;

  constructor(options: NotifierOptions, context: JobContext) {
    this.#options = options;
    this.#context = context;
    this.#state = { ...((context.state ?? {}) as State) }; // our own
  }

  async run(): Promise<void> {
    const { signal } = this.#context;
    let look = true;
    const unsubscribe = this.#options.signals.subscribe('buckets', () => {
      look = true;
      this.#wake();
    });
    const onAbort = (): void => this.#wake();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (let looked = 0; !signal.aborted; looked += SAVE_MS) {
        if (look || looked >= LOOK_MS) {
          look = false;
          looked = 0;
          await this.#settle();
        }
        await this.#save();
        if (this.#followers.size === 0) return;
        await this.#rest();
      }
    } finally {
      unsubscribe();
      signal.removeEventListener('abort', onAbort);
      await this.#end([...this.#followers.keys()]);
      await this.#save().catch(() => undefined); // then some are told once more
    }
  }

  /** A follower for each entry that there is, and none for others. */
  async #settle(): Promise<void> {
    const wanted = new Map<string, { bucket: Bucket; entry: NotificationEntry; since: string }>();
    for (const bucket of await this.#options.buckets.list()) {
      const document = notificationOf(bucket);
      for (const entry of document?.entries ?? [])
        wanted.set(`${bucket.id}/${entry.id}`, { bucket, entry, since: document?.since ?? '' });
    }
    const gone = [...this.#followers].filter(([name, { entry }]) => JSON.stringify(wanted.get(name)?.entry) !== entry);
    await this.#end(gone.map(([name]) => name));
    for (const name of Object.keys(this.#state)) {
      if (wanted.has(name)) continue;
      delete this.#state[name];
      this.#moved = true;
    }
    for (const [name, { bucket, entry, since }] of wanted) {
      const running = this.#followers.get(name);
      if (running !== undefined) running.bucket = bucket;
      else this.#begin(name, bucket, entry, since);
    }
  }

  #begin(name: string, bucket: Bucket, entry: NotificationEntry, since: string): void {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#context.signal]);
    const follower: Follower = { stop, bucket, entry: JSON.stringify(entry), ended: Promise.resolve() };
    this.#state[name] ??= since;
    follower.ended = this.#follow(name, follower, entry, signal);
    this.#followers.set(name, follower);
  }

  async #end(names: string[]): Promise<void> {
    for (const name of names) this.#followers.get(name)?.stop.abort();
    await Promise.all(names.map((name) => this.#followers.get(name)?.ended));
    for (const name of names) this.#followers.delete(name);
  }

  /** Never rejects. */
  async #follow(name: string, follower: Follower, entry: NotificationEntry, signal: AbortSignal): Promise<void> {
    const { hub, journal, log } = this.#options;
    const { id } = follower.bucket;
    while (!signal.aborted) {
      try {
        const from = parseCursor(this.#state[name] ?? '') ?? (await journal.head(id));
        await hub.follow(id, from, (events) => this.#tell(name, follower, entry, events, signal), signal);
        return;
      } catch (error) {
        if (signal.aborted || isCloudStoreError(error, 'bucket_not_found')) return;
        if (isCloudStoreError(error, 'cursor_expired')) {
          const head = await journal.head(id).catch(() => null);
          if (head === null) continue;
          this.#counts.lost++;
          log.warn(
            { bucket: follower.bucket.name, entry: entry.id },
            'the journal has no longer what a webhook was to be told; it goes on from now',
          );
          this.#reached(name, head);
          continue;
        }
        log.error({ err: error, bucket: follower.bucket.name, entry: entry.id }, 'notifications stopped; trying again');
        await this.#pause(RETRY_MS_MAX, signal);
      }
    }
  }

  async #tell(
    name: string,
    follower: Follower,
    entry: NotificationEntry,
    events: JournalEvent[],
    signal: AbortSignal,
  ): Promise<void> {
    for (const event of events) {
      for await (const said of s3EventsOf(this.#options.store, follower.bucket, event)) {
        if (!wants(entry, said.name, said.key)) continue;
        await this.#deliver(follower.bucket, entry, said, signal);
        if (signal.aborted) return;
      }
      this.#reached(name, event.cursor);
    }
  }

  async #deliver(bucket: Bucket, entry: NotificationEntry, event: S3Event, signal: AbortSignal): Promise<void> {
    const { webhooks, region, log } = this.#options;
    const body = JSON.stringify(recordOf(event, bucket, entry, region));
    const id = messageId(bucket, entry, event);
    let wait = RETRY_MS_MIN;
    for (let refusals = 0; !signal.aborted; ) {
      try {
        await webhooks.post(entry.target, { id, body }, signal);
        this.#counts.delivered++;
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#counts.failed++;
        if (isCloudStoreError(error, 'access_denied') && ++refusals >= REFUSALS_MAX) {
          this.#counts.dropped++;
          log.warn({ bucket: bucket.name, entry: entry.id, why: error.message }, 'a webhook refuses a message; it is dropped');
          return;
        }
        const why = error instanceof Error ? error.message : String(error);
        log.info({ bucket: bucket.name, entry: entry.id, why, againMs: wait }, 'a webhook did not take a message');
      }
      await this.#pause(wait, signal);
      wait = Math.min(wait * 2, RETRY_MS_MAX);
    }
  }

  #reached(name: string, cursor: Cursor): void {
    this.#state[name] = formatCursor(cursor);
    this.#moved = true;
  }

  async #save(): Promise<void> {
    if (!this.#moved) return;
    this.#moved = false;
    this.#context.progress({ done: this.#counts.delivered, total: null, unit: 'messages', counts: { ...this.#counts } });
    await this.#context.save({ ...this.#state });
  }

  async #rest(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, SAVE_MS);
    this.#wake = resolve;
    if (this.#context.signal.aborted) resolve();
    await promise;
    clearTimeout(timer);
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { pause = (time, until) => sleep(time, undefined, { signal: until }) } = this.#options;
    await pause(ms, signal).catch(() => undefined); // it was told to stop
  }
}

/**
 * The same in every attempt, and no other message's: one change may be told by several (a move by two, a folder's by two an object). What a client named an
 * entry by may be no text of a header.
 */
function messageId(bucket: Bucket, entry: NotificationEntry, { of, name, key }: S3Event): string {
  const which = createHash('sha256')
    .update(JSON.stringify([entry.id, name, key]))
    .digest('base64url');
  return `${bucket.id}-${formatCursor(of.cursor)}-${which.slice(0, 22)}`;
}
