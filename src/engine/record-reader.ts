import type { BlobStores } from '#contracts/blob-stores';
import type { ChunkIndex } from '#contracts/chunk-index';
import type { ChunkPlace } from '#contracts/content';
import type { DomainKeys, Keyring } from '#contracts/keyring';
import type { Log } from '#contracts/log';
import type { Repair } from '#contracts/repair';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { gcm } from './gcm.ts';
import { endOf, endWithin, type OpenRecord, openEach, openRecord, sealedOf } from './open-record.ts';
import { type Opened, openedOf } from './opened.ts';
import type { PlainPolicy } from './plain-policy.ts';
import type { ReadBuffer, ReadBufferSizes } from './read-buffers.ts';
import type { PlanQueue, Wanted } from './read-plan.ts';
import { needsKey, openInPlace, opensInPlace, type SealedSegment } from './record-cipher.ts';
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

/**
 * What one read of the disk fetches: the segments of a chunk, and the header with the first; less where clients hold much. What the system has in memory is fetched
 * in small ones: copied, opened and sent in turn, they stay in the nearest cache of one processor.
 */
const FETCH_SEGMENTS = { whole: 8, small: 3 };
/** What begins behind so many segments is fetched alone, and the header before it. */
const SKIPPED_SEGMENTS_MAX = 4;
/** Less, as one segment, is sooner opened here than sent to another thread. */
const THREAD_BYTES_MIN = 384 << 10;
/** And so is all of a read of no more: a thread takes longer to wake up. */
const SHORT_BYTES_MAX = 8 << 20;
/** After one that the disk was waited for, so many runs are fetched ahead. */
const RUNS_AHEAD = 32;
const fetchBytes = (segments: number): number => RECORD_HEADER_BYTES_MAX + segments * (SEGMENT_BYTES + TAG_BYTES);
export const FETCH_BYTES: ReadBufferSizes = { whole: fetchBytes(FETCH_SEGMENTS.whole), small: fetchBytes(FETCH_SEGMENTS.small) };

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
  /** Whether it pays to fetch while what came before is on its way: a disk is waited for. */
  readonly ahead: boolean;
  /** A record is open, of which segments are still wanted: they come next. */
  readonly within: boolean;
  /** The next run, opened, where nothing has to be waited for and nothing is wrong: what is, `next` finds again. Not beside a call of it. */
  now(into: ReadBuffer): (Opened & { wanted: Wanted }) | null;
  /**
   * The next record, whole, for a thread to read and open while this one does what comes before it; of what has to be waited for, and where it does not pay, null.
   * What is wanted of the record that is open comes first all the same. Not beside a call of `next`.
   * @param buffer for so many bytes; null: there is none
   */
  handOver(buffer: (bytes: number) => ReadBuffer | null): { run: Run; into: ReadBuffer } | null;
  /** Into the given buffer, where it fits. One call at a time; `open` may come later. null: that was all. @throws corrupt, unavailable */
  next(into: ReadBuffer): Promise<Run | null>;
  close(): Promise<void>;
}

/** @param size bytes that the plan wants in all */
export function createRecordReader(deps: RecordReaderDeps, domain: DomainKeys, plan: PlanQueue, size: number): RecordReader {
  /** Threads are to read, too, as long as they find that the system has it in memory. */
  let byThreads = size > SHORT_BYTES_MAX && gcm.native && deps.threads !== null && deps.log.lend !== undefined;
  /** Infinite where nothing can be read at once, or is better opened by another thread. */
  let runsAhead = deps.log.readNow === undefined || !gcm.native ? Number.POSITIVE_INFINITY : 0;
  let record: OpenRecord | null = null;

  async function open(wanted: Wanted, into: ReadBuffer): Promise<Run | null> {
    if (wanted.place.damaged) await turnToCopy(wanted, damaged('it is in quarantine, because its record is damaged'));
    const { place } = wanted;
    const bytes = await fetch(wanted, 0, firstBytes(wanted, into), into.bytes);
    if (bytes === null) return open(wanted, into);
    let header: RecordHeader;
    let key: Buffer | null;
    try {
      header = headerOf(wanted, bytes);
      if (!needsKey(header)) await deps.plain.require();
      // Another process may have begun an epoch that we have not heard of.
      else if (!domain.knows(header.epoch)) await deps.keyring.refresh(domain.id);
      key = needsKey(header) ? deps.recordKeys.derive(domain, header.epoch, header.salt) : null;
    } catch (error) {
      await turnToCopy(wanted, error);
      return open(wanted, into);
    }
    record = openRecord(wanted, place, header, key);
    const end = endWithin(record, bytes.length);
    return end === record.next ? null : runOf(record, end, bytes, 0, into);
  }

  /** To be read first of a record: its header, and what is wanted behind it. */
  function firstBytes({ place, from, to }: Wanted, into: ReadBuffer): number {
    const headerOnly = from >= SKIPPED_SEGMENTS_MAX * SEGMENT_BYTES;
    const needed = RECORD_HEADER_BYTES_MAX + (headerOnly ? 0 : Math.ceil(to / SEGMENT_BYTES) * (SEGMENT_BYTES + TAG_BYTES));
    return Math.min(place.length, needed, fetchMax(into));
  }

  /** @throws corrupt */
  function headerOf({ place, chunk }: Wanted, bytes: Buffer): RecordHeader {
    const header = decodeRecordHeader(bytes, place.length);
    if (header.domain !== domain.id || !header.id.equals(chunk.id) || header.size !== chunk.size) {
      throw damaged('another chunk lies in its place');
    }
    return header;
  }

  /** Segments of the record that is open, or of the next one, in `into`. null: not at once. @throws corrupt */
  function readNow(into: ReadBuffer): { of: OpenRecord; end: number; fetched: Buffer; base: number } | null {
    const of = current();
    if (of !== null) {
      const { end, start, length } = nextSegments(of, into);
      const fetched = readAtOnce(of.wanted, start, length, into.bytes);
      return fetched && { of, end, fetched, base: start };
    }
    const wanted = plan.peek();
    if (wanted === null || wanted.place.damaged) return null;
    const fetched = readAtOnce(wanted, 0, firstBytes(wanted, into), into.bytes);
    const begun = fetched && openNow(wanted, fetched);
    if (fetched === null || begun === null) return null;
    plan.drop();
    record = begun;
    const end = endWithin(record, fetched.length);
    return end === record.next ? readNow(into) : { of: record, end, fetched, base: 0 };
  }

  /** By its first bytes. null: something of it has to be asked for. @throws corrupt */
  function openNow(wanted: Wanted, bytes: Buffer): OpenRecord | null {
    const header = headerOf(wanted, bytes);
    const { epoch, salt } = header;
    if (!needsKey(header)) return deps.plain.allowed ? openRecord(wanted, wanted.place, header, null) : null;
    if (!domain.knows(epoch)) return null;
    return openRecord(wanted, wanted.place, header, deps.recordKeys.derive(domain, epoch, salt));
  }

  function readAtOnce({ place }: Wanted, offset: number, length: number, into: Buffer): Buffer | null {
    return length <= into.length && deps.log.readNow?.(place, offset, length, into) ? into.subarray(0, length) : null;
  }

  /** Of which segments are still wanted. */
  function current(): OpenRecord | null {
    return record !== null && record.next <= record.last ? record : null;
  }

  function nextSegments({ header, next, last }: OpenRecord, into: ReadBuffer) {
    const start = header.segments[next]!.offset;
    let end = next + 1;
    while (end <= last && endOf(header, end) - start <= fetchMax(into)) end++;
    return { end, start, length: endOf(header, end - 1) - start };
  }

  function fetchMax(into: ReadBuffer): number {
    return runsAhead > 0 ? into.bytes.length : Math.min(into.bytes.length, FETCH_BYTES.small);
  }

  /** @param fetched null: from the record's byte `base` on, they are read when they are opened */
  function runOf(of: OpenRecord, end: number, fetched: Buffer | null, base: number, into: ReadBuffer): Run {
    const { wanted, place, header } = of;
    const first = of.next;
    of.next = end;
    return {
      wanted,
      async open() {
        const sealed = sealedOf(header, first, end, base);
        const pieces = await (fetched === null ? readAndOpen(of, base, sealed, into) : openAll(of, fetched, sealed, into));
        return openedOf(pieces, wanted, first * header.segmentBytes, into, fetched);
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
      const here = bytes < THREAD_BYTES_MIN || (gcm.native && runsAhead === 0);
      const elsewhere = here ? null : deps.threads?.open(key, header, fetched, sealed);
      if (elsewhere) {
        const { sealed: memory, plain } = await elsewhere;
        into.bytes = Buffer.from(memory);
        return checked(wanted, plain ?? []);
      }
      if (opensInPlace(header, sealed)) return [within(wanted, () => openInPlace(key, header, fetched, sealed))];
    }
    return within(wanted, () => openEach({ header, key }, sealed, fetched));
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
    const there = readAtOnce(wanted, offset, length, into);
    if (there !== null) {
      if (runsAhead > 0) runsAhead--;
      return there;
    }
    runsAhead = Math.max(runsAhead, RUNS_AHEAD);
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
    get ahead() {
      return runsAhead > 0;
    },
    get within() {
      return current() !== null;
    },
    now(into) {
      if (runsAhead > 0) return null;
      try {
        const found = readNow(into);
        if (found === null) return null;
        const { of, end, fetched, base } = found;
        const { wanted, header, key, next: first } = of;
        const sealed = sealedOf(header, first, end, base);
        if (!opensInPlace(header, sealed)) {
          runsAhead = RUNS_AHEAD; // for threads
          return null;
        }
        const piece = openInPlace(key, header, fetched, sealed);
        of.next = end;
        return { wanted, ...openedOf([piece], wanted, first * header.segmentBytes, into, fetched) };
      } catch (error) {
        if (isCloudStoreError(error, 'corrupt')) return null;
        throw error;
      }
    },
    handOver(buffer) {
      const wanted = byThreads && runsAhead === 0 ? plan.peek() : null;
      if (wanted === null || wanted.place.damaged || wanted.to - wanted.from < THREAD_BYTES_MIN) return null;
      const begin = readAtOnce(wanted, 0, RECORD_HEADER_BYTES_MAX, Buffer.allocUnsafe(RECORD_HEADER_BYTES_MAX));
      if (begin === null) return null;
      try {
        const of = openNow(wanted, begin);
        if (of === null || of.key === null) return null;
        const { offset } = of.header.segments[of.next]!;
        const into = buffer(endOf(of.header, of.last) - offset);
        if (into === null) return null;
        plan.drop();
        return { run: runOf(of, of.last + 1, null, offset, into), into };
      } catch (error) {
        if (isCloudStoreError(error, 'corrupt')) return null;
        throw error;
      }
    },
    async next(into) {
      for (;;) {
        const of = current();
        if (of === null) {
          const value = await plan.next();
          if (value === null) return null;
          const run = await within(value, () => open(value, into));
          if (run !== null) return run;
          continue;
        }
        const { header, wanted } = of;
        const { end, start, length } = nextSegments(of, into);
        const bytes = await within(wanted, () => fetch(wanted, start, length, into.bytes));
        if (bytes !== null) return runOf(of, end, bytes, start, into);
        const rest = { ...wanted, from: Math.max(wanted.from, of.next * header.segmentBytes) };
        record = null;
        const run = await within(rest, () => open(rest, into));
        if (run !== null) return run;
      }
    },
    async close() {
      await plan.close();
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

/** A sector that cannot be read is damage; a disk that cannot be reached at all is not. */
function isBadSector(error: unknown): boolean {
  return isCloudStoreError(error, 'unavailable') && error.details.code === 'EIO';
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
