import { CloudStoreError, isCloudStoreError } from '#core/errors';

/** What the disk said, in our words: full is insufficient_storage, everything else unavailable. Our own errors pass. */
export function diskError(error: unknown, what: string): CloudStoreError {
  if (isCloudStoreError(error)) return error;
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new CloudStoreError('insufficient_storage', `The disk is full: ${what} failed.`, { details: { code }, cause: error });
  }
  return new CloudStoreError('unavailable', `The disk does not answer: ${what} failed (${code ?? 'unknown'}).`, {
    details: { code },
    cause: error,
  });
}

/** Node's code of a failed call (`ENOENT`), if it has one. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
