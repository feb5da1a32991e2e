import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import type { DigestName } from '#core/digest';
import { isXxHash, openXxHash } from '#core/xxhash';

/** The digest of a small body at hand (XML); objects are hashed by the content store in its one pass. */
export async function smallDigest(name: DigestName, bytes: Buffer): Promise<Buffer> {
  if (isXxHash(name)) {
    const hasher = await openXxHash(name);
    hasher.update(bytes);
    return hasher.digest();
  }
  switch (name) {
    case 'crc32':
      return bigEndian(crc32(bytes));
    case 'crc32c':
      return bigEndian(crc32c(bytes));
    case 'crc64nvme':
      return crc64nvme(bytes);
    default:
      return createHash(name).update(bytes).digest();
  }
}

function bigEndian(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value >>> 0);
  return out;
}

// The NVMe polynomial, reflected (NVM Express, Figure "64b CRC Polynomials").
const POLYNOMIAL_HIGH = 0x9a6c9329;
const POLYNOMIAL_LOW = 0xac4bc9b5;

function crc64nvme(bytes: Buffer): Buffer {
  const crc = createCrc64();
  crc.update(bytes);
  return crc.digest();
}

/** In two halves of 32 bits, as BigInt would cost a microsecond a byte. */
export function createCrc64(): { update(bytes: Buffer): void; digest(): Buffer } {
  const high = new Int32Array(256);
  const low = new Int32Array(256);
  for (let i = 0; i < 256; i++) {
    let h = 0;
    let l = i;
    for (let bit = 0; bit < 8; bit++) {
      const odd = l & 1;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (odd !== 0) {
        h ^= POLYNOMIAL_HIGH;
        l ^= POLYNOMIAL_LOW;
      }
    }
    high[i] = h;
    low[i] = l;
  }
  let h = -1;
  let l = -1;
  return {
    update(bytes) {
      for (const byte of bytes) {
        const index = (l ^ byte) & 0xff;
        l = ((l >>> 8) | (h << 24)) ^ (low[index] as number);
        h = (h >>> 8) ^ (high[index] as number);
      }
    },
    digest() {
      const out = Buffer.alloc(8);
      out.writeUInt32BE(~h >>> 0, 0);
      out.writeUInt32BE(~l >>> 0, 4);
      return out;
    },
  };
}
