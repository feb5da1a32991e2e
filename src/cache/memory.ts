import type { Cache } from '#contracts/cache';
import type { Clock } from '#core/clock';
import { createFamilies } from './families.ts';

export interface MemoryCacheOptions {
  clock: Clock;
  /** Of values; the least recently used of the family that takes the most go first. Default 32 MiB. */
  bytesMax?: number;
  /** Of values, and apart from them of counters. Default 50,000. */
  entriesMax?: number;
}

interface Value {
  value: Buffer;
  expires: number;
}

interface Counter {
  count: number;
  ends: number;
}

/** What a value takes beside its bytes. */
const ENTRY_BYTES = 200;

/** The cache of one process. What anybody may have written, without being asked who it is, pushes out its own kind only: never what the limiter of guesses counts. */
export function createMemoryCache({ clock, bytesMax = 32 * 1024 * 1024, entriesMax = 50_000 }: MemoryCacheOptions): Cache {
  const values = createFamilies<Value>(({ value }) => value.length + ENTRY_BYTES);
  const counters = createFamilies<Counter>();
  let bytes = 0;

  function remove(key: string): void {
    bytes -= values.delete(key)?.value.length ?? 0;
  }

  /** Counters whose window is over; if there are none, the oldest tenth of the largest family. */
  function discard(now: number): void {
    const before = counters.count;
    for (const family of counters.all()) for (const [key, { ends }] of family) if (ends <= now) counters.delete(key);
    if (counters.count < before) return;
    const largest = counters.largest();
    let excess = Math.ceil(largest.size / 10);
    for (const key of largest.keys()) {
      if (excess-- <= 0) break;
      counters.delete(key);
    }
  }

  return {
    async get(key) {
      const entry = values.get(key);
      if (entry === undefined) return null;
      if (entry.expires <= clock.now()) {
        remove(key);
        return null;
      }
      values.set(key, entry);
      return entry.value;
    },
    async set(key, value, ttlMs) {
      remove(key);
      if (value.length > bytesMax) return;
      values.set(key, { value: Buffer.from(value), expires: clock.now() + ttlMs });
      bytes += value.length;
      values.trim(() => bytes > bytesMax || values.count > entriesMax, remove);
    },
    async remove(key) {
      remove(key);
      counters.delete(key);
    },
    async increment(key, windowMs) {
      const now = clock.now();
      const running = counters.get(key);
      if (running !== undefined && running.ends > now) return ++running.count;
      counters.set(key, { count: 1, ends: now + windowMs });
      if (counters.count > entriesMax) discard(now);
      return 1;
    },
    async close() {
      values.clear();
      counters.clear();
      bytes = 0;
    },
  };
}
