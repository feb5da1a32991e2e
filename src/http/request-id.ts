import type { Random } from '#core/clock';

const ID_BYTES = 8;
const POOL_IDS = 512;

/** Gives request ids of 16 upper-case hex digits; randomness is drawn for many at a time, because a draw costs more than an id is worth. */
export function createRequestIds(random: Random): () => string {
  let pool = '';
  let at = 0;
  return () => {
    if (at >= pool.length) {
      pool = random(ID_BYTES * POOL_IDS)
        .toString('hex')
        .toUpperCase();
      at = 0;
    }
    at += ID_BYTES * 2;
    return pool.slice(at - ID_BYTES * 2, at);
  };
}
