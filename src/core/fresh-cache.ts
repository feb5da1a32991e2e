import type { Clock } from './clock.ts';
import { Oldest } from './oldest.ts';

/**
 * What was true a moment ago. A value is given for at most `ttlMs` after it was asked for; one in steady use is asked for anew
 * in the background before that, so a hot path never waits. Signals drop entries at once; the short life is for lost signals.
 * Absence (null) is never kept: what was just made elsewhere is seen at once.
 */
export interface FreshCache<K, V> {
  /** Without waiting; undefined: ask `get`. */
  peek(key: K): V | undefined;
  /** @throws what `load` throws */
  get(key: K): Promise<V | null>;
  /** Also outdates what is being loaded. */
  drop(key: K): void;
  dropWhere(test: (value: V) => boolean): void;
  clear(): void;
}

export interface FreshCacheOptions<K, V> {
  load(key: K): Promise<V | null>;
  clock: Clock;
  /** Default 1,000. */
  ttlMs?: number;
  /** Default 10,000; the least recently loaded go first. */
  entriesMax?: number;
}

export function createFreshCache<K, V>(options: FreshCacheOptions<K, V>): FreshCache<K, V> {
  const { load, clock, ttlMs = 1000, entriesMax = 10_000 } = options;
  const entries = new Map<K, { value: V; asked: number }>();
  const oldest = new Oldest(entries);
  const loading = new Map<K, Promise<V | null>>();

  function ask(key: K): Promise<V | null> {
    const under = loading.get(key);
    if (under !== undefined) return under;
    const asked = clock.now();
    const promise: Promise<V | null> = load(key).then(
      (value) => {
        // A drop meanwhile has taken the promise out: what was read may be older than the change.
        if (loading.get(key) !== promise) return value;
        loading.delete(key);
        keep(key, value, asked);
        return value;
      },
      (error: unknown) => {
        if (loading.get(key) === promise) loading.delete(key);
        throw error;
      },
    );
    loading.set(key, promise);
    return promise;
  }

  function keep(key: K, value: V | null, asked: number): void {
    entries.delete(key);
    if (value === null) return;
    entries.set(key, { value, asked });
    oldest.trim(
      () => entries.size > entriesMax,
      (one) => entries.delete(one),
    );
  }

  function peek(key: K): V | undefined {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    // A clock that was set back must not keep anything alive.
    const age = Math.abs(clock.now() - entry.asked);
    if (age >= ttlMs) return undefined;
    // Whoever comes after the end of its life meets the failure; this one is only early.
    if (age >= ttlMs / 2) ask(key).catch(() => undefined);
    return entry.value;
  }

  return {
    peek,
    get(key) {
      const known = peek(key);
      return known === undefined ? ask(key) : Promise.resolve(known);
    },
    drop(key) {
      entries.delete(key);
      loading.delete(key);
    },
    dropWhere(test) {
      for (const [key, { value }] of entries) if (test(value)) entries.delete(key);
      loading.clear();
    },
    clear() {
      entries.clear();
      loading.clear();
    },
  };
}
