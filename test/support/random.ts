import { createCipheriv, hash } from 'node:crypto';
import type { Random } from '#core/clock';

/** Of a test run: CLOUDSTORE_TEST_SEED gives it back. */
export const SEED = Number(process.env.CLOUDSTORE_TEST_SEED ?? 0) || Math.floor(Math.random() * 2 ** 31);

/** The same bytes for the same seed, on every machine: AES-256-CTR over zeros. */
export function seededRandom(seed: number | string): Random {
  const text = Buffer.from(String(seed));
  // A longer one is hashed: cut off, seeds that differ at their end would be one.
  const key = text.length > 32 ? hash('sha256', text, 'buffer') : Buffer.concat([text], 32);
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  return (size) => stream.update(Buffer.alloc(size));
}

/** Numbers and choices from seeded bytes. */
export interface Dice {
  /** 0 … below - 1. */
  below(limit: number): number;
  pick<T>(choices: readonly T[]): T;
  chance(of: number): boolean;
}

export function diceOf(seed: number | string): Dice {
  const random = seededRandom(seed);
  const below = (limit: number): number => random(4).readUInt32BE() % limit;
  return { below, pick: (choices) => choices[below(choices.length)]!, chance: (of) => below(1_000_000) < of * 1_000_000 };
}

/** As `diceOf`, for millions of throws: mulberry32, by Tommy Ettinger (public domain). */
export function quickDice(seed: number): Dice {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  return { below, pick: (choices) => choices[below(choices.length)]!, chance: (of) => below(1_000_000) < of * 1_000_000 };
}
