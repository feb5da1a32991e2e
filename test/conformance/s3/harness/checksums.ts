import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { xxh3, xxh64 } from '@node-rs/xxhash';

/**
 * S3's checksums in base64, computed bit by bit from their definitions where node has none, and the XXHs by another library: slow, and apart from the product's.
 */
export const CHECKSUMS = {
  CRC32: (bytes: Buffer) => word(crc32(bytes)),
  CRC32C: (bytes: Buffer) => bitwise(bytes, 0x82f63b78n, 32n),
  CRC64NVME: (bytes: Buffer) => bitwise(bytes, 0x9a6c9329ac4bc9b5n, 64n),
  SHA1: (bytes: Buffer) => createHash('sha1').update(bytes).digest('base64'),
  SHA256: (bytes: Buffer) => createHash('sha256').update(bytes).digest('base64'),
  SHA512: (bytes: Buffer) => createHash('sha512').update(bytes).digest('base64'),
  MD5: (bytes: Buffer) => createHash('md5').update(bytes).digest('base64'),
  XXHASH64: (bytes: Buffer) => number(xxh64(bytes), 8),
  XXHASH3: (bytes: Buffer) => number(xxh3.xxh64(bytes), 8),
  XXHASH128: (bytes: Buffer) => number(xxh3.xxh128(bytes), 16),
} as const;

export type ChecksumAlgorithm = keyof typeof CHECKSUMS;

export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** Of the parts' checksums, as AWS makes a composite one. */
export function composite(algorithm: ChecksumAlgorithm, parts: readonly string[]): string {
  return `${CHECKSUMS[algorithm](Buffer.concat(parts.map((part) => Buffer.from(part, 'base64'))))}-${parts.length}`;
}

function number(value: bigint, bytes: number): string {
  return Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex').toString('base64');
}

function word(value: number): string {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value >>> 0);
  return out.toString('base64');
}

function bitwise(bytes: Buffer, polynomial: bigint, width: bigint): string {
  const all = (1n << width) - 1n;
  const table = Array.from({ length: 256 }, (_, byte) => {
    let value = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) value = (value & 1n) === 1n ? (value >> 1n) ^ polynomial : value >> 1n;
    return value;
  });
  let crc = all;
  for (const byte of bytes) crc = (table[Number((crc ^ BigInt(byte)) & 0xffn)] as bigint) ^ (crc >> 8n);
  return Buffer.from((crc ^ all).toString(16).padStart(Number(width) / 4, '0'), 'hex').toString('base64');
}
