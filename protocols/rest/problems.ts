import { type CloudStoreError, type ErrorCode, isCloudStoreError } from '#core/errors';
import { notModifiedHeaders } from '#http/not-modified';
import { FILE_CACHE_CONTROL } from './file-headers.ts';

/** An RFC 9457 problem without what belongs to one occurrence. */
export interface Problem {
  status: number;
  title: string;
}

/** What HTTP refuses and the core has no word for. Its `code` is told like the core's. */
export class RestError extends Error {
  override readonly name = 'RestError';
  readonly code: keyof typeof OWN_PROBLEMS;
  readonly headers: Record<string, string>;
  readonly details: Record<string, unknown>;

  constructor(
    code: keyof typeof OWN_PROBLEMS,
    message: string,
    options: { headers?: Record<string, string>; details?: Record<string, unknown> } = {},
  ) {
    super(message);
    this.code = code;
    this.headers = options.headers ?? {};
    this.details = options.details ?? {};
  }
}

export const OWN_PROBLEMS = {
  confirmation_required: { status: 403, title: 'Say once more who you are' },
  second_factor_required: { status: 401, title: 'A second factor is required' },
  no_such_route: { status: 404, title: 'No such route' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  unsupported_tus_version: { status: 412, title: 'Unsupported version of tus' },
  upload_offset_mismatch: { status: 409, title: 'The upload has come to another offset' },
  upload_checksum_mismatch: { status: 460, title: 'Checksum mismatch' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key belongs to another request' },
  request_in_progress: { status: 409, title: 'The request is still running' },
  no_thumbnail: { status: 415, title: 'No thumbnail' },
  folder_not_empty: { status: 409, title: 'The folder is not empty' },
  link_password: { status: 401, title: 'The link asks for a password' },
  link_expired: { status: 410, title: 'The link has expired' },
  link_used_up: { status: 410, title: 'The link is used up' },
  link_refuses: { status: 403, title: 'Not through this link' },
} satisfies Record<string, Problem>;

/** Every code of the core as this door answers it. */
export const PROBLEMS = {
  not_found: { status: 404, title: 'Not found' },
  bucket_not_found: { status: 404, title: 'No such bucket' },
  version_not_found: { status: 404, title: 'No such version' },
  upload_not_found: { status: 404, title: 'No such upload' },
  principal_not_found: { status: 404, title: 'No such user' },
  key_not_found: { status: 404, title: 'No such access key' },
  already_exists: { status: 409, title: 'Already exists' },
  bucket_exists: { status: 409, title: 'The bucket name is taken' },
  bucket_owned_by_you: { status: 409, title: 'The bucket is yours already' },
  bucket_not_empty: { status: 409, title: 'The bucket is not empty' },
  parent_missing: { status: 409, title: 'The parent folder does not exist' },
  not_a_directory: { status: 409, title: 'Not a folder' },
  is_a_directory: { status: 409, title: 'Is a folder' },
  name_clash: { status: 409, title: 'A file and a folder would share one name' },
  invalid_argument: { status: 400, title: 'Invalid request' },
  invalid_key: { status: 400, title: 'Invalid key' },
  invalid_bucket_name: { status: 400, title: 'Invalid bucket name' },
  invalid_range: { status: 416, title: 'Range not satisfiable' },
  precondition_failed: { status: 412, title: 'Precondition failed' },
  not_modified: { status: 304, title: 'Not modified' },
  conflict: { status: 409, title: 'A concurrent change won' },
  locked: { status: 423, title: 'Locked' },
  object_locked: { status: 403, title: 'Under retention or legal hold' },
  lock_not_found: { status: 409, title: 'No such lock' },
  customer_key_needed: { status: 403, title: 'Readable only with the key that it was stored under' },
  access_denied: { status: 403, title: 'Access denied' },
  unauthenticated: { status: 401, title: 'Authentication required' },
  expired: { status: 401, title: 'Expired' },
  checksum_mismatch: { status: 400, title: 'Checksum mismatch' },
  incomplete_body: { status: 400, title: 'Incomplete body' },
  too_large: { status: 413, title: 'Too large' },
  invalid_part: { status: 400, title: 'Invalid part' },
  invalid_part_order: { status: 400, title: 'Invalid part order' },
  part_too_small: { status: 400, title: 'Part too small' },
  quota_exceeded: { status: 507, title: 'Quota exceeded' },
  insufficient_storage: { status: 507, title: 'Insufficient storage' },
  not_implemented: { status: 501, title: 'Not implemented' },
  corrupt: { status: 500, title: 'Stored data is damaged' },
  unavailable: { status: 503, title: 'Temporarily unavailable' },
  timeout: { status: 503, title: 'Timed out' },
  rate_limited: { status: 429, title: 'Too many requests' },
  aborted: { status: 503, title: 'Aborted' },
  cursor_expired: { status: 410, title: 'The cursor has expired' },
  internal: { status: 500, title: 'Internal error' },
} satisfies Record<ErrorCode, Problem>;

export type ProblemCode = ErrorCode | keyof typeof OWN_PROBLEMS;

export interface Answered extends Problem {
  code: ProblemCode;
  /** Absent for what nobody planned: its text may hold anything. */
  detail?: string;
  headers: Record<string, string>;
  details: Record<string, unknown>;
}

/** The answer to anything thrown. */
export function problemOf(error: unknown): Answered {
  if (error instanceof RestError) {
    const { code, message, headers, details } = error;
    return { ...OWN_PROBLEMS[code], code, detail: message, headers, details };
  }
  if (isCloudStoreError(error, 'access_denied') && error.details.confirm === true) {
    return {
      ...OWN_PROBLEMS.confirmation_required,
      code: 'confirmation_required',
      detail: error.message,
      headers: {},
      details: {},
    };
  }
  if (!isCloudStoreError(error) || error.code === 'internal') {
    return { ...PROBLEMS.internal, code: 'internal', headers: {}, details: {} };
  }
  return {
    ...PROBLEMS[error.code],
    code: error.code,
    detail: error.message,
    headers: headersOf(error),
    details: told(error.details),
  };
}

/** A name that a program can compare; it is no address. */
export function problemType(code: ProblemCode): string {
  return `urn:problem-type:cloudstore:${code}`;
}

/** Facts that a client can use. A lock's token is its holder's. */
const TOLD = ['algorithm', 'bucket', 'bytesMax', 'condition', 'etag', 'fields', 'number', 'size', 'tooLong'] as const;

function told(details: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const name of TOLD) if (details[name] !== undefined) out[name] = details[name];
  return out;
}

function headersOf(error: CloudStoreError): Record<string, string> {
  const { code, details } = error;
  switch (code) {
    case 'not_modified':
      // Of what is no file nothing is kept, and no time is known.
      return notModifiedHeaders(error, { cacheControl: Number(details.modified) > 0 ? FILE_CACHE_CONTROL : 'no-store' });
    case 'invalid_range':
      return typeof details.size === 'number' ? { 'Content-Range': `bytes */${details.size}` } : {};
    case 'unauthenticated':
    case 'expired':
      return { 'WWW-Authenticate': 'Bearer realm="CloudStore"' };
    case 'rate_limited':
      return { 'Retry-After': typeof details.retryAfterSeconds === 'number' ? String(details.retryAfterSeconds) : '30' };
    case 'unavailable':
    case 'timeout':
    case 'aborted':
      return { 'Retry-After': '1' };
    default:
      return {};
  }
}
