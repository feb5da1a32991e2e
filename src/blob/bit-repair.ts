import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32c } from '@node-rs/crc32';

/** CRC-32C's polynomial, reversed (RFC 3385). */
const POLYNOMIAL = 0x82f63b78;
/** Some 4 ms of work; then everything else gets its turn. */
const BITS_AT_ONCE = 1 << 20;

/**
 * Turns back the one bit by which a record differs from the CRC32C that was made of it. The difference of the two CRCs depends on the bit's distance from the
 * end alone, and up to 2^31 bits no two distances have the same one, so it is found by counting how often that of the last bit must be multiplied by x. Two
 * flipped bits may look like a third: whoever asks authenticates what it gets.
 * @returns a copy; null when no single bit explains the difference
 */
export async function turnBit(record: Buffer, crc: number): Promise<Buffer | null> {
  const difference = (crc32c(record) ^ crc) >>> 0;
  if (difference === 0) return null;
  // What flipping the highest bit of the last byte does; bits of a byte count from the lowest, because the CRC is reflected.
  let effect = POLYNOMIAL;
  for (let bit = 0; bit < record.length * 8; bit++) {
    if ((bit + 1) % BITS_AT_ONCE === 0) await nextTurn();
    if (effect >>> 0 === difference) {
      const out = Buffer.from(record);
      const at = record.length * 8 - 1 - bit;
      out[at >>> 3]! ^= 1 << (at & 7);
      return crc32c(out) >>> 0 === crc >>> 0 ? out : null;
    }
    effect = (effect & 1) !== 0 ? (effect >>> 1) ^ POLYNOMIAL : effect >>> 1;
  }
  return null;
}
