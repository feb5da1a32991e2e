import { createHash } from 'node:crypto';
import { parentPort, type Transferable, workerData } from 'node:worker_threads';
import { createHashes, type Hasher } from './hashes.ts';
import { openSegment, sealSegment } from './record-cipher.ts';
import type { SegmentedHeader } from './record-format.ts';
import type { ThreadDigest } from './threads.ts';

/** What was a Buffer arrives as a plain array of bytes. */
type SentHeader = Pick<SegmentedHeader, 'segments'> & { bytes: Uint8Array };

/** What a thread is told. Of a checksum: that it begins, ranges of the shared memory (address, length, …), that it ends. */
export type ToThread =
  | { kind: 'digest'; id: number; begin?: ThreadDigest; ranges?: number[]; end?: true }
  /** `ranges`: for each segment its plaintext in the shared memory. */
  | { kind: 'seal'; id: number; key: Uint8Array; header: SentHeader; ranges: number[][] }
  /** `sealed` is handed over, and comes back. `segments`: number, and where it lies there with its tag. */
  | { kind: 'open'; id: number; key: Uint8Array; header: SentHeader; sealed: ArrayBuffer; segments: number[][] };

export type FromThread =
  | { kind: 'ready' }
  /** Without a digest: the ranges of one message were read. */
  | { kind: 'digest'; id: number; digest?: Uint8Array }
  | { kind: 'sealed'; id: number; pieces: Uint8Array[] }
  /** The plaintext of each segment in pieces; null: one of them is damaged, and whoever tries it again learns how. */
  | { kind: 'opened'; id: number; sealed: ArrayBuffer; plain: Uint8Array[][] | null };

/** Smaller pieces are copied: to hand one over costs more. */
const TRANSFER_BYTES_MIN = 4096;

if (parentPort !== null) serve(parentPort, Buffer.from(workerData));

/** The body of a thread of threads.ts. */
function serve(port: NonNullable<typeof parentPort>, memory: Buffer): void {
  const hashes = createHashes();
  const running = new Map<number, Hasher>();
  const send = (message: FromThread, transfer: Transferable[] = []): void => port.postMessage(message, transfer);

  function digest({ id, begin, ranges, end }: ToThread & { kind: 'digest' }): void {
    if (begin !== undefined) running.set(id, begin === 'blake3' ? hashes.plain() : createHash(begin));
    const hash = running.get(id);
    if (ranges !== undefined) {
      for (const bytes of views(memory, ranges)) hash?.update(bytes);
      send({ kind: 'digest', id });
    }
    if (end === true) {
      running.delete(id);
      send({ kind: 'digest', id, digest: hash?.digest() ?? new Uint8Array() });
    }
  }

  port.on('message', (message: ToThread) => {
    if (message.kind === 'digest') return digest(message);
    const { id } = message;
    const key = Buffer.from(message.key);
    const header = { bytes: Buffer.from(message.header.bytes), segments: message.header.segments };
    if (message.kind === 'seal') {
      const made = message.ranges.flatMap((ranges, index) => sealSegment(key, header, index, views(memory, ranges)));
      const pieces = made.map((bytes) => (isAlone(bytes) ? bytes : new Uint8Array(bytes)));
      return send({ kind: 'sealed', id, pieces }, transferable(pieces));
    }
    const { sealed } = message;
    let plain: Uint8Array[][] | null;
    try {
      plain = message.segments.map(([index = 0, from = 0, length = 0]) =>
        openSegment(key, header, index, Buffer.from(sealed, from, length)),
      );
    } catch {
      plain = null;
    }
    send({ kind: 'opened', id, sealed, plain }, [sealed, ...transferable(plain?.flat() ?? [])]);
  });
  send({ kind: 'ready' });
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
