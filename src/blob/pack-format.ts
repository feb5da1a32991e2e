import { crc32c } from '@node-rs/crc32';
import { RECORD_LEAD_BYTES } from '#contracts/log';
import { CloudStoreError } from '#core/errors';

/**
 * The outside of a pack (docs/FORMAT.md), big-endian: a header of 64 bytes, records in frames, and once it is sealed an index
 * and a trailer of 64 bytes. What is in a record is its writer's affair; only its first LABEL_BYTES are repeated in the index.
 */
export const PACK_HEADER_BYTES = 64;
export const FRAME_BYTES = RECORD_LEAD_BYTES;
export const TRAILER_BYTES = 64;
export const LABEL_BYTES = 72;
export const ENTRY_BYTES = 12 + LABEL_BYTES;
const VERSION = 1;
const PACK_MAGIC = 0x4353504b; // CSPK
const FRAME_MAGIC = 0x43534652; // CSFR
const TRAILER_MAGIC = 0x43535045; // CSPE

export interface PackHeader {
  /** 32 hex digits. */
  id: string;
  /** 32 hex digits; zeros where none was given. */
  instance: string;
  /** ms since the epoch. */
  created: number;
}

export function encodePackHeader({ id, instance, created }: PackHeader): Buffer {
  const out = Buffer.alloc(PACK_HEADER_BYTES);
  out.writeUInt32BE(PACK_MAGIC, 0);
  out[4] = VERSION;
  out.write(id, 8, 'hex');
  out.write(instance, 24, 'hex');
  out.writeBigUInt64BE(BigInt(created), 40);
  out.writeUInt32BE(crc32c(out.subarray(0, 60)), 60);
  return out;
}

/** null: no header of a pack, or a damaged one. @throws corrupt for a pack of another version */
export function decodePackHeader(bytes: Buffer): PackHeader | null {
  if (bytes.length < PACK_HEADER_BYTES || bytes.readUInt32BE(0) !== PACK_MAGIC) return null;
  if (crc32c(bytes.subarray(0, 60)) !== bytes.readUInt32BE(60)) return null;
  if (bytes[4] !== VERSION) {
    throw new CloudStoreError('corrupt', `A pack is of format ${bytes[4]}; this version of CloudStore reads format ${VERSION}.`);
  }
  return {
    id: bytes.toString('hex', 8, 24),
    instance: bytes.toString('hex', 24, 40),
    created: Number(bytes.readBigUInt64BE(40)),
  };
}

/** What stands before a record: its length, the CRC32C of its bytes, and one of the frame itself. */
export function encodeFrame(record: Uint8Array[], crc = record.reduce((sum, part) => crc32c(part, sum), 0)): Buffer {
  const length = record.reduce((sum, part) => sum + part.length, 0);
  const out = Buffer.allocUnsafe(FRAME_BYTES);
  out.writeUInt32BE(FRAME_MAGIC, 0);
  out.writeUInt32BE(length, 4);
  out.writeUInt32BE(crc, 8);
  out.writeUInt32BE(crc32c(out.subarray(0, 12)), 12);
  return out;
}

/** null: here is no frame. */
export function decodeFrame(bytes: Buffer): { length: number; crc: number } | null {
  if (bytes.length < FRAME_BYTES || bytes.readUInt32BE(0) !== FRAME_MAGIC) return null;
  if (crc32c(bytes.subarray(0, 12)) !== bytes.readUInt32BE(12)) return null;
  return { length: bytes.readUInt32BE(4), crc: bytes.readUInt32BE(8) };
}

export interface IndexEntry {
  /** Of the record, behind its frame. */
  offset: number;
  length: number;
  /** The record's first bytes, zeros behind a shorter one. */
  label: Buffer;
}

/** The index of a pack while it is open, as the bytes that go to its end. */
export interface PackIndex {
  readonly count: number;
  add(offset: number, length: number, record: Uint8Array[]): void;
  /** Forgets every record that ends behind `offset`. */
  cut(offset: number): void;
  /** Index and trailer, to be written at `offset`. */
  encode(offset: number, sealed: number): Buffer[];
}

export function createPackIndex(): PackIndex {
  let bytes = Buffer.alloc(ENTRY_BYTES * 64);
  let count = 0;
  return {
    get count() {
      return count;
    },
    add(offset, length, record) {
      if ((count + 1) * ENTRY_BYTES > bytes.length) bytes = Buffer.concat([bytes], bytes.length * 2);
      const at = count++ * ENTRY_BYTES;
      bytes.writeBigUInt64BE(BigInt(offset), at);
      bytes.writeUInt32BE(length, at + 8);
      let filled = 0;
      for (const part of record) {
        if (filled === LABEL_BYTES) break;
        const some = part.subarray(0, LABEL_BYTES - filled);
        bytes.set(some, at + 12 + filled);
        filled += some.length;
      }
      bytes.fill(0, at + 12 + filled, at + ENTRY_BYTES);
    },
    cut(offset) {
      while (count > 0) {
        const at = (count - 1) * ENTRY_BYTES;
        if (Number(bytes.readBigUInt64BE(at)) + bytes.readUInt32BE(at + 8) <= offset) return;
        count--;
      }
    },
    encode(offset, sealed) {
      const index = bytes.subarray(0, count * ENTRY_BYTES);
      const trailer = Buffer.alloc(TRAILER_BYTES);
      trailer.writeUInt32BE(TRAILER_MAGIC, 0);
      trailer[4] = VERSION;
      trailer.writeUInt32BE(count, 8);
      trailer.writeUInt32BE(crc32c(index), 12);
      trailer.writeBigUInt64BE(BigInt(offset), 16);
      trailer.writeBigUInt64BE(BigInt(sealed), 24);
      trailer.writeUInt32BE(crc32c(trailer.subarray(0, 60)), 60);
      return [index, trailer];
    },
  };
}

export interface PackTrailer {
  count: number;
  /** CRC32C of the index. */
  crc: number;
  /** Where the index begins, and the records end. */
  offset: number;
  /** ms since the epoch. */
  sealed: number;
}

/** null: no trailer, or a damaged one: the pack must be scanned. */
export function decodePackTrailer(bytes: Buffer): PackTrailer | null {
  if (bytes.length < TRAILER_BYTES || bytes.readUInt32BE(0) !== TRAILER_MAGIC || bytes[4] !== VERSION) return null;
  if (crc32c(bytes.subarray(0, 60)) !== bytes.readUInt32BE(60)) return null;
  return {
    count: bytes.readUInt32BE(8),
    crc: bytes.readUInt32BE(12),
    offset: Number(bytes.readBigUInt64BE(16)),
    sealed: Number(bytes.readBigUInt64BE(24)),
  };
}

/** @throws corrupt */
export function decodePackIndex(bytes: Buffer, { count, crc }: PackTrailer): IndexEntry[] {
  if (bytes.length !== count * ENTRY_BYTES || crc32c(bytes) !== crc) {
    throw new CloudStoreError('corrupt', 'The index of a pack is damaged.');
  }
  return Array.from({ length: count }, (_, index) => {
    const at = index * ENTRY_BYTES;
    return {
      offset: Number(bytes.readBigUInt64BE(at)),
      length: bytes.readUInt32BE(at + 8),
      label: bytes.subarray(at + 12, at + ENTRY_BYTES),
    };
  });
}
