import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, crc32, zstdCompress, zstdDecompressSync } from 'node:zlib';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';

/**
 * The outside of a dump (docs/FORMAT.md), big-endian: a header of 96 bytes, then segments, each compressed, encrypted, and with a checksum that needs
 * no key. After STREAM, as the records of packs: the nonce is the segment's number and whether it is the last, so no segment can be moved,
 * repeated or left out, and what was cut short has no last one.
 *
 *   0 u32 "CSDU"   4 u8 version (1)   5 u8 cipher (1 AES-256-GCM)   6 u8 compression (1 zstd)   7 u8 what it holds
 *   8 u32 plain bytes of a segment at most     12 zeros     16 check of the master key (16)   32 salt (32)   64 zeros   92 u32 CRC32 of the 92 before
 * Segment: u32 bytes, top bit for the last one; u32 CRC32 of the bytes; ciphertext and tag
 */
const HEADER_BYTES = 96;
const VERSION = 1;
const MAGIC = 0x43534455;
const TAG_BYTES = 16;
const SEGMENT_BYTES = 1 << 20;
/** What does not compress grows a little. */
const STORED_BYTES_MAX = SEGMENT_BYTES + (SEGMENT_BYTES >> 4) + 1024;
const LAST = 0x8000_0000;
const LEVEL = 3;

/** What a file of this form holds; authenticated, so that one is never taken for another. */
export const HOLDS = { dump: 1, backup: 2 } as const;
export type Holds = (typeof HOLDS)[keyof typeof HOLDS];

const compress = promisify(zstdCompress);

/** Sealed bytes of any plaintext, as it comes; memory for a few segments. */
export async function* seal(
  plain: AsyncIterable<Uint8Array>,
  { masterKey, random, holds }: { masterKey: Buffer; random: Random; holds: Holds },
): AsyncGenerator<Buffer> {
  const header = encodeHeader(masterKey, random(32), holds);
  const key = dumpKey(masterKey, header.subarray(32, 64));
  yield header;
  let number = 0;
  let waiting: Buffer | null = null; // the last one is told apart only when nothing follows
  for await (const bytes of inPieces(plain)) {
    if (waiting !== null) yield* encryptSegment(key, header, number++, waiting, false);
    waiting = bytes;
  }
  yield* encryptSegment(key, header, number, waiting ?? Buffer.alloc(0), true);
}

/**
 * The plaintext, each piece authenticated before it is given; ends without an error only after the last segment.
 * @throws corrupt: damaged, cut short, of another key or a version that we don't know
 */
export async function* open(
  sealed: AsyncIterable<Uint8Array>,
  { masterKey, holds }: { masterKey: Buffer; holds: Holds },
): AsyncGenerator<Buffer> {
  for await (const { header, number, bytes, last } of segments(sealed)) {
    if (header[7] !== holds) throw damaged('it holds something else');
    const key = dumpKey(masterKey, header.subarray(32, 64));
    if (number === 0 && !timingSafeEqual(header.subarray(16, 32), keyCheck(masterKey))) {
      throw new CloudStoreError('corrupt', 'It was written under another master key. Use the one that was in force then.', {
        details: { otherKey: true },
      });
    }
    yield decryptSegment(key, header, number, bytes, last);
  }
}

/** Whether all of it is there and undamaged, as far as that can be told without the key. Gives its bytes. @throws corrupt */
export async function check(sealed: AsyncIterable<Uint8Array>): Promise<number> {
  let size = HEADER_BYTES;
  for await (const { bytes } of segments(sealed)) size += 8 + bytes.length;
  return size;
}

/** Says which master key a file needs, and nothing else of it. 16 bytes. */
export function keyCheck(masterKey: Buffer): Buffer {
  return expand(masterKey, Buffer.from('cloudstore dump key check v1')).subarray(0, 16);
}

/** @throws corrupt */
export function headerKeyCheck(header: Buffer): Buffer {
  return assertHeader(header).subarray(16, 32);
}

export const CONTAINER_HEADER_BYTES = HEADER_BYTES;

async function* segments(
  sealed: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ header: Buffer; number: number; bytes: Buffer; last: boolean }> {
  const reader = createReader(sealed);
  const header = assertHeader(await reader.take(HEADER_BYTES));
  for (let number = 0; ; number++) {
    const frame = await reader.take(8);
    const word = frame.readUInt32BE(0);
    const last = word >= LAST;
    const length = last ? word - LAST : word;
    if (length < TAG_BYTES || length > STORED_BYTES_MAX) throw damaged('a segment has no possible length');
    const bytes = await reader.take(length);
    if (crc32(bytes) !== frame.readUInt32BE(4)) throw damaged('a checksum differs');
    yield { header, number, bytes, last };
    if (!last) continue;
    if (!(await reader.ended())) throw damaged('something follows its end');
    return;
  }
}

function encodeHeader(masterKey: Buffer, salt: Buffer, holds: Holds): Buffer {
  const out = Buffer.alloc(HEADER_BYTES);
  out.writeUInt32BE(MAGIC, 0);
  out.set([VERSION, 1, 1, holds], 4);
  out.writeUInt32BE(SEGMENT_BYTES, 8);
  keyCheck(masterKey).copy(out, 16);
  salt.copy(out, 32);
  out.writeUInt32BE(crc32(out.subarray(0, 92)), 92);
  return out;
}

function assertHeader(header: Buffer): Buffer {
  if (header.length < HEADER_BYTES || header.readUInt32BE(0) !== MAGIC) throw damaged('it does not begin as one');
  if (header.readUInt32BE(92) !== crc32(header.subarray(0, 92))) throw damaged('its header does not have its checksum');
  if (header[4] !== VERSION || header[5] !== 1 || header[6] !== 1) {
    throw new CloudStoreError('corrupt', `It is of version ${header[4]}; this CloudStore reads version ${VERSION}.`);
  }
  return header;
}

async function* encryptSegment(
  key: Buffer,
  header: Buffer,
  number: number,
  plain: Buffer,
  last: boolean,
): AsyncGenerator<Buffer> {
  const packed = await compress(plain, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
  const cipher = createCipheriv('aes-256-gcm', key, nonce(number, last));
  cipher.setAAD(header);
  const sealed = Buffer.concat([cipher.update(packed), cipher.final(), cipher.getAuthTag()]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE((last ? sealed.length + LAST : sealed.length) >>> 0, 0);
  frame.writeUInt32BE(crc32(sealed), 4);
  yield Buffer.concat([frame, sealed]);
}

function decryptSegment(key: Buffer, header: Buffer, number: number, sealed: Buffer, last: boolean): Buffer {
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce(number, last));
  decipher.setAAD(header);
  decipher.setAuthTag(sealed.subarray(end));
  const packed = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch (cause) {
    throw damaged('it failed authentication', cause);
  }
  return zstdDecompressSync(packed, { maxOutputLength: header.readUInt32BE(8) + 1 });
}

function nonce(number: number, last: boolean): Buffer {
  const out = Buffer.alloc(12);
  out.writeUInt32BE(number, 7);
  out[11] = last ? 1 : 0;
  return out;
}

function dumpKey(masterKey: Buffer, salt: Buffer): Buffer {
  return expand(masterKey, Buffer.concat([Buffer.from('cloudstore dump key v1'), salt]));
}

/** HKDF-Expand of one block (RFC 5869 §2.3); the master key is uniformly random, so the extract step is left out (§3.3). */
function expand(key: Buffer, info: Buffer): Buffer {
  return createHmac('sha256', key).update(info).update(Buffer.of(1)).digest();
}

async function* inPieces(plain: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let pieces: Uint8Array[] = [];
  let held = 0;
  for await (const bytes of plain) {
    for (let at = 0; at < bytes.length; ) {
      const some = bytes.subarray(at, at + SEGMENT_BYTES - held);
      pieces.push(some);
      held += some.length;
      at += some.length;
      if (held < SEGMENT_BYTES) continue;
      yield Buffer.concat(pieces);
      pieces = [];
      held = 0;
    }
  }
  if (held > 0) yield Buffer.concat(pieces);
}

/** Exact pieces out of pieces of any size. */
function createReader(source: AsyncIterable<Uint8Array>) {
  const iterator = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  return {
    async take(length: number): Promise<Buffer> {
      const pieces: Buffer[] = [rest];
      let held = rest.length;
      while (held < length) {
        const { value, done } = await iterator.next();
        if (done) throw damaged('it is cut short');
        pieces.push(Buffer.from(value));
        held += value.length;
      }
      const all = pieces.length === 1 ? rest : Buffer.concat(pieces);
      rest = all.subarray(length);
      return all.subarray(0, length);
    },
    async ended(): Promise<boolean> {
      return rest.length === 0 && (await iterator.next()).done === true;
    },
  };
}

function damaged(why: string, cause?: unknown): CloudStoreError {
  return new CloudStoreError('corrupt', `It is damaged: ${why}.`, { cause });
}
