import { DatabaseSync } from 'node:sqlite';

/** A lock that somebody has, until it is given back or its process ends. */
export interface FileLock {
  close(): void;
}

/**
 * The operating system's own lock on a file (SQLite's, on an empty one: fcntl on POSIX, LockFileEx on Windows), so it ends with the process however
 * that ends, holds between containers that share a volume, and there is nothing stale to clean up. null: somebody else has it.
 * @throws what SQLite says: the file cannot be made, or what it lies on has no locks
 */
export function tryLock(file: string, how: 'exclusive' | 'shared'): FileLock | null {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    // A transaction that has read holds the shared lock until it ends.
    const begin = how === 'exclusive' ? 'BEGIN EXCLUSIVE' : 'BEGIN; SELECT count(*) FROM sqlite_schema';
    database.exec(`PRAGMA journal_mode = MEMORY; ${begin}`);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === 5) return null; // SQLITE_BUSY
    throw error;
  }
}
