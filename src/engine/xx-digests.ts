import type { DigestName } from '#core/digest';
import { isXxHash, openXxHash, type XxHash, type XxHashName } from '#core/xxhash';

/** The XXH family, one instance of each for all bodies: what is under way keeps its state outside of it. */
export interface XxDigests {
  /** To be waited for before any of `names` is begun; null: nothing is to be waited for. */
  ready(names: readonly DigestName[]): Promise<void> | null;
  ofBuffer(name: XxHashName, body: Uint8Array): Buffer;
  begin(name: XxHashName): { update(bytes: Uint8Array): void; digest(): Buffer };
}

export function createXxDigests(): XxDigests {
  const opened = new Map<XxHashName, XxHash>();

  function open(name: XxHashName): XxHash {
    const hasher = opened.get(name);
    if (hasher === undefined) throw new Error(`${name} is begun before it is ready.`);
    return hasher;
  }

  async function load(names: XxHashName[]): Promise<void> {
    for (const name of names) opened.set(name, await openXxHash(name));
  }

  return {
    ready(names) {
      const missing = names.filter(isXxHash).filter((name) => !opened.has(name));
      return missing.length === 0 ? null : load(missing);
    },
    ofBuffer(name, body) {
      const hasher = open(name);
      hasher.init();
      hasher.update(body);
      return hasher.digest();
    },
    begin(name) {
      const hasher = open(name);
      hasher.init();
      let state = hasher.save();
      return {
        update(bytes) {
          hasher.load(state);
          hasher.update(bytes);
          state = hasher.save();
        },
        digest() {
          hasher.load(state);
          return hasher.digest();
        },
      };
    },
  };
}
