import type { Random } from '#core/clock';

/**
 * A Bloom filter of ids in a fixed memory: what was added is always found; what was not is found by chance rarely, and by another chance in
 * the next cycle. Ids are keyed hashes, so their own bits are the hash functions.
 */
export interface Marks {
  /** The id lies at `at`, 32 bytes. */
  add(bytes: Buffer, at: number): void;
  has(bytes: Buffer, at: number): boolean;
}

const PROBES = 7;
const BITS_PER_ID = 16;
const BYTES_MIN = 1 << 17;
const BYTES_MAX = 1 << 25;

export function createMarks(count: number, random: Random): Marks {
  const wanted = Math.ceil((count * BITS_PER_ID) / 8);
  const bytes = new Uint8Array(Math.min(BYTES_MAX, Math.max(BYTES_MIN, wanted)));
  const bits = bytes.length * 8;
  const salts = new Uint32Array(PROBES);
  const seeds = random(4 * PROBES);
  for (let n = 0; n < PROBES; n++) salts[n] = seeds.readUInt32LE(4 * n);

  function probe(of: Buffer, at: number, n: number): number {
    let mixed = (of.readUInt32LE(at + 4 * n) ^ salts[n]!) >>> 0;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) % bits;
  }

  return {
    add(of, at) {
      for (let n = 0; n < PROBES; n++) {
        const bit = probe(of, at, n);
        bytes[bit >>> 3]! |= 1 << (bit & 7);
      }
    },
    has(of, at) {
      for (let n = 0; n < PROBES; n++) {
        const bit = probe(of, at, n);
        if ((bytes[bit >>> 3]! & (1 << (bit & 7))) === 0) return false;
      }
      return true;
    },
  };
}
