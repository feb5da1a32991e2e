import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { codeOf } from './disk-error.ts';

/** HTTP's status and S3's code of a failed call, as far as an answer came. */
export function answerOf(error: unknown): { status: number | null; code: string } {
  if (!(error instanceof Error)) return { status: null, code: '' };
  const metadata = '$metadata' in error ? (error.$metadata as { httpStatusCode?: number }) : {};
  return { status: metadata.httpStatusCode ?? null, code: error.name };
}

/** Answers below 500 that another attempt may change: a broken transfer, somebody at the same name, too fast. */
const PASSING = new Set([
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'IncompleteBody',
  'BadDigest',
  'XAmzContentChecksumMismatch',
  'ConditionalRequestConflict',
  'OperationAborted',
  'TooManyRequests',
  'SlowDown',
]);
const FULL = new Set(['InsufficientStorage', 'QuotaExceeded', 'XMinioStorageFull', 'EntityTooLarge']);

/** Whether a call that failed so may succeed a moment later. Without an answer it was the network. */
export function mayPass(error: unknown): boolean {
  if (isCloudStoreError(error)) return false;
  const { status, code } = answerOf(error);
  if (code === 'CredentialsProviderError' || /^Region is missing/.test(error instanceof Error ? error.message : '')) return false;
  if (status === null) return true;
  if (status === 507 || FULL.has(code)) return false;
  return (status >= 500 && status !== 501) || status === 429 || status === 408 || PASSING.has(code) || status < 300;
}

/** No such thing at this name; a missing bucket is another matter. */
export function isAbsent(error: unknown): boolean {
  const { status, code } = answerOf(error);
  return status === 404 && code !== 'NoSuchBucket';
}

/** The condition of a conditional put did not hold. */
export function isRefused(error: unknown): boolean {
  return answerOf(error).status === 412;
}

/** The store does not know the header of a conditional put. */
export function isUnknownCondition(error: unknown): boolean {
  const { status, code } = answerOf(error);
  return (
    status === 501 ||
    (status === 400 && /^(NotImplemented|InvalidArgument|InvalidRequest|UnsupportedHeader|NotSupported)$/.test(code))
  );
}

/** What the store said, in our words. Our own errors pass. `where` names the store without secrets. */
export function s3Error(error: unknown, what: string, where: string): CloudStoreError {
  if (isCloudStoreError(error)) return error;
  const { status, code } = answerOf(error);
  const details = { status, code };
  if (status === 507 || FULL.has(code))
    return new CloudStoreError('insufficient_storage', `The chunk store ${where} is full: ${what} failed (${code}).`, {
      details,
      cause: error,
    });
  return new CloudStoreError('unavailable', `${sentence(error, status, code, where)} (${what})`, { details, cause: error });
}

function sentence(error: unknown, status: number | null, code: string, where: string): string {
  if (code === 'CredentialsProviderError')
    return `There are no credentials for the chunk store ${where}: write them into its URL (s3://KEY:SECRET@bucket) or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`;
  if (code === 'NoSuchBucket') return `The chunk store ${where} has no such bucket; make it first.`;
  if (status === 401 || status === 403) return `The chunk store ${where} refuses our access key (${code}).`;
  if (status !== null && status >= 300 && status < 400)
    return `The chunk store ${where} lies in another region or at another address (${code}); set region or endpoint in its URL.`;
  if (status !== null) return `The chunk store ${where} answers ${status} ${code}.`;
  const why = codeOf(error) ?? (error instanceof Error ? error.message : String(error));
  return `The chunk store ${where} does not answer: ${why}.`;
}
