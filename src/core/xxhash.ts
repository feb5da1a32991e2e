import type { DigestName } from './digest.ts';

export type XxHashName = Extract<DigestName, `xxhash${string}`>;

/** One state of an XXH, seed 0. `save` and `load` let one instance serve several bodies in turn. */
export interface XxHash {
  init(): void;
  update(bytes: Uint8Array): void;
  /** In canonical, big-endian order. Ends the state: `init` or `load` begins another. */
  digest(): Buffer;
  save(): Uint8Array;
  load(state: Uint8Array): void;
}

export function isXxHash(name: DigestName): name is XxHashName {
  return name.startsWith('xxhash');
}

/**
 * A hasher at its beginning (https://xxhash.com). The library is loaded at the first use, as hardly any client asks for these.
 */
export async function openXxHash(name: XxHashName): Promise<XxHash> {
  const { createXXHash3, createXXHash64, createXXHash128 } = await import('hash-wasm');
  const make = { xxhash64: createXXHash64, xxhash3: createXXHash3, xxhash128: createXXHash128 }[name];
  const hasher = await make();
  return {
    init: () => void hasher.init(),
    update: (bytes) => void hasher.update(bytes),
    digest() {
      const { buffer, byteOffset, byteLength } = hasher.digest('binary');
      return Buffer.from(buffer, byteOffset, byteLength);
    },
    save: () => hasher.save(),
    load: (state) => void hasher.load(state),
  };
}
