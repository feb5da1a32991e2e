import type { Clock, Random } from '#core/clock';
import type { VersionId } from '#core/object';
import { pooledRandom } from '#core/pooled-random';

const RANDOM_BYTES = 10;

/**
 * Mints version ids in UUIDv7's layout (RFC 9562 §5.7, method 1): 48 bits of time, version, a 12-bit counter that orders
 * what one process makes within a millisecond, variant, 62 random bits. They never go back, whatever the clock does.
 */
export function createVersionIds({ clock, random }: { clock: Clock; random: Random }): () => VersionId {
  let last = 0;
  let counter = 0;
  const few = pooledRandom(random);
  return () => {
    const bytes = Buffer.alloc(16);
    few(RANDOM_BYTES).copy(bytes, 6);
    const now = Math.floor(clock.now());
    if (now > last) {
      last = now;
      // Half of the counter's room is for the start, so that ids do not tell how many came before.
      counter = bytes.readUInt16BE(6) & 0x7ff;
    } else if (++counter > 0xfff) {
      last++;
      counter = 0;
    }
    bytes.writeUIntBE(last, 0, 6);
    bytes.writeUInt16BE(0x7000 | counter, 6);
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    return bytes.toString('hex');
  };
}
