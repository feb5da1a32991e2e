import { createRequire } from 'node:module';
import { plainBlake3 } from './plain-blake3.ts';

/** One BLAKE3 computation. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** 32 bytes. */
  digest(): Buffer;
}

/** BLAKE3, the engine's hash: keyed for chunk ids, plain for whole contents. */
export interface Hashes {
  readonly native: boolean;
  keyed(key: Buffer): Hasher;
  plain(): Hasher;
  /** Of a whole small content at once: a tenth of what a Hasher costs. 32 bytes. */
  plainOf(bytes: Uint8Array): Buffer;
}

/** What is written into records and key blobs as the algorithm of chunk ids. */
export const ID_KEYED_BLAKE3 = 1;

/** The native module where its prebuild loads; else the same function in JavaScript, so that ids never depend on the machine. */
export function createHashes(kind: 'native' | 'plain' = 'native'): Hashes {
  const native = kind === 'native' ? loadNative() : null;
  if (native === null) return { native: false, keyed: plainBlake3, plain: () => plainBlake3(null), plainOf: plainAtOnce };
  const { Blake3Hasher, blake3 } = native;
  const wrap = (hasher: InstanceType<typeof Blake3Hasher>): Hasher => ({
    update(bytes) {
      hasher.update(bytes);
    },
    digest: () => hasher.digestBuffer(),
  });
  return {
    native: true,
    keyed: (key) => wrap(Blake3Hasher.newKeyed(key)),
    plain: () => wrap(new Blake3Hasher()),
    plainOf: (bytes) => blake3(bytes),
  };
}

function plainAtOnce(bytes: Uint8Array): Buffer {
  const hasher = plainBlake3(null);
  hasher.update(bytes);
  return hasher.digest();
}

function loadNative(): typeof import('@napi-rs/blake-hash') | null {
  try {
    return createRequire(import.meta.url)('@napi-rs/blake-hash');
  } catch {
    return null; // no prebuild for this platform
  }
}
