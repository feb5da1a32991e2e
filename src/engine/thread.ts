import { createHash } from 'node:crypto';
import { parentPort, type Transferable, workerData } from 'node:worker_threads';
import { crc32c } from '@node-rs/crc32';
import type { LentFile } from '#contracts/log';
import { isCloudStoreError } from '#core/errors';
import { createReadNow } from '#core/read-now';
import { createHashes, type Hasher } from './hashes.ts';
import { createMd5Lanes } from './md5-lanes.ts';
import { createMd5Queue, type Md5Queue } from './md5-queue.ts';
import {
  openInPlace,
  openSegment,
  opensInPlace,
  recordBytes,
  type SealedSegment,
  sealInto,
  sealSegment,
} from './record-cipher.ts';
import type { SegmentedHeader } from './record-format.ts';
import { END, hasStarted, type ThreadStart } from './thread-life.ts';
import type { ThreadDigest } from './threads.ts';

/** What was a Buffer arrives as a plain array of bytes. */
type SentHeader = Pick<SegmentedHeader, 'segments'> & { bytes: Uint8Array };

/** What a thread is told. Of a checksum: that it begins, ranges of the shared memory (address, length, …), that it ends. */
export type ToThread =
  | { kind: 'digest'; id: number; begin?: ThreadDigest; chunkIdKey?: Uint8Array; ranges?: number[]; end?: true }
  /** `body`: of the checksum that the chunk's bytes are added to. */
  | { kind: 'chunk'; id: number; body: number; ranges: number[] }
  /** `ranges`: for each segment its plaintext in the shared memory. `into`: where in it the record is made, else it is sent. */
  | { kind: 'seal'; id: number; key: Uint8Array; header: SentHeader; ranges: number[][]; into?: number }
  /** `sealed` is handed over, and comes back. */
  | {
      kind: 'open';
      id: number;
      key: Uint8Array;
      header: SentHeader;
      sealed: ArrayBuffer;
      segments: SealedSegment[];
      file?: ReadFrom;
    };

/** Where the bytes [offset, offset + length) of a memory are to be read from. */
type ReadFrom = LentFile & { offset: number; length: number };

export type FromThread =
  | { kind: 'ready' }
  /** Without a digest: the ranges of one message were read. */
  | { kind: 'digest'; id: number; digest?: Uint8Array }
  /** The chunk's id. */
  | { kind: 'chunk'; id: number; chunk: Uint8Array }
  /** `crc`: CRC32C of the record, its header included. */
  | { kind: 'sealed'; id: number; pieces: Uint8Array[]; crc: number }
  | { kind: 'opened'; id: number; sealed: ArrayBuffer; plain: SentPlain };

/** In pieces; joined in the place of the ciphertext; what is wrong with it; or null: the system does not have it in memory. */
export type SentPlain = Uint8Array[] | { offset: number; length: number } | { damage: string } | null;

/** Smaller pieces are copied: to hand one over costs more. */
const TRANSFER_BYTES_MIN = 4096;

/** Of the arena's memory, what may wait for other bodies' bytes. */
const MD5_WAITING_BYTES_MAX = 4 << 20;

if (parentPort !== null) serve(parentPort, workerData as ThreadStart);

/** The body of a thread of threads.ts. */
function serve(port: NonNullable<typeof parentPort>, start: ThreadStart): void {
  const memory = Buffer.from(start.memory);
  const hashes = createHashes();
  const running = new Map<number, Hasher>();
  const chunkIdKeys = new Map<number, Buffer>();
  const send = (message: FromThread, transfer: Transferable[] = []): void => port.postMessage(message, transfer);

  const md5 = startMd5(start, send);

  function digest({ id, begin, chunkIdKey, ranges, end }: ToThread & { kind: 'digest' }): void {
    // Chunks are named in the pass in which all is hashed.
    if (begin === 'md5' && chunkIdKey === undefined) md5?.begin(id);
    if (md5?.has(id) === true) {
      if (ranges !== undefined) md5.add(id, ranges);
      if (end === true) md5.end(id);
      return;
    }
    if (chunkIdKey !== undefined) chunkIdKeys.set(id, Buffer.from(chunkIdKey));
    if (begin !== undefined) running.set(id, begin === 'blake3' ? hashes.plain() : createHash(begin));
    const hash = running.get(id);
    if (ranges !== undefined) {
      for (const bytes of views(memory, ranges)) hash?.update(bytes);
      send({ kind: 'digest', id });
    }
    if (end === true) {
      running.delete(id);
      chunkIdKeys.delete(id);
      send({ kind: 'digest', id, digest: hash?.digest() ?? new Uint8Array() });
    }
  }

  /** Piece by piece, so that the second hash finds it in the processor's cache. */
  function chunk({ id, body, ranges }: ToThread & { kind: 'chunk' }): void {
    const hasher = hashes.keyed(chunkIdKeys.get(body)!);
    for (const bytes of views(memory, ranges)) {
      hasher.update(bytes);
      running.get(body)?.update(bytes);
    }
    send({ kind: 'chunk', id, chunk: new Uint8Array(hasher.digest()) });
  }

  port.on('message', (message: ToThread | typeof END) => {
    if (message === END) {
      md5?.drain();
      return port.close();
    }
    if (message.kind === 'digest') return digest(message);
    if (message.kind === 'chunk') return chunk(message);
    const { id } = message;
    const key = Buffer.from(message.key);
    const header = { bytes: Buffer.from(message.header.bytes), segments: message.header.segments };
    if (message.kind === 'seal') {
      const { ranges, into } = message;
      if (into !== undefined) {
        const record = memory.subarray(into, into + recordBytes(header));
        const stored = ranges.map((one) => views(memory, one));
        return send({ kind: 'sealed', id, pieces: [], crc: sealInto(key, header, stored, record) });
      }
      const made = ranges.flatMap((one, index) => sealSegment(key, header, index, views(memory, one)));
      const pieces = made.map((bytes) => (isAlone(bytes) ? bytes : new Uint8Array(bytes)));
      const crc = pieces.reduce((sum, bytes) => crc32c(bytes, sum), crc32c(header.bytes));
      return send({ kind: 'sealed', id, pieces, crc }, transferable(pieces));
    }
    const { sealed, segments, file } = message;
    const bytes = Buffer.from(sealed);
    const plain = file === undefined || isRead(file, bytes) ? opened(key, header, bytes, segments) : null;
    send({ kind: 'opened', id, sealed, plain }, [sealed, ...(Array.isArray(plain) ? transferable(plain) : [])]);
  });
  hasStarted(start);
  send({ kind: 'ready' });
}

/** null: without lanes each body is hashed by itself, as it comes. */
function startMd5({ lanes: given }: ThreadStart, send: (message: FromThread) => void): Md5Queue | null {
  const lanes = given === null ? null : createMd5Lanes(given.memory, given.area);
  if (lanes === null) return null;
  return createMd5Queue({
    lanes,
    waitingBytesMax: Math.min(MD5_WAITING_BYTES_MAX, given!.memory.buffer.byteLength / 8),
    later: setImmediate,
    after(run, ms) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    read: (id) => send({ kind: 'digest', id }),
    done: (id, digest) => send({ kind: 'digest', id, digest }),
  });
}

const readNow = createReadNow();

function isRead({ descriptor, position, offset, length }: ReadFrom, into: Buffer): boolean {
  return readNow !== null && readNow(descriptor, into, offset, length, position) === length;
}

function opened(key: Buffer, header: SegmentedHeader, sealed: Buffer, segments: SealedSegment[]): SentPlain {
  try {
    if (opensInPlace(header, segments)) {
      const { byteOffset: offset, length } = openInPlace(key, header, sealed, segments);
      return { offset, length };
    }
    return segments.flatMap(({ index, offset, length }) =>
      openSegment(key, header, index, sealed.subarray(offset, offset + length)),
    );
  } catch (error) {
    if (isCloudStoreError(error, 'corrupt')) return { damage: error.message };
    throw error;
  }
}

function views(memory: Buffer, ranges: number[]): Buffer[] {
  const out: Buffer[] = [];
  for (let index = 0; index < ranges.length; index += 2) {
    out.push(memory.subarray(ranges[index]!, ranges[index]! + ranges[index + 1]!));
  }
  return out;
}

/** What is sent takes all its memory along. */
function isAlone({ length, buffer }: Uint8Array): boolean {
  return length === buffer.byteLength;
}

function transferable(pieces: Uint8Array[]): ArrayBuffer[] {
  return pieces
    .filter((bytes) => bytes.length >= TRANSFER_BYTES_MIN && isAlone(bytes))
    .map(({ buffer }) => buffer)
    .filter((buffer) => buffer instanceof ArrayBuffer);
}
