import type { IncomingMessage } from 'node:http';
import type { ObjectInfo } from '#core/object';
import { type ByteRange, parseRange, resolveRange } from '#core/range';
import { rangeApplies } from '#http/conditional-headers';

/** null: the whole, also for several ranges, and for what goes on with other bytes (If-Range). @throws invalid_range */
export function askedRange({ headers }: IncomingMessage, info: ObjectInfo): ByteRange | null {
  const [first, second] = parseRange(headers.range) ?? [];
  if (first === undefined || second !== undefined || !rangeApplies(headers, info)) return null;
  return resolveRange(first, info.size);
}
