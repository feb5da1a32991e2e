import { crc32c } from '@node-rs/crc32';
import type { BlobStore } from '#contracts/blob-store';
import type { DamagePart, InspectOptions, PackInspector, PackPart } from '#contracts/pack-inspector';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { turnBit } from './bit-repair.ts';
import { nextBlock } from './direct-write.ts';
import { packName } from './pack-file.ts';
import {
  decodeFrame,
  decodePackHeader,
  decodePackIndex,
  decodePackTrailer,
  ENTRY_BYTES,
  FRAME_BYTES,
  type IndexEntry,
  LABEL_BYTES,
  PACK_HEADER_BYTES,
  TRAILER_BYTES,
} from './pack-format.ts';

/** Holds the largest record that is written, with its frame. */
const WINDOW_BYTES = (4 << 20) + (256 << 10);
/** No version wrote a longer record; a length beyond it is damage, not a reason to take so much memory. */
const RECORD_BYTES_MAX = 64 << 20;

export function createPackInspector(): PackInspector {
  return {
    inspect,
    turnBit,
    async labels(store, pack) {
      const found = await store.stat(packName(pack));
      if (found === null) throw new CloudStoreError('not_found', `There is no pack ${pack}.`);
      return (await readTail(store, packName(pack), found.size)).index ?? [];
    },
    async statedCrc(read, length) {
      const frame = decodeFrame(await read(FRAME_BYTES));
      return frame !== null && frame.length === length ? frame.crc : null;
    },
  };
}

async function* inspect(store: BlobStore, pack: string, options: InspectOptions = {}): AsyncGenerator<PackPart> {
  const name = packName(pack);
  const found = await store.stat(name);
  if (found === null) throw new CloudStoreError('not_found', `There is no pack ${pack}.`);
  const window = createWindow(store, name, found.size);
  const header = await window.at(0, PACK_HEADER_BYTES);
  if (!isHeaderOf(header, pack)) yield damage(0, PACK_HEADER_BYTES, 'the header of the pack is damaged', PACK_HEADER_BYTES);
  const tail = await readTail(store, name, found.size);
  yield* tail.damage;
  yield* walk(window, tail, options);
}

interface Tail {
  /** Where the records end. */
  end: number;
  /** null: no good index. */
  index: IndexEntry[] | null;
  damage: DamagePart[];
}

async function readTail(store: BlobStore, name: string, size: number): Promise<Tail> {
  const at = size - TRAILER_BYTES;
  const trailer = at < 0 ? null : decodePackTrailer(await store.read(name, at, TRAILER_BYTES));
  if (trailer === null) {
    const reason = 'the trailer of the pack is damaged or missing';
    return {
      end: size,
      index: null,
      damage: [damage(Math.max(0, at), Math.min(size, TRAILER_BYTES), reason, PACK_HEADER_BYTES)],
    };
  }
  const bytes = trailer.count * ENTRY_BYTES;
  if (trailer.offset + bytes !== at) {
    const reason = 'the pack is not of the length that its trailer states';
    return { end: Math.min(at, trailer.offset), index: null, damage: [damage(at, TRAILER_BYTES, reason, PACK_HEADER_BYTES)] };
  }
  try {
    const index = decodePackIndex(await store.read(name, trailer.offset, bytes), trailer);
    return { end: trailer.offset, index, damage: [] };
  } catch (error) {
    if (!isCloudStoreError(error, 'corrupt')) throw error;
    const reason = 'the index of the pack is damaged';
    return { end: trailer.offset, index: null, damage: [damage(trailer.offset, bytes, reason, PACK_HEADER_BYTES)] };
  }
}

/** From frame to frame; where one is damaged, index and rows tell where the next is. */
async function* walk(window: Window, { end, index }: Tail, { known = [], from }: InspectOptions): AsyncGenerator<PackPart> {
  const expected = [...(index ?? []), ...known].sort((a, b) => a.offset - b.offset);
  const labels = index === null ? null : new Map(index.map((entry) => [entry.offset, entry]));
  let upcoming = 0;
  let at = Math.max(PACK_HEADER_BYTES, from ?? 0);
  while (at < end) {
    const frame = at + FRAME_BYTES <= end ? decodeFrame(await window.at(at, FRAME_BYTES)) : null;
    const offset = at + FRAME_BYTES;
    while (upcoming < expected.length && expected[upcoming]!.offset < offset) upcoming++;
    const next = expected[upcoming];
    if (frame !== null || next?.offset === offset) {
      const length = frame?.length ?? next!.length;
      if (frame === null) yield damage(at, FRAME_BYTES, 'the frame of a record is damaged', at);
      if (length > RECORD_BYTES_MAX || offset + length > end) {
        yield damage(offset, end - offset, 'the pack ends before the end of this record', end);
        return;
      }
      const bytes = await window.at(offset, length);
      const crc = frame?.crc ?? null;
      const fits = crc !== null && crc32c(bytes) === crc;
      const entry = labels?.get(offset);
      if (fits && labels !== null && (entry === undefined || !isLabelOf(entry, bytes)))
        yield damage(offset, length, 'the index of the pack says something else of this record', at);
      at = offset + length;
      yield { kind: 'record', offset, length, bytes, crc, fits, next: at };
      continue;
    }
    // Behind a batch that was written past the page cache there are zeros, up to the next block.
    const block = nextBlock(at);
    const stop = next === undefined ? end : next.offset - FRAME_BYTES;
    if (block > at && block <= stop && (block === stop ? next !== undefined : await isFrame(window, block, end))) {
      if (!(await window.at(at, block - at)).every((byte) => byte === 0))
        yield damage(at, block - at, 'what fills the space between two records is not zero any more', block);
      at = block;
      continue;
    }
    yield damage(at, stop - at, 'what lies here cannot be told', stop);
    at = stop;
  }
}

async function isFrame(window: Window, at: number, end: number): Promise<boolean> {
  return at + FRAME_BYTES <= end && decodeFrame(await window.at(at, FRAME_BYTES)) !== null;
}

interface Window {
  /** A view, until the next call. */
  at(offset: number, length: number): Promise<Buffer>;
}

/** Reads a blob forward in large pieces. */
function createWindow(store: BlobStore, name: string, size: number): Window {
  const buffer = Buffer.allocUnsafeSlow(Math.min(size, WINDOW_BYTES));
  let base = 0;
  let filled = 0;
  return {
    async at(offset, length) {
      const bytes = Math.max(0, Math.min(length, size - offset));
      if (offset < base || offset + bytes > base + filled) {
        if (bytes > buffer.length) return store.read(name, offset, bytes);
        filled = 0;
        const wanted = Math.min(buffer.length, size - offset);
        await store.read(name, offset, wanted, buffer);
        base = offset;
        filled = wanted;
      }
      return buffer.subarray(offset - base, offset - base + bytes);
    },
  };
}

function isHeaderOf(bytes: Buffer, pack: string): boolean {
  try {
    return decodePackHeader(bytes)?.id === pack;
  } catch (error) {
    if (isCloudStoreError(error, 'corrupt')) return false; // another version, which no pack of this store has
    throw error;
  }
}

function isLabelOf({ length, label }: IndexEntry, record: Buffer): boolean {
  const some = Math.min(LABEL_BYTES, record.length);
  return length === record.length && label.subarray(0, some).equals(record.subarray(0, some));
}

function damage(offset: number, length: number, reason: string, next: number): DamagePart {
  return { kind: 'damage', offset, length, reason, next };
}
