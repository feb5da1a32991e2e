import { BLOCK_BYTES, type Md5Lanes, type Md5State } from './md5-lanes.ts';
import { MD5_LANES_MAX } from './md5-module.ts';

/**
 * The MD5 of all bodies of a thread. What it is given it hashes in later turns, in bounded rounds, several bodies at a time: in turns, so that a small body
 * waits for some of what large ones were given, not for all of it. Bytes of few bodies wait a moment for those of others; of a body that ends they never do.
 */
export interface Md5Queue {
  begin(id: number): void;
  has(id: number): boolean;
  /** @param ranges of the lanes' memory: address, length, … They must stay until `read` is told, once for each call and in order */
  add(id: number, ranges: readonly number[]): void;
  /** `done` is told when all is hashed. */
  end(id: number): void;
  /** Hashes, now, all that it was given. */
  drain(): void;
}

export interface Md5QueueOptions {
  lanes: Md5Lanes;
  /** So many bytes wait for nobody. */
  waitingBytesMax: number;
  /** Calls back in a later turn, when what came in this one is here. */
  later(run: () => void): void;
  /** Calls back after some milliseconds. @returns what calls it off */
  after(run: () => void, ms: number): () => void;
  read(id: number): void;
  done(id: number, digest: Buffer): void;
}

interface Body {
  id: number;
  state: Md5State;
  /** What it was given and has not hashed, in order; the first is never empty. */
  pieces: Piece[];
  ended: boolean;
  /** Was waited for in vain: nobody waits for it again until it brings something. */
  late: boolean;
}

interface Piece {
  at: number;
  length: number;
  /** Whether `read` is told behind it. */
  last: boolean;
}

/** Of each lane, before others get their turn: an eighth to a quarter of a millisecond. */
const ROUND_BLOCKS = 2048;
/** A body tells of 512 KiB at a time; four that take 50 MB/s each are heard of within that. */
const WAIT_MS = 10;

export function createMd5Queue({ lanes, waitingBytesMax, later, after, read, done }: Md5QueueOptions): Md5Queue {
  const bodies = new Map<number, Body>();
  /** Those that have something to hash, in the order in which they get their turn. */
  let waiting: Body[] = [];
  let waitingBytes = 0;
  /** Of these, what has waited for long enough. */
  let overdueBytes = 0;
  let called = false;
  let callOff: (() => void) | null = null;

  function schedule(): void {
    if (called || waiting.length === 0) return;
    if (!isWorthwhile()) {
      callOff ??= after(stopWaiting, WAIT_MS);
      return;
    }
    called = true;
    later(() => {
      called = false;
      round();
      schedule();
    });
  }

  function stopWaiting(): void {
    callOff = null;
    overdueBytes = waitingBytes;
    for (const body of bodies.values()) body.late = body.pieces.length === 0;
    schedule();
  }

  /** Whether as many bodies are here as may be hoped for, or what cannot wait. */
  function isWorthwhile(): boolean {
    if (overdueBytes > 0 || waitingBytes >= waitingBytesMax || waiting.some(({ ended }) => ended)) return true;
    let hoped = 0;
    for (const { late } of bodies.values()) if (!late) hoped++;
    return waiting.length >= Math.min(hoped, MD5_LANES_MAX);
  }

  function round(drains = false): void {
    callOff?.();
    callOff = null;
    for (let left = ROUND_BLOCKS; left > 0 && waiting.length > 0 && (drains || isWorthwhile()); left--) {
      const ready = waiting.slice(0, MD5_LANES_MAX).filter(hasBlocks);
      if (ready.length > 0) {
        const count = ready.reduce((least, { pieces }) => Math.min(least, wholeBlocks(pieces)), left);
        lanes.blocks(
          ready.map(({ state }) => state),
          ready.map(({ pieces }) => pieces[0]!.at),
          count,
        );
        for (const body of ready) take(body, count * BLOCK_BYTES);
        left -= count - 1;
      }
      waiting = waiting.filter(isWaiting);
    }
    // Where there are more bodies than lanes they take turns.
    if (waiting.length > MD5_LANES_MAX) waiting.push(...waiting.splice(0, MD5_LANES_MAX));
  }

  /** Hashes what comes before its next whole blocks. @returns whether there are any */
  function hasBlocks(body: Body): boolean {
    const { state, pieces } = body;
    for (let piece = pieces[0]; piece !== undefined; piece = pieces[0]) {
      if (state.bytes % BLOCK_BYTES === 0 && piece.length >= BLOCK_BYTES) return true;
      take(body, lanes.fill(state, piece.at, piece.length));
    }
    return false;
  }

  function isWaiting(body: Body): boolean {
    if (body.pieces.length > 0) return true;
    if (body.ended) finish(body);
    return false;
  }

  function take(body: Body, bytes: number): void {
    const piece = body.pieces[0]!;
    piece.at += bytes;
    piece.length -= bytes;
    waitingBytes -= bytes;
    overdueBytes = Math.max(0, overdueBytes - bytes);
    tell(body);
  }

  function tell({ id, pieces }: Body): void {
    while (pieces[0]?.length === 0) if (pieces.shift()!.last) read(id);
  }

  function finish({ id, state }: Body): void {
    bodies.delete(id);
    done(id, lanes.digest(state));
  }

  return {
    begin(id) {
      bodies.set(id, { id, state: lanes.begin(), pieces: [], ended: false, late: false });
    },
    has: (id) => bodies.has(id),
    add(id, ranges) {
      const body = bodies.get(id)!;
      for (let index = 0; index < ranges.length; index += 2) {
        const length = ranges[index + 1]!;
        body.pieces.push({ at: ranges[index]!, length, last: false });
        waitingBytes += length;
      }
      body.pieces.push({ at: 0, length: 0, last: true });
      body.late = false;
      tell(body);
      if (body.pieces.length > 0 && !waiting.includes(body)) waiting.push(body);
      schedule();
    },
    end(id) {
      const body = bodies.get(id)!;
      body.ended = true;
      if (body.pieces.length === 0) finish(body);
      schedule();
    },
    drain() {
      while (waiting.length > 0) round(true);
    },
  };
}

function wholeBlocks([piece]: Piece[]): number {
  return Math.floor(piece!.length / BLOCK_BYTES);
}
