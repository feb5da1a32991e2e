import { writeSync } from 'node:fs';
import pg from 'pg';
import type { DiskFile, DiskOps } from '#contracts/disk-ops';

/** Where in a call the process dies: ahead of it, with half of a write done, with the call sent, or when its answer has come. */
export type When = 'before' | 'torn' | 'sent' | 'after';
export const WHENS: readonly When[] = ['before', 'torn', 'sent', 'after'];

/** Counts every disk and SQL call of this process from `arm` on, and kills it with SIGKILL at the n-th. */
export interface CrashPoint {
  arm(): void;
  calls(): number;
  disk(disk: DiskOps): DiskOps;
  /** Any other call that changes what is kept. */
  call<T>(what: string, run: () => Promise<T>): Promise<T>;
}

/**
 * n 0: only counts. Takes hold of pg's client, through which every statement goes.
 * @param of counts only calls whose name it fits; by default all
 */
export function createCrashPoint(n: number, when: When, of: RegExp | null = null): CrashPoint {
  let armed = false;
  let calls = 0;

  /** True when this call is the one. */
  function count(what: string): boolean {
    return armed && (of === null || of.test(what)) && ++calls === n;
  }
  function die(what: string): never {
    writeSync(2, `killed at call ${calls}: ${when} ${what}\n`);
    process.kill(process.pid, 'SIGKILL');
    // The signal is on its way; nothing of this process may go on meanwhile.
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  }

  async function call<T>(what: string, run: () => Promise<T>, torn: () => Promise<unknown> = run): Promise<T> {
    if (!count(what)) return run();
    if (when === 'before') die(what);
    if (when === 'torn') await torn();
    else if (when === 'after') await run();
    else {
      run().catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return die(what);
  }

  function file(inner: DiskFile): DiskFile {
    return {
      writev: (buffers, position) =>
        call(
          'writev',
          () => inner.writev(buffers, position),
          () => inner.writev(half(buffers), position),
        ),
      read: (...args) => call('read', () => inner.read(...args)),
      readSync(...args) {
        if (count('readSync')) die('readSync');
        return inner.readSync(...args);
      },
      datasync: () => call('fdatasync', () => inner.datasync()),
      sync: () => call('fsync', () => inner.sync()),
      truncate: (size) => call('ftruncate', () => inner.truncate(size)),
      allocate: (size) => call('fallocate', () => inner.allocate(size)),
      size: () => call('fstat', () => inner.size()),
      close: () => call('close', () => inner.close()),
    };
  }

  wrapQueries(call);
  return {
    arm: () => (armed = true),
    calls: () => calls,
    call: (what, run) => call(what, run),
    disk: (inner) => ({
      open: async (...args) => file(await call('open', () => inner.open(...args))),
      async openDirect(path) {
        const direct = await call('open', () => inner.openDirect(path));
        return direct === null ? null : file(direct);
      },
      rename: (from, to) => call('rename', () => inner.rename(from, to)),
      unlink: (path) => call('unlink', () => inner.unlink(path)),
      mkdir: (path, mode) => call('mkdir', () => inner.mkdir(path, mode)),
      readdir: (path) => call('readdir', () => inner.readdir(path)),
      stat: (path) => call('stat', () => inner.stat(path)),
      syncDirectory: (path) => call('fsync of a directory', () => inner.syncDirectory(path)),
    }),
  };
}

/** Only the form with a promise: the pool's own calls with callbacks are connects, which are no statements. */
function wrapQueries(call: <T>(what: string, run: () => Promise<T>) => Promise<T>): void {
  const prototype = pg.Client.prototype as { query(...args: unknown[]): unknown };
  const original = prototype.query;
  prototype.query = function (this: unknown, ...args: unknown[]): unknown {
    if (args.some((arg) => typeof arg === 'function')) return original.apply(this, args);
    const [first] = args;
    const name = typeof first === 'string' ? first : (first as { name?: string }).name;
    return call(`SQL ${name}`, async () => original.apply(this, args));
  };
}

function half(buffers: Uint8Array[]): Uint8Array[] {
  const all = Buffer.concat(buffers);
  return [all.subarray(0, Math.ceil(all.length / 2))];
}
