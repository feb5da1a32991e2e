import type { IncomingMessage } from 'node:http';
import type { ObjectInfo } from '#core/object';
import { type ByteRange, parseRange, resolveRange } from '#core/range';
import { parseHttpDate } from '#http/conditional-headers';

/** null: the whole, also for several ranges, and for what goes on with other bytes (If-Range). @throws invalid_range */
export function askedRange({ headers }: IncomingMessage, info: ObjectInfo): ByteRange | null {
  const [first, second] = parseRange(headers.range) ?? [];
  if (first === undefined || second !== undefined || !isSame(headers['if-range'], info)) return null;
  return resolveRange(first, info.size);
}

/** RFC 9110 §13.1.5: If-Range takes a strong ETag, or the very second of Last-Modified. */
function isSame(condition: string | string[] | undefined, { etag, modified }: ObjectInfo): boolean {
  if (typeof condition !== 'string') return true;
  const text = condition.trim();
  return text.startsWith('"') ? text === `"${etag}"` : parseHttpDate(text) === Math.floor(modified / 1000) * 1000;
}
