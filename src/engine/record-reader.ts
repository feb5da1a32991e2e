import type { BlobStores } from '#contracts/blob-stores';
import type { ChunkIndex } from '#contracts/chunk-index';
import type { ChunkPlace } from '#contracts/content';
import type { DomainKeys, Keyring } from '#contracts/keyring';
import type { Log } from '#contracts/log';
import type { Repair } from '#contracts/repair';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { disposable } from '#core/stream';
import { gcm } from './gcm.ts';
import type { PlainPolicy } from './plain-policy.ts';
import type { ReadBuffer, ReadBufferSizes } from './read-buffers.ts';
import type { Wanted } from './read-plan.ts';
import { needsKey, openInPlace, openSegment, opensInPlace, type SealedSegment } from './record-cipher.ts';
import {
  damaged,
  decodeRecordHeader,
  RECORD_HEADER_BYTES_MAX,
  type RecordHeader,
  SEGMENT_BYTES,
  TAG_BYTES,
} from './record-format.ts';
import type { RecordKeys } from './record-keys.ts';
import type { Threads } from './threads.ts';

export interface RecordReaderDeps {
  keyring: Keyring;
  recordKeys: RecordKeys;
  plain: PlainPolicy;
  /** For what is big; null: all on this thread. */
  threads: Threads | null;
  chunks: ChunkIndex;
  log: Log;
  stores: BlobStores;
  /** Without it, damage is told and nothing more. */
  repair?: Repair;
}

/** What one read of the disk fetches: the segments of a chunk, and the header with the first; less where clients hold much. */
const FETCH_SEGMENTS = { whole: 8, small: 2 };
/** What begins behind so many segments is fetched alone, and the header before it. */
const SKIPPED_SEGMENTS_MAX = 4;
/** Less, as one segment, is sooner opened here than sent to another thread. */
const THREAD_BYTES_MIN = 384 << 10;
/** And so is all of a read of no more: nothing else is to do meanwhile. */
const SHORT_BYTES_MAX = 1 << 20;
/** And so much of any that this thread reads: what another thread opens pays where it is opened ahead. */
const FIRST_BYTES = 8 << 20;
/** Less is copied out of the buffer that it was read into, which serves again at once. */
const BORROWED_BYTES_MIN = 256 << 10;
/** Of what is yielded (Content.read). */
const PIECE_BYTES_MAX = 1 << 20;
const fetchBytes = (segments: number): number => RECORD_HEADER_BYTES_MAX + segments * (SEGMENT_BYTES + TAG_BYTES);
export const FETCH_BYTES: ReadBufferSizes = { whole: fetchBytes(FETCH_SEGMENTS.whole), small: fetchBytes(FETCH_SEGMENTS.small) };

export interface Opened {
  plain: Buffer[];
  /** What of it lies in the buffer that was read into, which belongs to the consumer then. */
  borrowed: Buffer[];
}

/** Verified plaintext is one call away: ciphertext of some segments of a chunk. */
export interface Run {
  wanted: Wanted;
  /** The plaintext of what is wanted of these segments. @throws corrupt (details.offset) before any of it is given */
  open(): Promise<Opened>;
  /** The same part of the chunk from a good copy, after `open` failed. @throws the error when there is none */
  again(error: unknown): Promise<Wanted>;
}

/** Fetches the ciphertext that a plan covers, run by run. */
export interface RecordReader {
  /** Into the given buffer, where it fits. One call at a time; `open` may come later. null: that was all. @throws corrupt, unavailable */
  next(into: ReadBuffer): Promise<Run | null>;
  close(): Promise<void>;
}

interface OpenRecord {
  wanted: Wanted;
  /** Where this header was read; `wanted` may be elsewhere meanwhile. */
  place: ChunkPlace;
  header: RecordHeader;
  /** null: it is not encrypted. */
  key: Buffer | null;
  /** The next segment to fetch, and the last. */
  next: number;
  last: number;
}

/** @param size bytes that the plan wants in all */
export function createRecordReader(
  deps: RecordReaderDeps,
  domain: DomainKeys,
  plan: AsyncGenerator<Wanted>,
  size: number,
): RecordReader {
  let openedHere = 0;
  /** Threads are to read, too: as long as they find that the system has it in memory. */
  let byThreads = size > SHORT_BYTES_MAX && gcm.native && deps.threads !== null && deps.log.lend !== undefined;
  let record: OpenRecord | null = null;

  async function open(wanted: Wanted, into: ReadBuffer): Promise<Run | null> {
    if (wanted.place.damaged) await turnToCopy(wanted, damaged('it is in quarantine, because its record is damaged'));
    const { place, chunk, from, to } = wanted;
    const headerOnly = from >= SKIPPED_SEGMENTS_MAX * SEGMENT_BYTES || isForThread(to - from);
    const needed = RECORD_HEADER_BYTES_MAX + (headerOnly ? 0 : Math.ceil(to / SEGMENT_BYTES) * (SEGMENT_BYTES + TAG_BYTES));
    const bytes = await fetch(wanted, 0, Math.min(place.length, needed, into.bytes.length), into.bytes);
    if (bytes === null) return open(wanted, into);
    let header: RecordHeader;
    let key: Buffer | null;
    try {
      header = decodeRecordHeader(bytes, place.length);
      if (header.domain !== domain.id || !header.id.equals(chunk.id) || header.size !== chunk.size) {
        throw damaged('another chunk lies in its place');
      }
      if (!needsKey(header)) await deps.plain.require();
      // Another process may have begun an epoch that we have not heard of.
      else if (!domain.knows(header.epoch)) await deps.keyring.refresh(domain.id);
      key = needsKey(header) ? deps.recordKeys.derive(domain, header.epoch, header.salt) : null;
      if (key === null) byThreads = false; // nothing to do there
    } catch (error) {
      await turnToCopy(wanted, error);
      return open(wanted, into);
    }
    const first = Math.floor(from / header.segmentBytes);
    const last = Math.floor((to - 1) / header.segmentBytes);
    record = { wanted, place, header, key, next: first, last };
    let end = first;
    while (end <= last && endOf(header, end) <= bytes.length) end++;
    return end === first ? null : runOf(record, end, bytes, 0, into);
  }

  /** Whether a thread reads so many bytes when they are opened. */
  function isForThread(bytes: number): boolean {
    return byThreads && bytes >= THREAD_BYTES_MIN;
  }

  /** @param fetched null: from the record's byte `base` on, they are read when they are opened */
  function runOf(of: OpenRecord, end: number, fetched: Buffer | null, base: number, into: ReadBuffer): Run {
    const { wanted, place, header } = of;
    const first = of.next;
    of.next = end;
    return {
      wanted,
      async open() {
        const sealed = Array.from({ length: end - first }, (_, at) => {
          const { offset, stored } = header.segments[first + at]!;
          return { index: first + at, offset: offset - base, length: stored + TAG_BYTES };
        });
        const plain: Buffer[] = [];
        const borrowed: Buffer[] = [];
        let start = first * header.segmentBytes;
        const pieces = await (fetched === null ? readAndOpen(of, base, sealed, into) : openAll(of, fetched, sealed, into));
        for (const piece of pieces.flatMap(inBounds)) {
          const [from, to] = [Math.max(0, wanted.from - start), Math.min(piece.length, wanted.to - start)];
          start += piece.length;
          if (from >= to) continue;
          const part = to - from < piece.length ? piece.subarray(from, to) : piece;
          if (piece.buffer === into.bytes.buffer && part.length >= BORROWED_BYTES_MIN) {
            borrowed.push(part);
            plain.push(part);
          } else if (piece.buffer === into.bytes.buffer || piece.buffer === fetched?.buffer) plain.push(copyOf(part));
          else plain.push(piece.length === piece.buffer.byteLength ? disposable(part) : part);
        }
        return { plain, borrowed };
      },
      async again(error) {
        const [from, to] = [first * header.segmentBytes, end * header.segmentBytes];
        const part = { ...wanted, place, from: Math.max(wanted.from, from), to: Math.min(wanted.to, to) };
        await turnAway(part, error);
        return part;
      },
    };
  }

  /** The plaintext of these segments in pieces. What lay in `into` may be overwritten by it, and lie in other memory. @throws corrupt */
  async function openAll(
    { wanted, header, key }: OpenRecord,
    fetched: Buffer,
    sealed: SealedSegment[],
    into: ReadBuffer,
  ): Promise<Buffer[]> {
    if (fetched.buffer === into.bytes.buffer && key !== null) {
      const bytes = sealed.reduce((sum, { length }) => sum + length, 0);
      const here = bytes < THREAD_BYTES_MIN || (gcm.native && openedHere < FIRST_BYTES);
      const elsewhere = here ? null : deps.threads?.open(key, header, fetched, sealed);
      if (!elsewhere) openedHere += bytes;
      if (elsewhere) {
        const { sealed: memory, plain } = await elsewhere;
        into.bytes = Buffer.from(memory);
        return checked(wanted, plain ?? []);
      }
      if (opensInPlace(header, sealed)) return [within(wanted, () => openInPlace(key, header, fetched, sealed))];
    }
    return within(wanted, () =>
      sealed.flatMap(({ index, offset, length }) => openSegment(key, header, index, fetched.subarray(offset, offset + length))),
    );
  }

  /** By one thread, while the bytes are in its processor's cache. @throws corrupt, unavailable, not_found */
  async function readAndOpen(of: OpenRecord, start: number, sealed: SealedSegment[], into: ReadBuffer): Promise<Buffer[]> {
    const { wanted, place, header, key } = of;
    const length = sealed.reduce((sum, segment) => sum + segment.length, 0);
    const opened = await deps.log.lend!(place, async ({ descriptor, position }) =>
      deps.threads!.open(key!, header, into.bytes.subarray(0, length), sealed, { descriptor, position: position + start }),
    );
    if (opened !== null) into.bytes = Buffer.from(opened.sealed);
    if (opened !== null && opened.plain !== null) return checked(wanted, opened.plain);
    if (opened !== null) byThreads = false;
    return openAll(of, await fetchRecord(deps, place, start, length, into.bytes), sealed, into);
  }

  /** Once for each wanted. @throws the error when it is not of damage, or there is no good copy */
  async function turnToCopy(wanted: Wanted, error: unknown): Promise<void> {
    if (!isCloudStoreError(error, 'corrupt') || wanted.healed) throw error;
    const place = (await deps.repair?.chunk(domain.id, wanted.chunk, wanted.place, error.message)) ?? null;
    if (place === null) throw error;
    wanted.place = place;
    wanted.healed = true;
  }

  /** null: compaction moved the chunk, or a copy was found. Its place is now the one that it has, perhaps with another header. */
  async function fetch(wanted: Wanted, offset: number, length: number, into: Buffer): Promise<Buffer | null> {
    try {
      return await fetchRecord(deps, wanted.place, offset, length, length <= into.length ? into : undefined);
    } catch (error) {
      await turnAway(wanted, error);
      return null;
    }
  }

  /** From a place that cannot be read. @throws the error when there is no other */
  async function turnAway(wanted: Wanted, error: unknown): Promise<void> {
    const { pack, offset } = wanted.place;
    if (isBadSector(error)) await turnToCopy(wanted, damaged('the disk cannot read it', error));
    else if (!isCloudStoreError(error, 'not_found')) await turnToCopy(wanted, error);
    else {
      const [place] = await deps.chunks.places(domain.id, [wanted.chunk.id]);
      if (!place || (place.pack === pack && place.offset === offset))
        await turnToCopy(wanted, damaged('its pack is missing', error));
      else wanted.place = place;
    }
  }

  return {
    async next(into) {
      for (;;) {
        if (record === null || record.next > record.last) {
          const { value, done } = await plan.next();
          if (done) return null;
          const run = await within(value, () => open(value, into));
          if (run !== null) return run;
          continue;
        }
        const current: OpenRecord = record;
        const { header, wanted } = current;
        const start = header.segments[current.next]!.offset;
        let end = current.next + 1;
        while (end <= current.last && endOf(header, end) - start <= into.bytes.length) end++;
        const length = endOf(header, end - 1) - start;
        if (current.key !== null && isForThread(length)) return runOf(current, end, null, start, into);
        const bytes = await within(wanted, () => fetch(wanted, start, length, into.bytes));
        if (bytes !== null) return runOf(current, end, bytes, start, into);
        const rest = { ...wanted, from: Math.max(wanted.from, current.next * header.segmentBytes) };
        record = null;
        const run = await within(rest, () => open(rest, into));
        if (run !== null) return run;
      }
    },
    async close() {
      await plan.return(undefined);
    },
  };
}

/** @throws corrupt */
function checked(wanted: Wanted, plain: Buffer[] | CloudStoreError): Buffer[] {
  if (!(plain instanceof CloudStoreError)) return plain;
  return within(wanted, () => {
    throw plain;
  });
}

function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return disposable(copy);
}

/** Joined segments may be a short one longer than what Content.read yields at once. */
function inBounds(piece: Buffer): Buffer[] {
  return piece.length <= PIECE_BYTES_MAX
    ? [piece]
    : [piece.subarray(0, PIECE_BYTES_MAX), ...inBounds(piece.subarray(PIECE_BYTES_MAX))];
}

/** A sector that cannot be read is damage; a disk that cannot be reached at all is not. */
function isBadSector(error: unknown): boolean {
  return isCloudStoreError(error, 'unavailable') && error.details.code === 'EIO';
}

function endOf({ segments }: RecordHeader, index: number): number {
  const { offset, stored } = segments[index]!;
  return offset + stored + TAG_BYTES;
}

/** Tells where in the content it went wrong. */
function within<T>(wanted: Wanted, work: () => T): T {
  const told = (error: unknown): never => {
    if (!isCloudStoreError(error, 'corrupt')) throw error;
    throw new CloudStoreError('corrupt', error.message, { details: { ...error.details, offset: wanted.offset }, cause: error });
  };
  try {
    const result = work();
    return result instanceof Promise ? (result.catch(told) as T) : result;
  } catch (error) {
    return told(error);
  }
}

/** Bytes of a record, from the log of this gateway or the store that has its pack. @throws not_found, corrupt, unavailable */
export async function fetchRecord(
  { log, stores }: Pick<RecordReaderDeps, 'log' | 'stores'>,
  place: ChunkPlace,
  offset: number,
  length: number,
  into?: Buffer,
): Promise<Buffer> {
  try {
    return await log.read(place, offset, length, into);
  } catch (error) {
    if (!isCloudStoreError(error, 'not_found')) throw error;
    return stores.of(place.store).read(`${place.pack}.pack`, place.offset + offset, length, into);
  }
}
