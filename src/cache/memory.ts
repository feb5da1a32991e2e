import type { Cache } from '#contracts/cache';
import type { Clock } from '#core/clock';

export interface MemoryCacheOptions {
  clock: Clock;
  /** Of values; the least recently used go first. Default 32 MiB. */
  bytesMax?: number;
  /** Of values, and apart from them of counters. Default 50,000. */
  entriesMax?: number;
}

/** The cache of one process. */
export function createMemoryCache({ clock, bytesMax = 32 * 1024 * 1024, entriesMax = 50_000 }: MemoryCacheOptions): Cache {
  const values = new Map<string, { value: Buffer; expires: number }>();
  const counters = new Map<string, { count: number; ends: number }>();
  let bytes = 0;

  function remove(key: string): void {
    const entry = values.get(key);
    if (entry === undefined) return;
    values.delete(key);
    bytes -= entry.value.length;
  }

  return {
    async get(key) {
      const entry = values.get(key);
      if (entry === undefined) return null;
      if (entry.expires <= clock.now()) {
        remove(key);
        return null;
      }
      values.delete(key);
      values.set(key, entry);
      return entry.value;
    },
    async set(key, value, ttlMs) {
      remove(key);
      if (value.length > bytesMax) return;
      values.set(key, { value: Buffer.from(value), expires: clock.now() + ttlMs });
      bytes += value.length;
      for (const oldest of values.keys()) {
        if (bytes <= bytesMax && values.size <= entriesMax) break;
        remove(oldest);
      }
    },
    async remove(key) {
      remove(key);
      counters.delete(key);
    },
    async increment(key, windowMs) {
      const now = clock.now();
      const running = counters.get(key);
      if (running !== undefined && running.ends > now) return ++running.count;
      counters.delete(key);
      counters.set(key, { count: 1, ends: now + windowMs });
      if (counters.size > entriesMax) discard(counters, now);
      return 1;
    },
    async close() {
      values.clear();
      counters.clear();
      bytes = 0;
    },
  };
}

/** Makes room for counters: those whose window is over, and if there are none, the oldest tenth, so that a flood of keys pays for itself. */
function discard(counters: Map<string, { ends: number }>, now: number): void {
  const before = counters.size;
  for (const [key, { ends }] of counters) if (ends <= now) counters.delete(key);
  let excess = counters.size === before ? Math.ceil(before / 10) : 0;
  for (const key of counters.keys()) {
    if (excess-- <= 0) break;
    counters.delete(key);
  }
}
