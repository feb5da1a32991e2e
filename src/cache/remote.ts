import type { Cache } from '#contracts/cache';
import type { Clock } from '#core/clock';
import { createMemoryCache } from './memory.ts';

/** One call of a cache that lies in another process. */
export type CacheCall =
  | { op: 'get' | 'remove'; key: string }
  | { op: 'set'; key: string; value: Uint8Array; ttlMs: number }
  | { op: 'increment'; key: string; windowMs: number };

export interface RemoteCacheOptions {
  /** Rejects when there is no answer within `ms`. */
  ask(call: CacheCall, ms: number): Promise<unknown>;
  clock: Clock;
}

/** The contract's promise to callers. */
const CALL_MS_MAX = 50;

/**
 * The cache of another process of this gateway, so that what is counted is counted over all of them. While it does not answer, values and
 * counts are this process's own.
 */
export function createRemoteCache({ ask, clock }: RemoteCacheOptions): Cache {
  const memory = createMemoryCache({ clock });

  async function attempt<T>(call: CacheCall, otherwise: () => Promise<T>): Promise<T> {
    try {
      return (await ask(call, CALL_MS_MAX)) as T; // `answerCacheCall` gives what the method of this name gives
    } catch {
      return otherwise(); // as with Redis: a cache that is away makes things slower, or counts apart, and never fails
    }
  }

  return {
    async get(key) {
      const value = await attempt<Uint8Array | null>({ op: 'get', key }, () => memory.get(key));
      return value === null ? null : Buffer.from(value);
    },
    set: (key, value, ttlMs) => attempt({ op: 'set', key, value, ttlMs }, () => memory.set(key, value, ttlMs)),
    async remove(key) {
      await memory.remove(key);
      await attempt({ op: 'remove', key }, async () => undefined);
    },
    increment: (key, windowMs) => attempt({ op: 'increment', key, windowMs }, () => memory.increment(key, windowMs)),
    close: () => memory.close(),
  };
}

/** The other end: carries out a call on this process's cache. */
export async function answerCacheCall(cache: Cache, call: CacheCall): Promise<unknown> {
  switch (call.op) {
    case 'get':
      return cache.get(call.key);
    case 'set':
      return cache.set(call.key, call.value, call.ttlMs);
    case 'remove':
      return cache.remove(call.key);
    case 'increment':
      return cache.increment(call.key, call.windowMs);
  }
}
