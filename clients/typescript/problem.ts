/** An answer of the gateway that is no success (RFC 9457), or none at all. Programs compare `code`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP's; 0 when the gateway was not reached. */
  readonly status: number;
  /** `not_found`, `locked`, …; `unreachable` without an answer. */
  readonly code: string;
  /** Under which the gateway logged it. */
  readonly requestId: string | null;
  /** Everything else that the answer told. */
  readonly details: Record<string, unknown>;
  /** Seconds to wait before the next try, when the gateway says so. */
  readonly retryAfterSeconds: number | null;

  constructor(
    message: string,
    from: {
      status: number;
      code: string;
      requestId?: string | null;
      details?: Record<string, unknown>;
      retryAfterSeconds?: number | null;
      cause?: unknown;
    },
  ) {
    super(message, { cause: from.cause });
    this.status = from.status;
    this.code = from.code;
    this.requestId = from.requestId ?? null;
    this.details = from.details ?? {};
    this.retryAfterSeconds = from.retryAfterSeconds ?? null;
  }

  /** The same request may succeed in a moment. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

/** What an answer that is no success says. */
export async function problemOf(response: Response): Promise<ApiError> {
  let details: Record<string, unknown> = {};
  try {
    const text = await response.text();
    const value: unknown = text === '' ? {} : JSON.parse(text);
    if (typeof value === 'object' && value !== null) details = value as Record<string, unknown>;
  } catch {
    // A proxy's page, or an answer to HEAD: the status is all there is.
  }
  const retry = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new ApiError(textOf(details.detail) ?? textOf(details.title) ?? `The gateway answers ${response.status}.`, {
    status: response.status,
    code: textOf(details.code) ?? `http_${response.status}`,
    requestId: textOf(details.requestId) ?? response.headers.get('x-request-id'),
    details,
    retryAfterSeconds: Number.isFinite(retry) ? retry : null,
  });
}

export function unreachable(cause: unknown): ApiError {
  return new ApiError('The gateway cannot be reached.', { status: 0, code: 'unreachable', cause });
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
