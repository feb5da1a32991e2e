/**
 * A shared cache of what cannot change or may be a moment old: Redis, or memory. Losing it makes things slower, never
 * wrong: every method resolves (with a miss) when the cache is out of reach, and within 50 ms.
 */
export interface Cache {
  get(key: string): Promise<Buffer | null>;
  set(key: string, value: Uint8Array, ttlMs: number): Promise<void>;
  remove(key: string): Promise<void>;
  /** Adds one and gives the new count, starting a window of `windowMs` at the first; counts locally while the shared cache is away. */
  increment(key: string, windowMs: number): Promise<number>;
  close(): Promise<void>;
}
