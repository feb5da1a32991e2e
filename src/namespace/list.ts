import type { ListPage, ListQuery } from '#contracts/metadata-store';
import type { Who } from '#core/principal';
import type { Rooms } from './deps.ts';

/** One page; of no entries, only whether the caller may. The prefix is what must be allowed: whoever may list `a/` sees nothing beside it. */
export async function list(rooms: Rooms, who: Who, query: ListQuery): Promise<ListPage> {
  await rooms.access.require(who, 'list', query.bucket, query.prefix, { delimiter: query.delimiter, maxKeys: query.limit });
  return query.limit === 0 ? { entries: [], next: null } : rooms.store.list(query);
}
