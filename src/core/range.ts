import { CloudStoreError } from './errors.ts';

/** Inclusive byte positions, as HTTP has them (RFC 9110 §14.1.2); we convert nowhere else. */
export interface ByteRange {
  start: number;
  end: number;
}

/** What a client asked for, before the size is known. `suffix` is the last n bytes. */
export type RangeRequest = { start: number; end: number | null } | { suffix: number };

/**
 * Parses one `Range: bytes=` header. Returns null for what must be ignored (another unit, malformed) and a list otherwise.
 * @param rangesMax above this many ranges the header is ignored (RFC 9110 §14.2 allows it; overlapping-range floods).
 */
export function parseRange(header: string | undefined, rangesMax = 16): RangeRequest[] | null {
  if (header === undefined || !/^bytes=/i.test(header)) return null;
  const parts = header.slice(6).split(',');
  if (parts.length > rangesMax) return null;
  const out: RangeRequest[] = [];
  for (const part of parts) {
    const match = /^\s*(\d{0,15})-(\d{0,15})\s*$/.exec(part);
    if (!match) return null;
    const [, first = '', last = ''] = match;
    if (first === '' && last === '') return null;
    if (first === '') out.push({ suffix: Number(last) });
    else {
      const end = last === '' ? null : Number(last);
      if (end !== null && end < Number(first)) return null;
      out.push({ start: Number(first), end });
    }
  }
  return out;
}

/**
 * Cuts a request to an object of `size` bytes.
 * @throws invalid_range (details.size) when no byte is covered.
 */
export function resolveRange(request: RangeRequest, size: number): ByteRange {
  const start = 'suffix' in request ? Math.max(0, size - request.suffix) : request.start;
  const end = 'suffix' in request || request.end === null ? size - 1 : Math.min(request.end, size - 1);
  if (start > end || start >= size || ('suffix' in request && request.suffix === 0)) {
    throw new CloudStoreError('invalid_range', 'The requested range is not satisfiable.', { details: { size } });
  }
  return { start, end };
}
