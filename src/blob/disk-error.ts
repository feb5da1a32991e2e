import { CloudStoreError, isCloudStoreError } from '#core/errors';

/** What the disk said, in our words: full is insufficient_storage, everything else unavailable. Our own errors pass. */
export function diskError(error: unknown, what: string): CloudStoreError {
  if (isCloudStoreError(error)) return error;
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new CloudStoreError('insufficient_storage', `The disk is full: ${what} failed.`, { details: { code }, cause: error });
  }
  const [why, remedy = ''] = SAYINGS[code ?? ''] ?? ['The disk does not answer'];
  return new CloudStoreError('unavailable', `${why}: ${what} failed (${code ?? 'unknown'})${remedy}.`, {
    details: { code },
    cause: error,
  });
}

const IN_THE_WAY: [string, string] = ['A file is in the way of a directory', '; put back what belongs there'];
const FORBIDDEN: [string, string] = ['A permission is missing', '; give the directory to the user who starts CloudStore'];
const GONE: [string, string] = ['The disk is gone', '; connect it again, and mount it'];
const TOO_MANY: [string, string] = ['Too many files are open', "; raise the system's limit (ulimit -n)"];

/** What it means for the owner, and what to do. */
const SAYINGS: Record<string, [string, string]> = {
  ENOTDIR: IN_THE_WAY,
  EEXIST: IN_THE_WAY,
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
  EMFILE: TOO_MANY,
  ENFILE: TOO_MANY,
  EROFS: ['The file system is read-only', '; mount it for writing (the system mounts a disk that fails so: see its log)'],
  ENODEV: GONE,
  ENXIO: GONE,
  EIO: ['The disk reports a fault', "; see the system's log, and smartctl"],
};

/** Node's code of a failed call (`ENOENT`), if it has one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
