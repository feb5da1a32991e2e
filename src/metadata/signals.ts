import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Logger } from '#contracts/observability';
import type { Signals, SignalTopic } from '#contracts/signals';
import type { Database } from './database.ts';

const NOTIFY = { name: 'notify', text: `SELECT pg_notify('cloudstore', $1)` };
const RECONNECT_MS = 250;
/** What is remembered of these decides who may what: whoever made a change is answered when this process has forgotten what was before. */
const AWAITED: ReadonlySet<SignalTopic> = new Set(['buckets', 'principals']);
/** A connection that hears nothing does not hold an answer for longer; what is remembered lives no longer either. */
const HEARD_MS_MAX = 1000;
/** A connection that is silent for so long is asked whether it is still there. */
const SILENT_MS = 15_000;
const ANSWER_MS_MAX = 5000;

const DEAF =
  'The database does not pass on what its connections tell one another, as a pooler in transaction mode does not: changes by other processes come up to five seconds late. Connect to the database itself.';

type Listener = (payload: string | null) => void;

export interface LocalSignals extends Signals {
  /** As `publish`, to this process's own subscribers alone, and at once. */
  tell(topic: SignalTopic, payload: string): void;
  close(): Promise<void>;
}

export interface SignalsOptions {
  database: Database;
  log: Logger;
  /** Default 15,000. */
  silentMs?: number;
  /** Also how often everything is assumed, where nothing is passed on. Default 5,000. */
  answerMsMax?: number;
}

/**
 * LISTEN/NOTIFY on one connection of its own, made with the first subscriber. One channel; the topic leads the payload.
 * While the connection is lost it is tried again four times a second. One that does not answer counts as lost; behind a pooler that passes
 * nothing on, everybody is told every five seconds to assume anything.
 */
export function createSignals(options: SignalsOptions): LocalSignals {
  const { database, log, silentMs = SILENT_MS, answerMsMax = ANSWER_MS_MAX } = options;
  const listeners = new Map<SignalTopic, Set<Listener>>();
  const stop = new AbortController();
  let running: Promise<void> | null = null;
  let listening = false;
  /** By the whole notification: who waits until it was heard here. */
  const awaited = new Map<string, Set<() => void>>();

  function tell(topic: string, payload: string | null): void {
    for (const [name, set] of listeners) {
      if (name !== topic) continue;
      for (const listener of set) {
        try {
          listener(payload);
        } catch (error) {
          log.error({ error: String(error), topic }, 'A subscriber of signals failed.');
        }
      }
    }
  }

  async function listen(): Promise<void> {
    for (let first = true; !stop.signal.aborted; first = false) {
      const client = database.dedicated();
      const lost = new AbortController();
      const over = AbortSignal.any([stop.signal, lost.signal]);
      const ended = new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
      client.on('end', () => lost.abort());
      client.on('error', () => lost.abort());
      let heard = 0;
      try {
        client.on('notification', ({ payload = '' }) => {
          heard++;
          const space = payload.indexOf(' ');
          tell(payload.slice(0, space), payload.slice(space + 1));
          for (const heard of awaited.get(payload) ?? []) heard();
        });
        await client.connect();
        await client.query('LISTEN cloudstore');
        // Also at first: what happened between the subscription and the LISTEN was not heard.
        assumeAnything();
        listening = true;
        void watch(client, () => heard, over).then(() => lost.abort());
        await ended;
      } catch (error) {
        if (first) log.warn({ error: String(error) }, 'Cannot listen to the database yet.');
      }
      listening = false;
      // One that does not answer does not say goodbye either, and would be held for as long as the network keeps it.
      await Promise.race([client.end().catch(() => undefined), sleep(answerMsMax, undefined, { ref: false })]);
      socketOf(client).destroy();
      await sleep(RECONNECT_MS, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
    }
  }

  function assumeAnything(): void {
    for (const topic of listeners.keys()) tell(topic, null);
  }

  /** Resolves when the connection does not answer, or `over` fires. */
  async function watch(client: Client, heard: () => number, over: AbortSignal): Promise<void> {
    const pause = (ms: number): Promise<unknown> => sleep(ms, undefined, { signal: over, ref: false }).catch(() => undefined);
    const answers = async (): Promise<boolean> => {
      const asked = client.query('SELECT 1').then(
        () => true,
        () => false,
      );
      return (await Promise.race([asked, pause(answerMsMax)])) === true;
    };
    const greet = (): Promise<boolean> =>
      database.query(NOTIFY, ['hello']).then(
        () => true,
        () => false,
      );
    let greeted = false;
    let deaf = false;
    while (!over.aborted) {
      const before = heard();
      greeted ||= await greet();
      await pause(before === 0 || deaf ? answerMsMax : silentMs);
      if (over.aborted) return;
      if (heard() > before) {
        deaf = false;
        continue;
      }
      if (!(await answers())) return;
      if (!deaf && greeted && heard() === 0) {
        deaf = true;
        log.warn({}, DEAF);
      }
      if (deaf) assumeAnything();
    }
  }

  function hear(text: string): { done: Promise<void>; end(): void } {
    const waiting = awaited.get(text) ?? new Set();
    awaited.set(text, waiting);
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, HEARD_MS_MAX);
    waiting.add(resolve);
    return {
      done,
      end() {
        clearTimeout(timer);
        waiting.delete(resolve);
        if (waiting.size === 0 && awaited.get(text) === waiting) awaited.delete(text);
      },
    };
  }

  return {
    tell,
    async publish(topic, payload) {
      const text = `${topic} ${payload}`;
      const heard = listening && AWAITED.has(topic) ? hear(text) : null;
      try {
        await database.query(NOTIFY, [text]);
        await heard?.done;
      } finally {
        heard?.end();
      }
    },
    subscribe(topic, listener) {
      const set = listeners.get(topic) ?? new Set();
      listeners.set(topic, set);
      // A wrapper of its own, so that one function may subscribe twice.
      const own: Listener = (payload) => listener(payload);
      set.add(own);
      running ??= listen();
      return () => set.delete(own);
    },
    async close() {
      stop.abort();
      await running;
    },
  };
}

/** pg has no word for hanging up at once. */
function socketOf(client: Client): Pick<Socket, 'destroy'> {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}
