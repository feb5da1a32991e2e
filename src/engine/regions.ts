import { RECORD_LEAD_BYTES } from '#contracts/log';
import { disposableTogether } from '#core/stream';
import { type Arena, REGION_BYTES } from './arena.ts';

/** Memory that one record is made in and written from. */
export interface Region {
  /** Goes back with `dispose`. */
  record: Buffer;
  /** As the log wants them. */
  blocks: Buffer;
}

/** The regions of the arena: a record that is made in one is not copied on its way to the disk. */
export interface Regions {
  /** null: all are taken, or it is too large for one. */
  take(recordBytes: number): Region | null;
}

export function createRegions(arena: Arena): Regions {
  /** The last one that came free goes out first: its memory is warm. */
  const free = Array.from({ length: arena.regionCount }, (_, index) => arena.regionCount - 1 - index);
  return {
    take(recordBytes) {
      if (RECORD_LEAD_BYTES + recordBytes > REGION_BYTES) return null;
      const index = free.pop();
      if (index === undefined) return null;
      const blocks = arena.region(index);
      const record = blocks.subarray(RECORD_LEAD_BYTES, RECORD_LEAD_BYTES + recordBytes);
      disposableTogether([record], () => free.push(index));
      return { record, blocks };
    },
  };
}
