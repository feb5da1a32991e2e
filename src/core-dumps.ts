import { closeSync, openSync, writeSync } from 'node:fs';

/**
 * Keeps memory, and with it keys and contents, out of core dumps of this process and of those that it starts (core(5)). On Linux only: Node can set no limit
 * on the size of core files, which is the way elsewhere (`ulimit -c 0`).
 */
export function keepMemoryOutOfCoreDumps(): void {
  if (process.platform !== 'linux') return;
  try {
    const file = openSync('/proc/self/coredump_filter', 'w');
    writeSync(file, '0');
    closeSync(file);
  } catch {
    // A kernel without it, or no /proc: the best there is was tried.
  }
}
