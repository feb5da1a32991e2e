import type { Address, BucketId } from '#core/address';
import { Oldest } from '#core/oldest';

/**
 * `key -> current version`, or `path -> folder`, in memory, only where this process is the only one that commits. A reading that was under way
 * while its key changed is not kept.
 */
export interface CurrentCache<Info> {
  /** undefined: unknown. */
  get(at: Address): Info | null | undefined;
  /** The commit's word: replaces what is cached and outdates readings under way. undefined: unknown from now on. */
  changed(at: Address, info: Info | null | undefined): void;
  /** null: all of every bucket. */
  forget(bucket: BucketId | null): void;
  /** @param rows what is going to be read */
  reading(rows: readonly Address[]): Reading<Info>;
}

export interface CurrentCacheBounds {
  entriesMax: number;
  /** As `weightOf` counts: who writes decides how much metadata and how many parts an object has. */
  bytesMax: number;
}

export interface Reading<Info> {
  store(at: Address, info: Info | null): void;
  end(): void;
}

export function createCurrentCache<Info>({ entriesMax, bytesMax }: CurrentCacheBounds): CurrentCache<Info> {
  const entries = new Map<string, { info: Info | null; bytes: number }>();
  const oldest = new Oldest(entries);
  const readings = new Set<{ stale: Set<string>; all: boolean }>();
  let bytes = 0;

  const full = (): boolean => entries.size > entriesMax || bytes > bytesMax;
  function drop(key: string): void {
    bytes -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  }
  function put(key: string, info: Info | null): void {
    drop(key);
    const weight = key.length + weightOf(info);
    entries.set(key, { info, bytes: weight });
    bytes += weight;
    oldest.trim(full, drop);
  }
  return {
    get: (at) => entries.get(cacheKey(at))?.info,
    changed(at, info) {
      const key = cacheKey(at);
      for (const reading of readings) reading.stale.add(key);
      if (info === undefined) drop(key);
      else put(key, info);
    },
    forget(bucket) {
      for (const reading of readings) reading.all = true;
      for (const key of entries.keys()) if (bucket === null || key.startsWith(`${bucket}\0`)) drop(key);
    },
    reading() {
      const own = { stale: new Set<string>(), all: false };
      readings.add(own);
      return {
        store(at, info) {
          const key = cacheKey(at);
          if (!own.all && !own.stale.has(key)) put(key, info);
        },
        end: () => readings.delete(own),
      };
    },
  };
}

/** No key holds a NUL. */
export function cacheKey(at: Address): string {
  return `${at.bucket}\0${at.key}`;
}

/** About what a value takes of the heap, in bytes. */
export function weightOf(value: unknown): number {
  if (typeof value === 'string') return 16 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (value instanceof Uint8Array) return 100 + value.length;
  return Object.values(value).reduce<number>((sum, one) => sum + weightOf(one), 50);
}
