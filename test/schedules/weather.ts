import type { Dice } from '../support/random.ts';
import type { Fault, SimulatedCall } from '../support/simulated-disk.ts';

/** What befalls a disk in one life of a process: which calls fail and how, and when it all ends. */
export interface Weather {
  /** In a few words. */
  name: string;
  /** Of the n-th call of this life. */
  at(n: number, call: SimulatedCall): Fault;
}

/** What each call can fail with. ENOENT is none: it is an answer, not a fault. */
const CODES: Record<SimulatedCall, readonly string[]> = {
  open: ['EMFILE', 'EIO', 'ENOSPC', 'EACCES'],
  openDirect: ['EMFILE', 'EIO'],
  rename: ['EIO', 'ENOSPC'],
  unlink: ['EIO'],
  mkdir: ['EIO', 'ENOSPC', 'EROFS'],
  readdir: ['EMFILE', 'EIO'],
  stat: ['EIO', 'EACCES'],
  syncDirectory: ['EMFILE', 'EIO'],
  writev: ['ENOSPC', 'EIO', 'EDQUOT'],
  read: ['EIO'],
  readNow: ['EAGAIN'],
  readSync: ['EIO'],
  datasync: ['EIO', 'ENOSPC'],
  sync: ['EIO', 'ENOSPC'],
  truncate: ['EIO', 'ENOSPC'],
  allocate: ['ENOSPC', 'EIO'],
  size: ['EIO'],
  close: ['EIO'],
};
const ALL = Object.keys(CODES) as SimulatedCall[];
const WRITING: readonly SimulatedCall[] = ['open', 'mkdir', 'writev', 'datasync', 'sync', 'truncate', 'allocate', 'rename'];
const OPENING: readonly SimulatedCall[] = ['open', 'openDirect', 'syncDirectory', 'readdir'];
const MOVING: readonly SimulatedCall[] = ['writev', 'read', 'readNow', 'readSync'];

/** @param span about how many calls there will be */
export function weatherOf(dice: Dice, span: number): Weather {
  const from = dice.below(span);
  const to = from + 1 + dice.below(span);
  const within = (n: number): boolean => n >= from && n < to;
  const any = (call: SimulatedCall): Fault => ({ code: dice.pick(CODES[call]) });
  const one = dice.pick(ALL);
  switch (dice.below(9)) {
    case 0:
      return { name: `one fault at call ${from}`, at: (n, call) => (n === from ? any(call) : null) };
    case 1:
      return {
        name: `full from ${from} to ${to}`,
        at: (n, call) => (within(n) && WRITING.includes(call) ? { code: 'ENOSPC' } : null),
      };
    case 2:
      return {
        name: `no descriptors from ${from} to ${to}`,
        at: (n, call) => (within(n) && OPENING.includes(call) ? { code: 'EMFILE' } : null),
      };
    case 3:
      return { name: `no ${one} from ${from} to ${to}`, at: (n, call) => (within(n) && call === one ? any(call) : null) };
    case 4: {
      const odds = dice.pick([0.01, 0.05, 0.2]);
      return { name: `faults at ${odds}`, at: (_, call) => (dice.chance(odds) ? any(call) : null) };
    }
    case 5: {
      // Who tries again succeeds, and must not have believed the first time.
      const some = dice.pick(['syncDirectory', 'datasync', one] as const);
      return { name: `every other ${some} fails`, at: (_, call) => (call === some && dice.chance(0.5) ? any(call) : null) };
    }
    case 6:
      return {
        name: 'short writes and reads',
        at: (_, call) => (MOVING.includes(call) && dice.chance(0.5) ? { bytes: 1 + dice.below(9000) } : null),
      };
    default:
      return calm;
  }
}

const calm: Weather = { name: 'calm', at: () => null };
