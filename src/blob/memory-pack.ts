import type { ChunkPlace } from '#contracts/content';
import type { Random } from '#core/clock';
import { packId } from './pack-file.ts';
import { createPackIndex, encodeFrame, encodePackHeader, FRAME_BYTES, PACK_HEADER_BYTES } from './pack-format.ts';

/** A pack that is made in memory and goes to its store as a whole. */
export interface MemoryPack {
  readonly id: string;
  /** Header, frames and records so far. */
  readonly bytes: number;
  /** Copies a record; its buffers are the caller's again when it returns. */
  add(record: Uint8Array[]): ChunkPlace;
  /** Fills `into` with what lies at `offset`. */
  read(offset: number, into: Buffer): void;
  /** All of it, with index and trailer. */
  seal(sealed: number): Buffer[];
}

export function createMemoryPack(options: { instance: string; store: number; created: number; random: Random }): MemoryPack {
  const { instance, store, created, random } = options;
  const id = packId(created, 0, random);
  const index = createPackIndex();
  /** One buffer a record, with its frame, by where it begins. */
  const parts: { at: number; buffer: Buffer }[] = [{ at: 0, buffer: encodePackHeader({ id, instance, created }) }];
  let bytes = PACK_HEADER_BYTES;
  return {
    id,
    get bytes() {
      return bytes;
    },
    add(record) {
      const buffer = Buffer.concat([encodeFrame(record), ...record]);
      const place = { store, pack: id, offset: bytes + FRAME_BYTES, length: buffer.length - FRAME_BYTES };
      index.add(place.offset, place.length, record);
      parts.push({ at: bytes, buffer });
      bytes += buffer.length;
      return place;
    },
    read(offset, into) {
      let low = 0;
      let high = parts.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (parts[middle]!.at <= offset) low = middle;
        else high = middle - 1;
      }
      const { at, buffer } = parts[low]!;
      buffer.copy(into, 0, offset - at, offset - at + into.length);
    },
    seal: (sealed) => [...parts.map(({ buffer }) => buffer), ...index.encode(bytes, sealed)],
  };
}
