import { Oldest } from '#core/oldest';

/** Entries by family, each in the order of its use. The first word of a key, up to its colon, is its family: what it is for. */
export interface Families<E> {
  get(key: string): E | undefined;
  /** As the most recently used of its family. */
  set(key: string, entry: E): void;
  delete(key: string): E | undefined;
  largest(): Map<string, E>;
  /** While `full`, the oldest of the family that takes the most go, so that a flood of one kind pushes out nothing of another. @param remove takes it out */
  trim(full: () => boolean, remove: (key: string) => void): void;
  all(): Iterable<Map<string, E>>;
  readonly count: number;
  clear(): void;
}

interface Family<E> {
  entries: Map<string, E>;
  oldest: Oldest<string>;
  weight: number;
}

/** @param weigh what an entry takes, beside being one */
export function createFamilies<E>(weigh: (entry: E) => number = () => 1): Families<E> {
  const families = new Map<string, Family<E>>();
  let count = 0;

  function remove(key: string): E | undefined {
    const name = familyOf(key);
    const family = families.get(name);
    const entry = family?.entries.get(key);
    if (family === undefined || entry === undefined) return undefined;
    family.entries.delete(key);
    family.weight -= weigh(entry);
    count--;
    if (family.entries.size === 0) families.delete(name);
    return entry;
  }

  function familyNamed(name: string): Family<E> {
    const known = families.get(name);
    if (known !== undefined) return known;
    const entries = new Map<string, E>();
    const made = { entries, oldest: new Oldest(entries), weight: 0 };
    families.set(name, made);
    return made;
  }

  function largest(): Family<E> | null {
    let found: Family<E> | null = null;
    for (const family of families.values()) if (family.weight > (found?.weight ?? 0)) found = family;
    return found;
  }

  return {
    get: (key) => families.get(familyOf(key))?.entries.get(key),
    set(key, entry) {
      remove(key);
      const family = familyNamed(familyOf(key));
      family.entries.set(key, entry);
      family.oldest.changed();
      family.weight += weigh(entry);
      count++;
    },
    delete: remove,
    largest: () => largest()?.entries ?? new Map(),
    trim(full, drop) {
      while (full()) {
        const family = largest();
        if (family === null) return;
        let dropped = false;
        family.oldest.trim(
          () => !dropped,
          (key) => {
            dropped = true;
            drop(key);
          },
        );
      }
    },
    *all() {
      for (const { entries } of families.values()) yield entries;
    },
    get count() {
      return count;
    },
    clear() {
      families.clear();
      count = 0;
    },
  };
}

function familyOf(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf(':')));
}
