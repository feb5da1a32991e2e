import { nextBlock } from './direct-write.ts';
import { encodeFrame, FRAME_BYTES } from './pack-format.ts';

/** A record that is to be appended; one of no byte is a barrier. */
export interface Appended {
  record: Uint8Array[];
  crc: number | undefined;
  length: number;
  /** See `Log.appendUnsynced`. */
  blocks: Buffer | undefined;
}

/** What is written in one go. */
export interface Run {
  start: number;
  buffers: Uint8Array[];
  /** The buffers are whole blocks, and go past the page cache as they lie. */
  blocks: boolean;
}

export interface Layout {
  runs: Run[];
  /** Of each record in the pack; of a barrier, where the one before it ends. */
  offsets: number[];
  end: number;
}

/**
 * Where the records of a batch come to lie behind a pack's tail.
 * @param direct past the page cache, where whatever is written in one go begins at a block, and so does each record that lies in blocks of its own
 */
export function layOut(batch: readonly Appended[], tail: number, direct: boolean): Layout {
  const runs: Run[] = [];
  const offsets: number[] = [];
  let at = tail;
  for (const { record, crc, length, blocks } of batch) {
    if (length === 0) {
      offsets.push(at);
      continue;
    }
    const own = direct && blocks !== undefined;
    let run = runs.at(-1);
    const joins = run !== undefined && (own ? run.blocks : !run.blocks);
    if (direct && (own || !joins)) at = nextBlock(at);
    if (run === undefined || !joins) runs.push((run = { start: at, buffers: [], blocks: own }));
    const frame = encodeFrame(record, crc);
    if (own) run.buffers.push(framed(blocks, frame, length));
    else run.buffers.push(frame, ...record);
    offsets.push(at + FRAME_BYTES);
    at += FRAME_BYTES + length;
  }
  return { runs, offsets, end: at };
}

/** The blocks with the frame ahead of the record, and zeros behind it. */
function framed(blocks: Buffer, frame: Buffer, length: number): Buffer {
  const end = FRAME_BYTES + length;
  frame.copy(blocks);
  return blocks.subarray(0, nextBlock(end)).fill(0, end);
}
