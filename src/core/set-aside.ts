import { foreignCalls } from './foreign-calls.ts';

/**
 * Gives an empty file so many bytes of the disk without writing them: fallocate(2) of Linux. false: another system, a file system that cannot, no room, or no prebuild of the
 * calling package.
 */
export function setAside(fd: number, bytes: number): boolean {
  const calls = process.platform === 'linux' ? foreignCalls() : null;
  if (calls === null) return false;
  try {
    return calls.loaded.func('fallocate', 'int', ['int', 'int', 'int64_t', 'int64_t'])(fd, 0, 0, bytes) === 0;
  } catch {
    return false;
  }
}
