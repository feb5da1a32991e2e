import type { Cutting } from '#contracts/delta';
import type { Arena } from './arena.ts';
import { SLOT_BYTES } from './arena.ts';
import type { SlotPart } from './digests.ts';
import type { Gatherer, Slots } from './slots.ts';

/**
 * How bodies are cut (docs/FORMAT.md): FastCDC (Xia et al. 2016) with normalized sizes, over a gear hash of the last 32 bytes whose table is the
 * domain's secret. Nothing that is stored depends on these numbers, only what deduplicates against what.
 */
export const NORMAL: Cutting = { min: 256 << 10, average: 1 << 20, max: 2 << 20, hardMask: topBits(22), easyMask: topBits(18) };
/**
 * For the first chunk of a body. Parts of a multipart upload begin and end at other places when bytes were inserted before them, and what lies
 * between such an end and the cut next to it is stored again: so there is a cut near both ends.
 */
export const FINE: Cutting = { min: 16 << 10, average: 64 << 10, max: 256 << 10, hardMask: topBits(18), easyMask: topBits(14) };
/** And the last chunk is cut in two at the last place that the hash finds, 64 KiB before the end on average. */
const TAIL_MASK = topBits(16);
const TAIL_BYTES_MIN = 128 << 10;
const LAST_BYTES_MIN = 4 << 10;
/** Whoever adds a body up elsewhere is soon done behind its end, and hears of it not too often. */
const TELL_BYTES = 512 << 10;
/** A body of up to this many bytes is one chunk, and is not scanned. */
export const WHOLE_BYTES_MAX = 1 << 20;

export interface CutChunk {
  parts: SlotPart[];
  size: number;
}

export interface ChunkerOptions {
  arena: Arena;
  slots: Slots;
  gear: Uint32Array;
  /** The next bytes of the body, before they are in a chunk; their slots stay as they are while this runs, for longer to who retains them. */
  gathered(parts: SlotPart[]): void;
  /** Takes the chunk's parts over: of each its slot is held once, also where two share it. */
  emit(chunk: CutChunk): void;
}

/** Gathers a body in slots and cuts it. */
export interface Chunker {
  /** Copies the bytes. null: done; else it waits for a slot. */
  add(bytes: Uint8Array): Promise<void> | null;
  /** Emits what is left. */
  end(): void;
  /** Gives all slots back. */
  abort(): void;
}

type Mode = 'whole' | 'fine' | 'normal';

export function createChunker({ arena, slots, gear, gathered, emit }: ChunkerOptions): Chunker {
  let mode: Mode = 'whole';
  let aborted = false;
  /** Ends the wait for a slot, where there is one. */
  let giveUp: (() => void) | null = null;
  /** The unfinished chunk. Chunks that meet within a slot share it. */
  const parts: SlotPart[] = [];
  let size = 0;
  /** Of the last parts what `gathered` was not told of yet. */
  let untold = 0;
  /** Scanned so far, and the hash there. */
  let scanned = 0;
  let hash = 0;

  const gatherer: Gatherer = {
    held: 0,
    flush() {
      if (size === 0) return;
      cutAt(size);
      if (mode === 'whole') mode = 'fine';
    },
  };

  function tell(): void {
    const told: SlotPart[] = [];
    for (let index = parts.length - 1; untold > 0; index--) {
      const { slot, from, length } = parts[index]!;
      const some = Math.min(untold, length);
      told.unshift({ slot, from: from + length - some, length: some });
      untold -= some;
    }
    if (told.length > 0) gathered(told);
  }

  function cutAt(end: number): void {
    tell(); // the slots are the chunk's alone from here on
    const taken: SlotPart[] = [];
    let rest = end;
    while (rest > 0) {
      const [first] = parts as [SlotPart];
      if (first.length <= rest) {
        taken.push(parts.shift()!);
        slots.handedOn(gatherer, 1);
      } else {
        slots.retain(first.slot);
        taken.push({ ...first, length: rest });
        parts[0] = { slot: first.slot, from: first.from + rest, length: first.length - rest };
      }
      rest -= Math.min(rest, first.length);
    }
    size -= end;
    scanned = 0;
    hash = 0;
    emit({ parts: taken, size: end });
  }

  function scan(): void {
    for (;;) {
      const end = findCut(mode === 'fine' ? FINE : NORMAL);
      if (end < 0) return;
      cutAt(end);
      mode = 'normal';
    }
  }

  function findCut({ min, average, max, hardMask, easyMask }: Cutting): number {
    const limit = Math.min(size, max);
    // The hash looks back 32 bytes: it need not have seen more than that before the first place where a cut may be.
    scanned = Math.max(scanned, Math.min(limit, min - 32));
    while (scanned < Math.min(limit, min)) roll(Math.min(limit, min), -1);
    let cut = roll(Math.min(limit, average), hardMask);
    if (cut < 0) cut = roll(limit, easyMask);
    return cut < 0 && limit === max ? max : cut;
  }

  /** Scans on to `to`, or to the first cut, which it returns. */
  function roll(to: number, mask: number): number {
    let start = 0;
    for (const { slot, from, length } of parts) {
      if (start >= to) break;
      const end = Math.min(to, start + length);
      if (scanned < end) {
        const found = arena.scan(gear, slot, from + scanned - start, from + end - start, mask, hash);
        hash = found.hash;
        scanned = found.cut < 0 ? end : found.cut - from + start;
        if (found.cut >= 0) return scanned;
      }
      start += length;
    }
    return -1;
  }

  /** The last place near the end where a cut may be; -1: none. */
  function lastCut(): number {
    scanned = 0;
    hash = 0;
    let last = -1;
    for (let cut = 0; cut >= 0; cut = roll(size - LAST_BYTES_MIN, TAIL_MASK)) last = cut;
    return last;
  }

  /** null: the body was given up meanwhile, and the slot goes back whenever it comes. */
  function unlessAborted(taken: Promise<number>): Promise<number | null> {
    return new Promise((resolve) => {
      giveUp = () => resolve(null);
      void taken.then((slot) => {
        giveUp = null;
        if (!aborted) return resolve(slot);
        slots.handedOn(gatherer, 1);
        slots.release(slot);
        resolve(null);
      });
    });
  }

  function add(bytes: Uint8Array): Promise<void> | null {
    if (mode === 'whole' && size + bytes.length > WHOLE_BYTES_MAX) mode = 'fine';
    for (let at = 0; at < bytes.length; ) {
      const last = parts.at(-1);
      if (last === undefined || last.from + last.length === SLOT_BYTES) {
        const taken = slots.take(gatherer);
        if (typeof taken !== 'number') return addTo(taken, bytes.subarray(at));
        parts.push({ slot: taken, from: 0, length: 0 });
      }
      at += fill(bytes, at);
    }
    return null;
  }

  async function addTo(taken: Promise<number>, bytes: Uint8Array): Promise<void> {
    const slot = await unlessAborted(taken);
    if (slot === null) return;
    // While we waited, the chunk may have been ended; the slot then begins the next one.
    parts.push({ slot, from: 0, length: 0 });
    const filled = fill(bytes, 0);
    slots.relieve();
    await add(bytes.subarray(filled));
  }

  /** Copies what fits into the last slot. */
  function fill(bytes: Uint8Array, at: number): number {
    const last = parts.at(-1)!;
    const filled = last.from + last.length;
    const some = Math.min(bytes.length - at, SLOT_BYTES - filled);
    arena.view(last.slot, filled, filled + some).set(bytes.subarray(at, at + some));
    last.length += some;
    size += some;
    untold += some;
    if (untold >= TELL_BYTES) tell();
    if (mode !== 'whole') scan();
    return some;
  }

  return {
    add,
    end() {
      tell();
      const last = mode === 'whole' || size < TAIL_BYTES_MIN ? -1 : lastCut();
      if (last > 0) cutAt(last);
      if (size > 0) cutAt(size);
    },
    abort() {
      aborted = true;
      giveUp?.();
      slots.handedOn(gatherer, parts.length);
      for (const { slot } of parts.splice(0)) slots.release(slot);
      size = 0;
    },
  };
}

function topBits(count: number): number {
  return (0xffffffff << (32 - count)) | 0;
}
