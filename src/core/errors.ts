/**
 * Every way in which CloudStore says no. The core knows no HTTP: each protocol owns one table
 * `satisfies Record<ErrorCode, …>`, so a new code does not compile until every protocol answers it.
 */
export const ERROR_CODES = [
  'not_found', // no object (or directory) at this key
  'bucket_not_found',
  'version_not_found',
  'upload_not_found',
  'principal_not_found',
  'key_not_found', // no such access key
  'already_exists', // the target exists and must not
  'bucket_exists', // the bucket name is taken by another owner
  'bucket_owned_by_you',
  'bucket_not_empty',
  'parent_missing', // WebDAV 409: the parent collection does not exist
  'not_a_directory',
  'is_a_directory',
  'name_clash', // a file and a folder would share one name where the caller asked for a tree
  'invalid_argument',
  'invalid_key', // too long, NUL, not UTF-8, no segment of a path
  'invalid_bucket_name',
  'invalid_range', // HTTP 416; details.size holds the object's size
  'precondition_failed',
  'not_modified', // a read whose condition says 304; details.etag, details.modified
  'conflict', // a concurrent change won; the caller may retry
  'locked', // a WebDAV lock covers the target and its token was not submitted
  'lock_not_found',
  'object_locked', // a version is under retention or legal hold
  'customer_key_needed', // its bytes lie under a key that only the client has
  'access_denied',
  'unauthenticated',
  'expired', // presigned URL, token
  'checksum_mismatch',
  'incomplete_body', // the body ended before its declared length
  'too_large',
  'invalid_part',
  'invalid_part_order',
  'part_too_small',
  'quota_exceeded',
  'insufficient_storage', // disk full
  'not_implemented',
  'corrupt', // stored bytes failed authentication
  'unavailable', // database or store out of reach; retry later
  'timeout',
  'rate_limited',
  'aborted', // the client went away or the gateway drains
  'cursor_expired', // journal cursor of another epoch, or older than the journal
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorOptions {
  /** Facts for the protocol's answer (never secrets): sizes, ETags, bucket names. */
  details?: Record<string, unknown>;
  cause?: unknown;
}

/** The one error that crosses floors. What is not a CloudStoreError is `internal`: logged with its request id, its text never sent. */
export class CloudStoreError extends Error {
  override readonly name = 'CloudStoreError';
  readonly code: ErrorCode;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}

export function isCloudStoreError(error: unknown, code?: ErrorCode): error is CloudStoreError {
  return error instanceof CloudStoreError && (code === undefined || error.code === code);
}
