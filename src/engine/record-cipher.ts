import { createCipheriv, createDecipheriv } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { disposable } from '#core/stream';
import { damaged, type RecordHeader } from './record-format.ts';

/**
 * node:crypto copies what it makes once more, into a buffer of the exact length: in pieces of this size that happens within the
 * processor's cache.
 */
const PIECE_BYTES = 128 << 10;

/**
 * AES-256-GCM segment by segment, after STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce is 7 zero bytes, the segment's number
 * (u32) and 1 for the last one, so that no segment can be moved, repeated or cut off. The key belongs to this record alone. Every
 * segment authenticates the record's header.
 * @param stored the bytes of the segment, in pieces
 * @returns ciphertext in pieces, and tag
 */
export function encryptSegment(key: Buffer, header: RecordHeader, index: number, stored: Uint8Array[]): Buffer[] {
  const cipher = createCipheriv('aes-256-gcm', key, nonce(header, index));
  cipher.setAAD(header.bytes);
  const out: Buffer[] = [];
  for (const bytes of stored) {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      out.push(disposable(cipher.update(bytes.subarray(at, Math.min(bytes.length, at + PIECE_BYTES)))));
    }
  }
  cipher.final();
  out.push(cipher.getAuthTag());
  return out;
}

/** The plaintext of a segment in pieces, from its ciphertext with the tag behind it. @throws corrupt */
export function decryptSegment(key: Buffer, header: RecordHeader, index: number, sealed: Uint8Array): Buffer[] {
  const segment = header.segments[index]!;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce(header, index));
  decipher.setAAD(header.bytes);
  decipher.setAuthTag(sealed.subarray(segment.stored));
  const stored: Buffer[] = [];
  for (let at = 0; at < segment.stored; at += PIECE_BYTES) {
    stored.push(decipher.update(sealed.subarray(at, Math.min(segment.stored, at + PIECE_BYTES))));
  }
  try {
    decipher.final();
  } catch (cause) {
    throw damaged('it failed authentication', cause);
  }
  if (!segment.compressed) return stored;
  const plain = zstdDecompressSync(stored.length === 1 ? stored[0]! : Buffer.concat(stored), { maxOutputLength: segment.plain });
  if (plain.length !== segment.plain) throw damaged('it does not decompress to its size');
  return [plain];
}

function nonce(header: RecordHeader, index: number): Buffer {
  const out = Buffer.alloc(12);
  out.writeUInt32BE(index, 7);
  out[11] = index === header.segments.length - 1 ? 1 : 0;
  return out;
}
