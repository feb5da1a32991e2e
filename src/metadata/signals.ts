import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#contracts/observability';
import type { Signals, SignalTopic } from '#contracts/signals';
import type { Database } from './database.ts';

const NOTIFY = { name: 'notify', text: `SELECT pg_notify('cloudstore', $1)` };
const RECONNECT_MS = 250;
/** What is remembered of these decides who may what: whoever made a change is answered when this process has forgotten what was before. */
const AWAITED: ReadonlySet<SignalTopic> = new Set(['buckets', 'principals']);
/** A connection that hears nothing does not hold an answer for longer; what is remembered lives no longer either. */
const HEARD_MS_MAX = 1000;

type Listener = (payload: string | null) => void;

/**
 * LISTEN/NOTIFY on one connection of its own, made with the first subscriber. One channel; the topic leads the payload.
 * While the connection is lost it is tried again four times a second.
 */
export function createSignals({ database, log }: { database: Database; log: Logger }): Signals & { close(): Promise<void> } {
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
      const ended = new Promise<void>((resolve) => {
        client.on('end', () => resolve());
        client.on('error', () => resolve());
        stop.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      try {
        client.on('notification', ({ payload = '' }) => {
          const space = payload.indexOf(' ');
          tell(payload.slice(0, space), payload.slice(space + 1));
          for (const heard of awaited.get(payload) ?? []) heard();
        });
        await client.connect();
        await client.query('LISTEN cloudstore');
        // Also at first: what happened between the subscription and the LISTEN was not heard.
        for (const topic of listeners.keys()) tell(topic, null);
        listening = true;
        await ended;
      } catch (error) {
        if (first) log.warn({ error: String(error) }, 'Cannot listen to the database yet.');
      }
      listening = false;
      await client.end().catch(() => undefined);
      await sleep(RECONNECT_MS, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
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
