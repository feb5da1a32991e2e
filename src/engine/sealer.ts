import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { DomainKeys } from '#contracts/keyring';
import { disposable, dispose } from '#core/stream';
import { recordBytes, sealInto, sealSegment } from './record-cipher.ts';
import { CIPHER_AES_256_GCM, CIPHER_NONE, type Cipher, encodeRecordHeader, SEGMENT_BYTES } from './record-format.ts';
import { type RecordKeys, SALT_BYTES } from './record-keys.ts';
import type { Regions } from './regions.ts';
import type { Threads } from './threads.ts';

export interface PlainChunk {
  id: Buffer;
  size: number;
  /** Its bytes, in pieces; they must stay as they are until the promise resolves. */
  pieces: Uint8Array[];
}

export interface SealedChunk {
  record: Uint8Array[];
  /** Some of the record is the chunk's own pieces: they must stay as they are until it is written. */
  borrowed: boolean;
  /** CRC32C of the record, where whoever sealed it computed it. */
  crc?: number;
  /** See `Log.appendUnsynced`. */
  blocks?: Buffer;
}

/**
 * Makes the record of a chunk: compressed where that pays, encrypted where that is wished.
 * @param soon not on another thread, which may have other work before it
 */
export type Seal = (domain: DomainKeys, chunk: PlainChunk, soon?: boolean) => Promise<SealedChunk>;

export interface SealOptions {
  compression: boolean;
  cipher: Cipher;
  /** For what is big; null: all on this thread. */
  threads: Threads | null;
  /** null: records are made on memory of their own. */
  regions: Regions | null;
}

const zstdCompress = promisify(zlib.zstdCompress);
const ZSTD = { [zlib.constants.ZSTD_c_compressionLevel]: 1 };
/** Node's zlib takes no smaller one. */
const ZLIB_CHUNK_MIN = 64;
/** Smaller records gain less than a block of the disk. */
const COMPRESS_BYTES_MIN = 4096;
const SAMPLE_BYTES = 1024;
const SAMPLES = 4;
/** Bits a byte, of 8: above it a sample is taken for compressed or encrypted already. */
const ENTROPY_MAX = 7;
/** Less is sooner sealed than sent to another thread, and takes no region. */
const THREAD_BYTES_MIN = 256 << 10;
const NO_SALT = Buffer.alloc(SALT_BYTES);

export function createSeal(keys: RecordKeys, { compression, cipher, threads, regions }: SealOptions): Seal {
  return async (domain, { id, size, pieces }, soon = false) => {
    const segments = cutSegments(pieces);
    const packed = compression && size >= COMPRESS_BYTES_MIN && looksCompressible(pieces, size) ? await compress(segments) : null;
    const salt = cipher === CIPHER_NONE ? NO_SALT : keys.salt();
    const epoch = domain.currentEpoch;
    const compressed = packed?.map((one) => one?.length ?? null) ?? null;
    const header = encodeRecordHeader({ domain: domain.id, cipher, epoch, id, salt, size, compressed });
    const key = cipher === CIPHER_AES_256_GCM ? keys.derive(domain, epoch, salt) : null;
    const worth = !soon && key !== null && packed === null && size >= THREAD_BYTES_MIN;
    const region = key !== null && size >= THREAD_BYTES_MIN ? (regions?.take(recordBytes(header)) ?? null) : null;
    if (key !== null && region !== null) {
      const { record, blocks } = region;
      try {
        const elsewhere = worth ? threads?.seal(key, header, segments, record) : null;
        const stored = segments.map((segment, index) => pieceOf(packed, index) ?? segment);
        const crc = elsewhere ? (await elsewhere).crc : sealInto(key, header, stored, record);
        return { record: [record], borrowed: false, crc, blocks };
      } catch (error) {
        dispose(record);
        throw error;
      }
    }
    const elsewhere = worth ? threads?.seal(key, header, segments) : null;
    if (elsewhere) {
      const { pieces: sealed, crc } = await elsewhere;
      return { record: [header.bytes, ...sealed.map(disposable)], borrowed: false, crc };
    }
    const record: Uint8Array[] = [header.bytes];
    let borrowed = false;
    for (const [index, segment] of segments.entries()) {
      const packedPiece = pieceOf(packed, index);
      if (packedPiece === null && key === null) borrowed = true;
      record.push(...sealSegment(key, header, index, packedPiece ?? segment));
    }
    return { record, borrowed };
  };
}

function pieceOf(packed: (Buffer | null)[] | null, index: number): [Buffer] | null {
  const bytes = packed?.[index] ?? null;
  return bytes === null ? null : [bytes];
}

function cutSegments(pieces: Uint8Array[]): Uint8Array[][] {
  const segments: Uint8Array[][] = [];
  let room = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      if (room === 0) {
        segments.push([]);
        room = SEGMENT_BYTES;
      }
      const some = Math.min(room, piece.length - at);
      segments.at(-1)!.push(piece.subarray(at, at + some));
      room -= some;
      at += some;
    }
  }
  return segments;
}

/** Each segment by itself, so that a range needs no more than its segments; on libuv's threads. null: none got smaller. */
async function compress(segments: Uint8Array[][]): Promise<(Buffer | null)[] | null> {
  const packed = await Promise.all(
    segments.map(async (segment) => {
      const whole = segment.length === 1 ? segment[0]! : Buffer.concat(segment);
      // One piece for what comes out: what gets no smaller is not wanted anyway.
      const bytes = await zstdCompress(whole, { params: ZSTD, chunkSize: Math.max(ZLIB_CHUNK_MIN, whole.length) });
      return bytes.length <= whole.length - (whole.length >> 4) ? bytes : null;
    }),
  );
  return packed.some((bytes) => bytes !== null) ? packed : null;
}

/**
 * The order-0 entropy of a few samples: some microseconds a chunk, where a trial compression would take hundreds. What only repeats
 * itself at a distance is missed; photos, films and archives never pay for compression.
 */
function looksCompressible(pieces: Uint8Array[], size: number): boolean {
  const counts = new Uint32Array(256);
  let total = 0;
  const step = Math.max(1, Math.floor(size / SAMPLES));
  let start = 0;
  for (const piece of pieces) {
    for (let at = Math.ceil(start / step) * step; at < start + piece.length; at += step) {
      const end = Math.min(piece.length, at - start + SAMPLE_BYTES);
      for (let index = at - start; index < end; index++) {
        counts[piece[index]!]!++;
        total++;
      }
    }
    start += piece.length;
  }
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / total) * Math.log2(count / total);
  return bits < ENTROPY_MAX;
}
