import type { DiskFile, DiskOps } from '#contracts/disk-ops';
import { quickDice } from './random.ts';
import type { SimulatedFile } from './simulated-file.ts';
import { failure, parentOf, simulatedNames } from './simulated-names.ts';

export type SimulatedCall =
  | 'open'
  | 'openDirect'
  | 'rename'
  | 'unlink'
  | 'mkdir'
  | 'readdir'
  | 'stat'
  | 'syncDirectory'
  | 'writev'
  | 'read'
  | 'readNow'
  | 'readSync'
  | 'datasync'
  | 'sync'
  | 'truncate'
  | 'allocate'
  | 'size'
  | 'close';

/** What goes wrong with a call: an error's code, or the most bytes that a write or read moves. */
export type Fault = { code: string } | { bytes: number } | null;

export interface SimulatedDisk {
  /** The disk for a process that starts now. What an earlier process had is dead: each of its calls fails, and has no effect. */
  boot(): DiskOps;
  /** Asked at each call, which is the n-th. It may also pull the plug. */
  fault: ((call: SimulatedCall, path: string, n: number) => Fault) | null;
  /**
   * The power fails: of what was not synced something, all or nothing is left, in any order and torn (see SimulatedFile and
   * SimulatedNames). What was under way may have been done too.
   */
  cutPower(): void;
  /** The process dies, and the disk's memory lives on. */
  kill(): void;
  readonly calls: number;
  /** Calls that have not been answered. */
  readonly underWay: number;
  /** Files that are open. */
  readonly open: number;
  /** Every file: its length, and its bytes as far as any were written. */
  files(): Map<string, { size: number; bytes: Buffer }>;
  /** The last calls, in words; only when asked for. */
  readonly trace: string[];
}

export interface SimulatedDiskOptions {
  seed: number;
  /** Direct writes: fine, refused when a file is opened so, or when it is written. */
  direct?: 'works' | 'refused' | 'refused late';
  atomicRenames?: boolean;
  trace?: boolean;
}

interface Turn {
  run(): void;
  /** Whether it happened nobody learns. */
  die(): void;
}

const TRACE_MAX = 400;

/**
 * A disk in memory as bad as a disk may be, and the same for the same seed: calls that are under way at a time end in any order, and nothing
 * is safe before its fsync. Start with `boot`.
 */
export function simulatedDisk(options: SimulatedDiskOptions): SimulatedDisk {
  const { direct = 'works', atomicRenames = true } = options;
  const dice = quickDice(options.seed);
  const names = simulatedNames(atomicRenames);
  const trace: string[] = [];
  let life = 0;
  let turns: Turn[] = [];
  let pumping = false;
  let calls = 0;
  let open = 0;

  function pump(): void {
    const [turn] = turns.splice(dice.below(turns.length), 1);
    turn?.run();
    if (turns.length > 0) setImmediate(pump);
    else pumping = false;
  }

  function note(text: string): void {
    if (options.trace !== true) return;
    trace.push(text);
    if (trace.length > TRACE_MAX) trace.shift();
  }

  /** Counts a call, and finds what is to go wrong with it. */
  function ask(mine: number, call: SimulatedCall, path: string): { n: number; fault: Fault } {
    if (mine !== life) throw failure('EIO', `${path}: the process is dead`);
    const n = ++calls;
    const fault = disk.fault?.(call, path, n) ?? null;
    if (mine !== life) throw failure('EIO', `${path}: the process died`);
    return { n, fault };
  }

  /**
   * One call, when its turn comes. `failed` is what happens when it is told to fail, by its code; else nothing happens.
   */
  async function call<T>(
    mine: number,
    name: SimulatedCall,
    path: string,
    effect: (bytes: number) => T,
    failed: () => void = () => undefined,
  ): Promise<T> {
    const { n, fault } = ask(mine, name, path);
    return new Promise<T>((resolve, reject) => {
      const fail = (error: unknown): void => {
        note(`${n} ${name} ${path}: ${(error as { code?: string }).code ?? error}`);
        reject(error);
      };
      turns.push({
        run() {
          try {
            if (fault !== null && 'code' in fault) {
              failed();
              throw failure(fault.code, `${name} ${path}, as told`);
            }
            const result = effect(fault?.bytes ?? Infinity);
            note(`${n} ${name} ${path}${fault === null ? '' : `: at most ${fault.bytes} bytes`}`);
            resolve(result);
          } catch (error) {
            fail(error);
          }
        },
        die() {
          try {
            if (fault === null && dice.chance(0.5)) effect(dice.chance(0.5) ? Infinity : 1 + dice.below(8192));
          } catch {
            // It would have failed.
          }
          fail(failure('EIO', `${name} ${path}: the process died`));
        },
      });
      if (!pumping) setImmediate(pump);
      pumping = true;
    });
  }

  /** What is under way is done, in part or not at all; nobody hears of it. */
  function end(): void {
    const dying = turns;
    turns = [];
    for (const turn of dying) turn.die();
    open = 0;
    life++;
  }

  function fileOf(mine: number, file: SimulatedFile, path: string, blocks: boolean): DiskFile {
    const on = <T>(name: SimulatedCall, effect: (bytes: number) => T, failed?: () => void): Promise<T> =>
      call(mine, name, path, effect, failed);
    let closed = false;
    if (mine === life) open++;

    function write(buffers: Uint8Array[], position: number, limit: number): number {
      const bytes = Buffer.concat(buffers);
      if (blocks && (direct === 'refused late' || !aligned(buffers, position))) throw failure('EINVAL', path);
      const some = bytes.subarray(0, Math.max(1, limit));
      file.write(some, position);
      return some.length;
    }
    function sync(name: 'sync' | 'datasync'): Promise<void> {
      const mark = file.mark();
      return on(
        name,
        () => file.sync(mark),
        () => file.failSync(mark, dice),
      );
    }
    const resize = (name: 'truncate' | 'allocate', size: number): Promise<void> => on(name, () => file.resize(size));

    return {
      writev: (buffers, position) =>
        on(
          'writev',
          (limit) => write(buffers, position, limit),
          // Part of it may be there all the same.
          () => dice.chance(0.5) && !blocks && write(buffers, position, 1 + dice.below(4096)),
        ),
      read: (into, offset, length, position) =>
        on('read', (limit) => file.seen.read(into, offset, Math.min(length, Math.max(1, limit)), position)),
      readNow(into, offset, length, position) {
        const { fault } = ask(mine, 'readNow', path);
        if ((fault !== null && 'code' in fault) || dice.chance(0.2)) return 0;
        return file.seen.read(into, offset, Math.min(length, Math.max(1, fault?.bytes ?? Infinity)), position);
      },
      readSync(into, offset, length, position) {
        const { fault } = ask(mine, 'readSync', path);
        if (fault !== null && 'code' in fault) throw failure(fault.code, `readSync ${path}, as told`);
        return file.seen.read(into, offset, Math.min(length, Math.max(1, fault?.bytes ?? Infinity)), position);
      },
      datasync: () => sync('datasync'),
      sync: () => sync('sync'),
      truncate: (size) => resize('truncate', size),
      allocate: (size) => resize('allocate', size),
      size: () => on('size', () => file.seen.size),
      close: () => {
        if (closed) throw failure('EBADF', `${path} was closed before`);
        closed = true;
        // A descriptor is gone, whatever close says.
        const gone = (): void => void (mine === life && open--);
        return on('close', gone, gone);
      },
    };
  }

  function directoryAt(path: string): void {
    const found = names.find(path);
    if (found === undefined) throw failure('ENOENT', path);
    if (found !== null) throw failure('ENOTDIR', path);
  }

  function fileAt(path: string): SimulatedFile {
    const found = names.find(path);
    if (found === undefined) throw failure('ENOENT', path);
    if (found === null) throw failure('EISDIR', path);
    return found;
  }

  function openFile(path: string, flags: string): SimulatedFile {
    directoryAt(parentOf(path));
    const found = names.find(path);
    if (found === null) throw failure('EISDIR', path);
    if (found !== undefined && flags.includes('x')) throw failure('EEXIST', path);
    if (found === undefined && flags.startsWith('r')) throw failure('ENOENT', path);
    const file = found ?? names.create(path);
    if (flags.startsWith('w') && file.seen.size > 0) file.resize(0);
    return file;
  }

  function ops(mine: number): DiskOps {
    /** Some calls are done although they fail: the answer is what was lost. */
    const perhaps = (effect: () => unknown) => () => {
      if (dice.chance(0.2)) effect();
    };
    const on = <T>(name: SimulatedCall, path: string, effect: () => T, failed?: () => void): Promise<T> =>
      call(mine, name, path, effect, failed);
    return {
      async open(path, flags) {
        const opened = await on('open', path, () => openFile(path, flags));
        return fileOf(mine, opened, path, false);
      },
      async openDirect(path) {
        const opened = await on('openDirect', path, () => fileAt(path));
        return direct === 'refused' ? null : fileOf(mine, opened, path, true);
      },
      rename(from, to) {
        const effect = (): void => {
          fileAt(from);
          directoryAt(parentOf(to));
          names.rename(from, to);
        };
        return on('rename', from, effect, perhaps(effect));
      },
      unlink(path) {
        const effect = (): void => {
          fileAt(path);
          names.remove(path);
        };
        return on('unlink', path, effect, perhaps(effect));
      },
      mkdir(path, _mode, above = true) {
        const effect = (): void => {
          if (!above) directoryAt(parentOf(path));
          if (names.find(path)) throw failure('EEXIST', path);
          names.makeDirectory(path);
        };
        return on('mkdir', path, effect, perhaps(effect));
      },
      readdir: (path) =>
        on('readdir', path, () => {
          directoryAt(path);
          return names.list(path);
        }),
      stat: (path) => on('stat', path, () => statOf(path)),
      syncDirectory: (path) =>
        on('syncDirectory', path, () => {
          directoryAt(path);
          names.sync(path);
        }),
    };
  }

  function statOf(path: string): { size: number; isFile: boolean } | null {
    let node: SimulatedFile | null | undefined;
    try {
      node = names.find(path);
    } catch {
      return null; // below a file
    }
    if (node === undefined) return null;
    return node === null ? { size: 0, isFile: false } : { size: node.seen.size, isFile: true };
  }

  const disk: SimulatedDisk = {
    fault: null,
    boot() {
      end();
      return ops(life);
    },
    cutPower() {
      note(`${calls} the power fails`);
      end();
      names.losePower(dice);
      for (const file of new Set(names.files().map(([, one]) => one))) file.losePower(dice);
    },
    kill() {
      note(`${calls} the process is killed`);
      end();
    },
    get calls() {
      return calls;
    },
    get underWay() {
      return turns.length;
    },
    get open() {
      return open;
    },
    files: () => new Map(names.files().map(([path, { seen }]) => [path, { size: seen.size, bytes: written(seen) }])),
    trace,
  };
  return disk;
}

/** As O_DIRECT wants it. */
function aligned(buffers: Uint8Array[], position: number): boolean {
  return [position, ...buffers.flatMap(({ length, byteOffset }) => [length, byteOffset])].every((one) => one % 4096 === 0);
}

function written(bytes: SimulatedFile['seen']): Buffer {
  const all = Buffer.alloc(bytes.extent);
  bytes.read(all, 0, all.length, 0);
  return all;
}
