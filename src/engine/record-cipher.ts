import { zstdDecompressSync } from 'node:zlib';
import { crc32, crc32c } from '@node-rs/crc32';
import type { CloudStoreError } from '#core/errors';
import { disposable } from '#core/stream';
import { gcm } from './gcm.ts';
import { CIPHER_NONE, damaged, type RecordHeader, type SegmentedHeader, TAG_BYTES } from './record-format.ts';

/**
 * AES-256-GCM segment by segment, after STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce is 7 zero bytes, the segment's number
 * (u32) and 1 for the last one, so that no segment can be moved, repeated or cut off. The key belongs to this record alone. Every
 * segment authenticates the record's header. Without encryption the bytes stay as they are, and a CRC over the same takes the tag's place.
 * @param key null where the header says that nothing is encrypted
 * @param stored the bytes of the segment, in pieces
 * @returns what is stored with its tag, as one buffer; without encryption the very pieces that were given, and the tag
 */
export function sealSegment(key: Buffer | null, header: SegmentedHeader, index: number, stored: Uint8Array[]): Uint8Array[] {
  if (key === null) return [...stored, checkOf(header, index, stored)];
  const out = Buffer.allocUnsafeSlow(stored.reduce((sum, { length }) => sum + length, TAG_BYTES));
  gcm.seal(key, nonce(header, index), header.bytes, stored, out);
  return [disposable(out)];
}

/**
 * A whole record of segments that are sealed, into memory that its caller has: as many bytes as it takes.
 * @param stored of each segment
 * @returns CRC32C of the record
 */
export function sealInto(key: Buffer, header: SegmentedHeader, stored: Uint8Array[][], record: Buffer): number {
  header.bytes.copy(record);
  let crc = crc32c(header.bytes);
  for (const [index, { offset, stored: length }] of header.segments.entries()) {
    const out = record.subarray(offset, offset + length + TAG_BYTES);
    gcm.seal(key, nonce(header, index), header.bytes, stored[index]!, out);
    crc = crc32c(out, crc);
  }
  return crc;
}

export function recordBytes({ bytes, segments }: SegmentedHeader): number {
  return segments.reduce((sum, { stored }) => sum + stored + TAG_BYTES, bytes.length);
}

/** The plaintext of a segment in pieces, from what is stored with the tag behind it; a view of that where nothing had to be done. @throws corrupt */
export function openSegment(key: Buffer | null, header: SegmentedHeader, index: number, sealed: Buffer): Buffer[] {
  const segment = header.segments[index]!;
  const stored = openStored(key, header, index, sealed);
  if (!segment.compressed) return stored;
  let plain: Buffer;
  try {
    const whole = stored.length === 1 ? stored[0]! : Buffer.concat(stored);
    plain = zstdDecompressSync(whole, { maxOutputLength: segment.plain });
  } catch (cause) {
    throw damaged('it does not decompress', cause);
  }
  if (plain.length !== segment.plain) throw damaged('it does not decompress to its size');
  return [plain];
}

/** As `openSegment`, before it is decompressed. @throws corrupt */
export function openStored(key: Buffer | null, header: SegmentedHeader, index: number, sealed: Buffer): Buffer[] {
  const { stored: length } = header.segments[index]!;
  const tag = sealed.subarray(length, length + TAG_BYTES);
  if (key === null) {
    const bytes = sealed.subarray(0, length);
    checkPlain(header, index, bytes, tag);
    return [bytes];
  }
  const out = Buffer.allocUnsafeSlow(length);
  if (!gcm.open(key, nonce(header, index), header.bytes, sealed.subarray(0, length), tag, out)) throw forged();
  return [out];
}

function forged(): CloudStoreError {
  return damaged('it failed authentication');
}

/** A segment of a record: its number, and where it lies in a buffer with its tag. */
export interface SealedSegment {
  index: number;
  offset: number;
  length: number;
}

/**
 * As `openSegment`, of segments that `opensInPlace`: their plaintext takes the place of what is stored, joined.
 * @returns a view of `sealed`. @throws corrupt; what lies there then is worth nothing
 */
export function openInPlace(key: Buffer | null, header: SegmentedHeader, sealed: Buffer, segments: SealedSegment[]): Buffer {
  const start = segments[0]?.offset ?? 0;
  let end = start;
  for (const { index, offset, length } of segments) {
    const tagAt = offset + length - TAG_BYTES;
    const bytes = sealed.subarray(offset, tagAt);
    const tag = sealed.subarray(tagAt, tagAt + TAG_BYTES);
    if (key === null) checkPlain(header, index, bytes, tag);
    else if (!gcm.open(key, nonce(header, index), header.bytes, bytes, tag, bytes)) throw forged();
    if (end !== offset) sealed.copyWithin(end, offset, tagAt);
    end += bytes.length;
  }
  return sealed.subarray(start, end);
}

/** What was compressed is longer than its place. */
export function opensInPlace({ segments }: SegmentedHeader, sealed: SealedSegment[]): boolean {
  return sealed.every(({ index }) => !segments[index]!.compressed);
}

/** Of a header that was read. null: nothing of it is encrypted. */
export function needsKey({ cipher }: Pick<RecordHeader, 'cipher'>): boolean {
  return cipher !== CIPHER_NONE;
}

/** In place of a tag: u32 CRC32 of header, nonce and bytes, then zeros. The fastest check there is here, so that reading costs no more than it must. */
function checkOf(header: SegmentedHeader, index: number, stored: Uint8Array[]): Buffer {
  const out = Buffer.alloc(TAG_BYTES);
  let crc = crc32(nonce(header, index), crc32(header.bytes));
  for (const bytes of stored) crc = crc32(bytes, crc);
  out.writeUInt32BE(crc >>> 0);
  return out;
}

/** @throws corrupt */
function checkPlain(header: SegmentedHeader, index: number, bytes: Buffer, tag: Buffer): void {
  if (!checkOf(header, index, [bytes]).equals(tag)) throw damaged('its bytes do not have their checksum');
}

function nonce(header: SegmentedHeader, index: number): Buffer {
  const out = Buffer.alloc(12);
  out.writeUInt32BE(index, 7);
  out[11] = index === header.segments.length - 1 ? 1 : 0;
  return out;
}
