import type { Clock, Random } from '#core/clock';
import type { VersionId } from '#core/object';

/** 128 bits in UUIDv7's layout (RFC 9562 §5.7) as 32 hex digits: 48 of time, the rest random. */
export function mintVersionId(clock: Clock, random: Random): VersionId {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(clock.now(), 0, 6);
  random(10).copy(bytes, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex');
}
