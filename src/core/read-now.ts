import { foreignCalls } from './foreign-calls.ts';

/** Bytes of a file that the system has in memory, read at once; 0 where it would have to wait for a disk, and at the end. */
export type ReadNow = (fd: number, into: Uint8Array, offset: number, length: number, position: number) => number;

/** From linux/fs.h. */
const RWF_NOWAIT = 8;

/**
 * preadv2(2) of Linux, which answers EAGAIN in place of waiting: what lies in the page cache is copied sooner than another thread
 * wakes up for it. null: another system, or no prebuild of the calling package for it.
 */
export function createReadNow(): ReadNow | null {
  const calls = process.platform === 'linux' ? foreignCalls() : null;
  if (calls === null) return null;
  try {
    const { koffi, loaded } = calls;
    const vector = koffi.pointer(koffi.struct({ base: 'void *', length: 'size_t' }));
    const preadv2 = loaded.func('preadv2', 'int64_t', ['int', vector, 'int', 'int64_t', 'int']);
    return (fd, into, offset, length, position) => {
      // Memory is given by its address: nothing but this keeps the call within it.
      const base = into.subarray(offset, offset + length);
      const bytes = Number(preadv2(fd, [{ base, length: base.length }], 1, position, RWF_NOWAIT));
      return Math.max(0, bytes);
    };
  } catch {
    return null;
  }
}
