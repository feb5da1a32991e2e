import { type CloudStoreError, type ErrorCode, isCloudStoreError } from '#core/errors';
import { notModifiedHeaders } from '#http/not-modified';

/** How an error is told in HTTP: a status and, where RFC 4918 §16 or a sister RFC has one, the precondition element of `DAV:`. */
export interface DavFault {
  status: number;
  condition?: string;
  /** The resource that the condition speaks of. */
  href?: string;
}

/** What HTTP and WebDAV refuse and the core has no word for (415, 422, 502, …). */
export class DavError extends Error {
  override readonly name = 'DavError';
  readonly fault: DavFault;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    message: string,
    { headers = {}, ...told }: { condition?: string; href?: string; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.fault = { status, ...told };
    this.headers = headers;
  }
}

/**
 * Every code of the core as this door answers it. `conflict` is 503 and not 409, which WebDAV clients read as a missing
 * parent (rclone then makes folders).
 */
const FAULTS = {
  not_found: { status: 404 },
  bucket_not_found: { status: 404 },
  version_not_found: { status: 404 },
  upload_not_found: { status: 404 },
  principal_not_found: { status: 404 },
  key_not_found: { status: 404 },
  already_exists: { status: 405, condition: 'resource-must-be-null' },
  bucket_exists: { status: 405, condition: 'resource-must-be-null' },
  bucket_owned_by_you: { status: 405, condition: 'resource-must-be-null' },
  bucket_not_empty: { status: 403 },
  parent_missing: { status: 409 },
  not_a_directory: { status: 409 },
  is_a_directory: { status: 405 },
  name_clash: { status: 409 },
  invalid_argument: { status: 400 },
  invalid_key: { status: 400 },
  invalid_bucket_name: { status: 403 },
  invalid_range: { status: 416 },
  precondition_failed: { status: 412 },
  not_modified: { status: 304 },
  conflict: { status: 503 },
  locked: { status: 423, condition: 'lock-token-submitted' },
  object_locked: { status: 403 },
  lock_not_found: { status: 409, condition: 'lock-token-matches-request-uri' },
  customer_key_needed: { status: 403 },
  access_denied: { status: 403 },
  unauthenticated: { status: 401 },
  expired: { status: 401 },
  checksum_mismatch: { status: 400 },
  incomplete_body: { status: 400 },
  too_large: { status: 413 },
  invalid_part: { status: 400 },
  invalid_part_order: { status: 400 },
  part_too_small: { status: 400 },
  quota_exceeded: { status: 507, condition: 'quota-not-exceeded' },
  insufficient_storage: { status: 507, condition: 'sufficient-disk-space' },
  not_implemented: { status: 501 },
  corrupt: { status: 500 },
  unavailable: { status: 503 },
  timeout: { status: 503 },
  rate_limited: { status: 429 },
  aborted: { status: 503 },
  cursor_expired: { status: 410 },
  internal: { status: 500 },
} satisfies Record<ErrorCode, DavFault>;

/** The answer to anything thrown; what nobody planned is 500. */
export function faultOf(error: unknown): DavFault {
  if (error instanceof DavError) return error.fault;
  return isCloudStoreError(error) ? FAULTS[error.code] : FAULTS.internal;
}

/** Headers that go with the answer. */
export function faultHeaders(error: unknown): Record<string, string> {
  if (error instanceof DavError) return error.headers;
  if (!isCloudStoreError(error)) return {};
  return headersOf(error);
}

function headersOf(error: CloudStoreError): Record<string, string> {
  const { size } = error.details;
  switch (error.code) {
    case 'not_modified':
      return notModifiedHeaders(error);
    case 'invalid_range':
      return typeof size === 'number' ? { 'Content-Range': `bytes */${size}` } : {};
    case 'rate_limited':
      return {
        'Retry-After': typeof error.details.retryAfterSeconds === 'number' ? String(error.details.retryAfterSeconds) : '30',
      };
    case 'conflict':
    case 'unavailable':
      return { 'Retry-After': '1' };
    default:
      return {};
  }
}
