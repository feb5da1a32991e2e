import type { Hasher } from './hashes.ts';

/** BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs) in JavaScript, hash and keyed hash of 32 bytes. For machines without the native module. */
const IV = Uint32Array.of(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19);
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
const SCHEDULE = schedule();
const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;
const KEYED = 16;
const BLOCK_BYTES = 64;
const CHUNK_BYTES = 1024;

export function plainBlake3(key: Buffer | null): Hasher {
  const base = key === null ? 0 : KEYED;
  const start = key === null ? IV : wordsOf(key, new Uint32Array(8));
  const block = new Uint8Array(BLOCK_BYTES);
  const words = new Uint32Array(16);
  const state = new Uint32Array(16);
  /** Chaining values of complete subtrees, the largest first. */
  const stack: Uint32Array[] = [];
  let chaining = start;
  let chunk = 0;
  let blocks = 0;
  let filled = 0;

  function compressBlock(extra: number): Uint32Array {
    const flags = base | (blocks === 0 ? CHUNK_START : 0) | extra;
    block.fill(0, filled);
    compress(state, chaining, wordsOf(block, words), chunk, filled, flags);
    return state.slice(0, 8);
  }

  function parent(left: Uint32Array, right: Uint32Array, extra: number): Uint32Array {
    words.set(left, 0);
    words.set(right, 8);
    compress(state, start, words, 0, BLOCK_BYTES, base | PARENT | extra);
    return state.slice(0, 8);
  }

  function endChunk(): void {
    let value = compressBlock(CHUNK_END);
    chunk++;
    // As many subtrees end here as the number of chunks so far has trailing zeros.
    for (let total = chunk; (total & 1) === 0; total >>>= 1) value = parent(stack.pop()!, value, 0);
    stack.push(value);
    chaining = start;
    blocks = 0;
    filled = 0;
  }

  return {
    update(bytes) {
      for (let at = 0; at < bytes.length; ) {
        // The last block stays until more comes: it may be the root.
        if (filled === BLOCK_BYTES) {
          if ((blocks + 1) * BLOCK_BYTES === CHUNK_BYTES) endChunk();
          else {
            chaining = compressBlock(0);
            blocks++;
            filled = 0;
          }
        }
        const some = Math.min(BLOCK_BYTES - filled, bytes.length - at);
        block.set(bytes.subarray(at, at + some), filled);
        filled += some;
        at += some;
      }
    },
    digest() {
      let value = compressBlock(CHUNK_END | (stack.length === 0 ? ROOT : 0));
      for (let index = stack.length - 1; index >= 0; index--) value = parent(stack[index]!, value, index === 0 ? ROOT : 0);
      const out = Buffer.alloc(32);
      for (let index = 0; index < 8; index++) out.writeUInt32LE(value[index]!, index * 4);
      return out;
    },
  };
}

/** Leaves the new chaining value in the first eight words of `v`. */
function compress(v: Uint32Array, cv: Uint32Array, m: Uint32Array, counter: number, length: number, flags: number): void {
  v.set(cv, 0);
  v.set(IV.subarray(0, 4), 8);
  v[12] = counter;
  v[13] = Math.floor(counter / 0x1_0000_0000);
  v[14] = length;
  v[15] = flags;
  for (let round = 0; round < 7; round++) {
    const s = SCHEDULE[round]!;
    mix(v, 0, 4, 8, 12, m[s[0]!]!, m[s[1]!]!);
    mix(v, 1, 5, 9, 13, m[s[2]!]!, m[s[3]!]!);
    mix(v, 2, 6, 10, 14, m[s[4]!]!, m[s[5]!]!);
    mix(v, 3, 7, 11, 15, m[s[6]!]!, m[s[7]!]!);
    mix(v, 0, 5, 10, 15, m[s[8]!]!, m[s[9]!]!);
    mix(v, 1, 6, 11, 12, m[s[10]!]!, m[s[11]!]!);
    mix(v, 2, 7, 8, 13, m[s[12]!]!, m[s[13]!]!);
    mix(v, 3, 4, 9, 14, m[s[14]!]!, m[s[15]!]!);
  }
  for (let index = 0; index < 8; index++) v[index] = v[index]! ^ v[index + 8]!;
}

function mix(v: Uint32Array, a: number, b: number, c: number, d: number, x: number, y: number): void {
  let [va, vb, vc, vd] = [v[a]! | 0, v[b]! | 0, v[c]! | 0, v[d]! | 0];
  va = (va + vb + x) | 0;
  vd ^= va;
  vd = (vd >>> 16) | (vd << 16);
  vc = (vc + vd) | 0;
  vb ^= vc;
  vb = (vb >>> 12) | (vb << 20);
  va = (va + vb + y) | 0;
  vd ^= va;
  vd = (vd >>> 8) | (vd << 24);
  vc = (vc + vd) | 0;
  vb ^= vc;
  vb = (vb >>> 7) | (vb << 25);
  v[a] = va;
  v[b] = vb;
  v[c] = vc;
  v[d] = vd;
}

function schedule(): number[][] {
  const rounds = [PERMUTATION.map((_, index) => index)];
  while (rounds.length < 7) rounds.push(PERMUTATION.map((from) => rounds.at(-1)![from]!));
  return rounds;
}

/** Little-endian words. */
function wordsOf(bytes: Uint8Array, out: Uint32Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let index = 0; index < out.length; index++) out[index] = view.getUint32(index * 4, true);
  return out;
}
