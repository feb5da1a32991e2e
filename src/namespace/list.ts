import type { BriefPage, ListPage, ListQuery } from '#contracts/metadata-store';
import type { Who } from '#core/principal';
import type { Rooms } from './deps.ts';

/** One page; of no entries, only whether the caller may. The prefix is what must be allowed: whoever may list `a/` sees nothing beside it. */
export async function list(rooms: Rooms, who: Who, query: ListQuery): Promise<ListPage> {
  await allowed(rooms, who, query);
  return query.limit === 0 ? { entries: [], next: null } : rooms.store.list(query);
}

export async function listBrief(rooms: Rooms, who: Who, query: ListQuery): Promise<BriefPage> {
  await allowed(rooms, who, query);
  return query.limit === 0 ? { entries: [], next: null } : rooms.store.listBrief(query);
}

function allowed({ access }: Rooms, who: Who, { bucket, prefix, delimiter, limit }: ListQuery): Promise<unknown> {
  return access.require(who, 'list', bucket, prefix, { delimiter, maxKeys: limit });
}
