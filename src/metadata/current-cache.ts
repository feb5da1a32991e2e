import type { Address, BucketId } from '#core/address';

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
  reading(): Reading<Info>;
}

export interface Reading<Info> {
  store(at: Address, info: Info | null): void;
  end(): void;
}

export function createCurrentCache<Info>(entriesMax: number): CurrentCache<Info> {
  const entries = new Map<string, Info | null>();
  const readings = new Set<{ stale: Set<string>; all: boolean }>();

  function put(key: string, info: Info | null): void {
    entries.delete(key);
    entries.set(key, info);
    if (entries.size <= entriesMax) return;
    const oldest = entries.keys().next();
    if (!oldest.done) entries.delete(oldest.value);
  }
  return {
    get: (at) => entries.get(cacheKey(at)),
    changed(at, info) {
      const key = cacheKey(at);
      for (const reading of readings) reading.stale.add(key);
      if (info === undefined) entries.delete(key);
      else put(key, info);
    },
    forget(bucket) {
      for (const reading of readings) reading.all = true;
      if (bucket === null) entries.clear();
      else for (const key of entries.keys()) if (key.startsWith(`${bucket}\0`)) entries.delete(key);
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
