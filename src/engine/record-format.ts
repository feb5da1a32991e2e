import type { DomainId } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import { ID_KEYED_BLAKE3 } from './hashes.ts';
import { SALT_BYTES } from './record-keys.ts';

/**
 * A chunk as it lies in a pack (docs/FORMAT.md), big-endian: this header, which every segment's tag authenticates, then the segments, each
 * with its tag of 16 bytes. The first 72 bytes tell whose chunk it is, so that the index of a sealed pack does too.
 *
 *   0 u32 magic "CSRC"     4 u8 version     5 u8 kind (1 chunk)   6 u8 cipher (0 none, 1 AES-256-GCM)   7 u8 algorithm of the id
 *   8 u8 compression (0 none, 1 zstd)       9 u8 log2 of segment bytes    10 u16 header bytes   12 u32 domain   16 u32 epoch
 *  20 u32 plain bytes     24 u32 record bytes    28 u32 zero    32 id (32)    64 salt (32)
 *  96 only when compressed: for each segment u32 stored bytes without tag, top bit set where it is stored as it is
 */
/** How the bytes of a record, or of an inline content, lie there: as they are with a CRC, or sealed. */
export type Cipher = typeof CIPHER_NONE | typeof CIPHER_AES_256_GCM;
export const CIPHER_NONE = 0;
export const CIPHER_AES_256_GCM = 1;

export interface RecordHeader {
  domain: DomainId;
  cipher: Cipher;
  epoch: number;
  id: Buffer;
  /** Zeros where nothing is encrypted. */
  salt: Buffer;
  /** Plain bytes of the chunk, and of each of its segments but the last. */
  size: number;
  segmentBytes: number;
  /** For each segment. */
  segments: Segment[];
  /** The encoding, as the tags authenticate it. */
  bytes: Buffer;
}

/** What sealing and opening a segment needs of it. */
export type SegmentedHeader = Pick<RecordHeader, 'bytes' | 'segments'>;

export interface Segment {
  /** Of the ciphertext within the record; its tag comes behind it. */
  offset: number;
  stored: number;
  plain: number;
  compressed: boolean;
}

export const RECORD_HEADER_BYTES = 96;
export const TAG_BYTES = 16;
const SEGMENT_LOG2 = 18;
export const SEGMENT_BYTES = 1 << SEGMENT_LOG2;
/** Of a record that this version writes: enough to read any header in one go. */
export const RECORD_HEADER_BYTES_MAX = RECORD_HEADER_BYTES + 4 * 16;
const MAGIC = 0x43535243;
const VERSION = 1;
const KIND_CHUNK = 1;
const RAW = 0x8000_0000;

export interface NewRecord {
  domain: DomainId;
  cipher: Cipher;
  epoch: number;
  id: Buffer;
  salt: Buffer;
  size: number;
  /** Compressed bytes of each segment, null where it is stored as it is; null when none is compressed. */
  compressed: (number | null)[] | null;
}

export function encodeRecordHeader({ domain, cipher, epoch, id, salt, size, compressed }: NewRecord): RecordHeader {
  const count = Math.ceil(size / SEGMENT_BYTES);
  const bytes = Buffer.alloc(RECORD_HEADER_BYTES + (compressed === null ? 0 : 4 * count));
  const segments: Segment[] = [];
  let offset = bytes.length;
  for (let index = 0; index < count; index++) {
    const plain = Math.min(SEGMENT_BYTES, size - index * SEGMENT_BYTES);
    const packed = compressed?.[index] ?? null;
    const stored = packed ?? plain;
    segments.push({ offset, stored, plain, compressed: packed !== null });
    if (compressed !== null)
      bytes.writeUInt32BE((packed === null ? stored | RAW : stored) >>> 0, RECORD_HEADER_BYTES + 4 * index);
    offset += stored + TAG_BYTES;
  }
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.set([VERSION, KIND_CHUNK, cipher, ID_KEYED_BLAKE3, compressed === null ? 0 : 1, SEGMENT_LOG2], 4);
  bytes.writeUInt16BE(bytes.length, 10);
  bytes.writeUInt32BE(domain, 12);
  bytes.writeUInt32BE(epoch, 16);
  bytes.writeUInt32BE(size, 20);
  bytes.writeUInt32BE(offset, 24);
  id.copy(bytes, 32);
  salt.copy(bytes, 64);
  return { domain, cipher, epoch, id, salt, size, segmentBytes: SEGMENT_BYTES, segments, bytes };
}

/**
 * Reads the header from a record's first bytes; what it says is only worth something once a tag has authenticated it.
 * @param recordLength of the whole record, as the index has it
 * @throws corrupt
 */
export function decodeRecordHeader(record: Buffer, recordLength: number): RecordHeader {
  if (record.length < RECORD_HEADER_BYTES || record.readUInt32BE(0) !== MAGIC) throw damaged('it has no header');
  const [version, kind, cipher, idAlgorithm, compression, segmentLog2] = record.subarray(4, 10);
  if (version !== VERSION || kind !== KIND_CHUNK || !isCipher(cipher) || idAlgorithm !== ID_KEYED_BLAKE3) {
    throw damaged('it is of a kind that this version of CloudStore does not know');
  }
  if (compression! > 1 || segmentLog2! < 12 || segmentLog2! > 24) throw damaged('its header makes no sense');
  const headerBytes = record.readUInt16BE(10);
  const size = record.readUInt32BE(20);
  const segmentBytes = 2 ** segmentLog2!;
  const count = Math.ceil(size / segmentBytes);
  if (headerBytes !== RECORD_HEADER_BYTES + (compression === 0 ? 0 : 4 * count) || headerBytes > record.length) {
    throw damaged('its header makes no sense');
  }
  const segments: Segment[] = [];
  let offset = headerBytes;
  for (let index = 0; index < count; index++) {
    const plain = Math.min(segmentBytes, size - index * segmentBytes);
    const word = compression === 0 ? (plain | RAW) >>> 0 : record.readUInt32BE(RECORD_HEADER_BYTES + 4 * index);
    const compressed = word < RAW;
    const stored = compressed ? word : word - RAW;
    if (compressed ? stored > segmentBytes : stored !== plain) throw damaged('its segments make no sense');
    segments.push({ offset, stored, plain, compressed });
    offset += stored + TAG_BYTES;
  }
  if (offset !== recordLength || record.readUInt32BE(24) !== recordLength) throw damaged('it has another length');
  return {
    domain: record.readUInt32BE(12),
    cipher,
    epoch: record.readUInt32BE(16),
    id: Buffer.from(record.subarray(32, 64)),
    salt: Buffer.from(record.subarray(64, 64 + SALT_BYTES)),
    size,
    segmentBytes,
    segments,
    bytes: Buffer.from(record.subarray(0, headerBytes)),
  };
}

function isCipher(value: number | undefined): value is Cipher {
  return value === CIPHER_NONE || value === CIPHER_AES_256_GCM;
}

/** Whose chunk a record is, from its first 72 bytes alone: what the index of a pack repeats. null: they are no record's. */
export function decodeRecordLabel(bytes: Buffer): { domain: DomainId; id: Buffer; size: number } | null {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== MAGIC || bytes[4] !== VERSION || bytes[5] !== KIND_CHUNK) return null;
  return { domain: bytes.readUInt32BE(12), id: Buffer.from(bytes.subarray(32, 64)), size: bytes.readUInt32BE(20) };
}

export function damaged(why: string, cause?: unknown): CloudStoreError {
  return new CloudStoreError('corrupt', `A chunk cannot be read: ${why}.`, { cause });
}

/**
 * Whose chunk a record is, by its first bytes as the index of a pack repeats them; null for what is no chunk that we know. It is only worth
 * something once the record was read and authenticated.
 */
export function chunkOfLabel(label: Buffer): { domain: DomainId; id: Buffer; size: number } | null {
  if (label.length < 64 || label.readUInt32BE(0) !== MAGIC || label[4] !== VERSION || label[5] !== KIND_CHUNK) return null;
  return { domain: label.readUInt32BE(12), id: label.subarray(32, 64), size: label.readUInt32BE(20) };
}
