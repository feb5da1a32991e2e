import { hash } from 'node:crypto';

const BLOCK_BYTES = 64;
const INFO_BYTES_MAX = 128;

/** A 32-byte key for each `info`, from one uniformly random 32-byte key. */
export type Expand = (info: Uint8Array) => Buffer;

/**
 * HKDF-Expand with SHA-256 (RFC 5869 §2.3) of one block: HMAC(key, info ‖ 0x01). The extract step is left out as §3.3 allows, because
 * the keys here are uniformly random. Two one-shot hashes over prepared pads: 2 µs, where hkdfSync takes 3.6 and a Hmac object 2.2
 * with garbage that outlives the request.
 * @param info at most 128 bytes
 */
export function createExpand(key: Uint8Array): Expand {
  const inner = Buffer.alloc(BLOCK_BYTES + INFO_BYTES_MAX + 1);
  const outer = Buffer.alloc(BLOCK_BYTES + 32);
  for (let index = 0; index < BLOCK_BYTES; index++) {
    inner[index] = (key[index] ?? 0) ^ 0x36;
    outer[index] = (key[index] ?? 0) ^ 0x5c;
  }
  return (info) => {
    inner.set(info, BLOCK_BYTES);
    inner[BLOCK_BYTES + info.length] = 1;
    outer.set(hash('sha256', inner.subarray(0, BLOCK_BYTES + info.length + 1), 'buffer'), BLOCK_BYTES);
    return hash('sha256', outer, 'buffer');
  };
}
