import type { Random } from './clock.ts';

const POOL_BYTES = 4096;

/**
 * Gives a few bytes at a time out of many that were asked for at once: a call to the system for 16 bytes costs as much as the
 * statement that they go into takes to be bound. No byte is given twice. What is given is to be used at once: it shares memory with what comes next.
 */
export function pooledRandom(random: Random): Random {
  let pool: Buffer = Buffer.alloc(0);
  let at = 0;
  return (size) => {
    if (size > POOL_BYTES / 8) return random(size);
    if (at + size > pool.length) {
      pool = random(POOL_BYTES);
      at = 0;
    }
    return pool.subarray(at, (at += size));
  };
}
