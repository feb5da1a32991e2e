import { closeSync, writeSync } from 'node:fs';
import { foreignCalls } from './foreign-calls.ts';

/** Memory that a process and those that it hands the descriptor to have together, all zero at first. */
export interface SharedMemory {
  bytes: ArrayBuffer;
  fd: number;
}

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MFD_CLOEXEC = 1;

/**
 * memfd_create(2) of Linux: it has no name, and is gone with the last process that has it. Written whole before it is mapped, so that a machine without memory for it says so here, and
 * not by a signal later. null: another system, no memory, or no prebuild of the calling package.
 */
export function createSharedMemory(length: number): SharedMemory | null {
  const calls = process.platform === 'linux' ? foreignCalls() : null;
  if (calls === null) return null;
  let fd = -1;
  try {
    fd = calls.loaded.func('memfd_create', 'int', ['str', 'uint'])('cloudstore', MFD_CLOEXEC);
    if (fd < 0) return null;
    const zeros = Buffer.alloc(length);
    for (let written = 0; written < length; ) written += writeSync(fd, zeros, written);
    const bytes = mapSharedMemory(fd, length);
    if (bytes !== null) return { bytes, fd };
  } catch {
    // no memory, or none of its functions
  }
  if (fd >= 0) closeSync(fd);
  return null;
}

/** Of a descriptor that `createSharedMemory` gave, in whatever process. It stays mapped as long as that runs. null: as there. */
export function mapSharedMemory(fd: number, length: number): ArrayBuffer | null {
  const calls = process.platform === 'linux' ? foreignCalls() : null;
  if (calls === null) return null;
  try {
    const { koffi, loaded } = calls;
    const mmap = loaded.func('mmap', 'void *', ['void *', 'size_t', 'int', 'int', 'int', 'int64_t']);
    const address: unknown = mmap(null, length, PROT_READ_WRITE, MAP_SHARED, fd, 0);
    // MAP_FAILED is the highest address.
    if (address === null || koffi.address(address) === 0xffff_ffff_ffff_ffffn) return null;
    return koffi.view(address, length);
  } catch {
    return null;
  }
}
