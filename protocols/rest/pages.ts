import { createHash } from 'node:crypto';
import { pageOf } from './identity.ts';

/**
 * A page of a list that grew a cursor later: who names no `limit` gets all of it, as before. The cursor is a digest of what tells an item apart from
 * the others, however long that is. @throws cursor_expired
 */
export function partOf<T>(
  items: readonly T[],
  partsOf: (item: T) => readonly (string | number | null)[],
  { cursor, limit = Math.max(1, items.length) }: { cursor?: string | undefined; limit?: number | undefined },
): { page: T[]; next: string | null } {
  const keyOf = (item: T): string =>
    createHash('sha256')
      .update(JSON.stringify(partsOf(item)))
      .digest('hex')
      .slice(0, 32);
  return pageOf(items, keyOf, { cursor, limit });
}
