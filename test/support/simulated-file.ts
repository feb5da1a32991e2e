import type { Dice } from './random.ts';
import { type SparseBytes, sparseBytes } from './sparse-bytes.ts';

/**
 * One file of a simulated disk: what a process sees of it, and what a power loss leaves. Between two fsyncs the disk may take up what was
 * written in any order, in part, and sector by sector; of its length likewise.
 */
export interface SimulatedFile {
  /** As it is in memory: what a process reads. */
  readonly seen: SparseBytes;
  /** Keeps the bytes. */
  write(bytes: Buffer, position: number): void;
  resize(size: number): void;
  /** What an fsync that begins now must cover. */
  mark(): number;
  /** Everything up to the mark is safe. */
  sync(mark: number): void;
  /** The fsync failed: what it was to cover counts as clean from now on, and the disk has of it what chance will. */
  failSync(mark: number, dice: Dice): void;
  /** The power fails: what is left is one of the states that the disk may be in. */
  losePower(dice: Dice): void;
}

type Change = { number: number } & ({ position: number; bytes: Buffer } | { size: number });

export function simulatedFile(): SimulatedFile {
  let seen = sparseBytes();
  /** What is on the disk for certain. */
  let safe = sparseBytes();
  let changes: Change[] = [];
  let last = 0;

  function take(mark: number): Change[] {
    const taken = changes.filter(({ number }) => number <= mark);
    changes = changes.filter(({ number }) => number > mark);
    return taken;
  }

  return {
    get seen() {
      return seen;
    },
    write(bytes, position) {
      if (bytes.length === 0) return;
      seen.write(bytes, position);
      changes.push({ number: ++last, position, bytes });
    },
    resize(size) {
      seen.resize(size);
      changes.push({ number: ++last, size });
    },
    mark: () => last,
    sync(mark) {
      for (const change of take(mark)) apply(safe, change);
    },
    failSync(mark, dice) {
      const lost = take(mark);
      applySome(safe, lost, dice);
      // Some file systems drop the pages too, so that reads give what is on the disk; only where nothing newer was written since.
      if (changes.length === 0 && dice.chance(0.3)) seen = safe.copy();
    },
    losePower(dice) {
      applySome(safe, changes, dice);
      changes = [];
      seen = safe;
      safe = seen.copy();
    },
  };
}

function apply(to: SparseBytes, change: Change): void {
  if ('size' in change) to.resize(change.size);
  else to.write(change.bytes, change.position);
}

function applySome(to: SparseBytes, changes: Change[], dice: Dice): void {
  if (changes.length === 0) return;
  const sector = dice.pick([512, 512, 4096]);
  switch (dice.below(4)) {
    case 0: // nothing arrived
      return;
    case 1: // everything did
      for (const change of changes) apply(to, change);
      return;
    case 2: {
      // In order, up to the middle of one.
      const count = dice.below(changes.length);
      for (const change of changes.slice(0, count)) apply(to, change);
      const torn = changes[count]!;
      if ('size' in torn) return;
      const bytes = Math.floor(dice.below(torn.bytes.length + 1) / sector) * sector;
      if (bytes > 0) to.write(torn.bytes.subarray(0, bytes), torn.position);
      return;
    }
    default: {
      // Sector by sector, as chance will, and any length that the file had.
      const odds = dice.pick([0.1, 0.5, 0.9]);
      const sizes = [to.size];
      for (const change of changes) {
        const before = sizes.at(-1)!;
        sizes.push('size' in change ? change.size : Math.max(before, change.position + change.bytes.length));
        if ('size' in change) {
          if (dice.chance(odds)) to.resize(change.size);
          continue;
        }
        const { position, bytes } = change;
        for (let at = 0; at < bytes.length; ) {
          const some = Math.min(bytes.length - at, sector - ((position + at) % sector));
          if (dice.chance(odds)) to.write(bytes.subarray(at, at + some), position + at);
          // What a disk held before in blocks that the file was given is anybody's guess.
          else if (position + at >= to.size && dice.chance(0.05)) to.write(Buffer.alloc(some, dice.below(256)), position + at);
          at += some;
        }
      }
      if (dice.chance(0.5)) to.resize(dice.pick(sizes));
    }
  }
}
