/** Entries by family, each in the order of its use. The first word of a key, up to its colon, is its family: what it is for. */
export interface Families<E> {
  get(key: string): E | undefined;
  /** As the most recently used of its family. */
  set(key: string, entry: E): void;
  delete(key: string): E | undefined;
  /** The oldest of the family that takes the most, so that a flood of one kind pushes out nothing of another. */
  largest(): Map<string, E>;
  all(): Iterable<Map<string, E>>;
  readonly count: number;
  clear(): void;
}

/** @param weigh what an entry takes, beside being one */
export function createFamilies<E>(weigh: (entry: E) => number = () => 1): Families<E> {
  const families = new Map<string, { entries: Map<string, E>; weight: number }>();
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

  return {
    get: (key) => families.get(familyOf(key))?.entries.get(key),
    set(key, entry) {
      remove(key);
      const name = familyOf(key);
      const family = families.get(name) ?? { entries: new Map<string, E>(), weight: 0 };
      families.set(name, family);
      family.entries.set(key, entry);
      family.weight += weigh(entry);
      count++;
    },
    delete: remove,
    largest() {
      let largest: { entries: Map<string, E>; weight: number } = { entries: new Map(), weight: 0 };
      for (const family of families.values()) if (family.weight > largest.weight) largest = family;
      return largest.entries;
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
