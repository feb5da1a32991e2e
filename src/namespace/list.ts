import type { BriefPage, BriefQuery, BriefRow, FolderPage, FolderTeller, ListPage, ListQuery } from '#contracts/metadata-store';
import type { Namespace } from '#contracts/namespace';
import type { Address } from '#core/address';
import type { Who } from '#core/principal';
import type { Rooms } from './deps.ts';

/** One page; of no entries, only whether the caller may. The prefix is what must be allowed: whoever may list `a/` sees nothing beside it. */
export async function list(rooms: Rooms, who: Who, query: ListQuery): Promise<ListPage> {
  await allowed(rooms, who, query);
  return query.limit === 0 ? { entries: [], next: null } : rooms.store.list(query);
}

export async function listBrief(
  rooms: Rooms,
  who: Who,
  query: BriefQuery,
  begin: () => (row: BriefRow) => void,
  action?: 'list' | 'list.versions',
): Promise<BriefPage | null> {
  await allowed(rooms, who, query, action);
  return query.limit === 0 ? { count: 0, next: null, etag: null } : rooms.store.listBrief(query, begin);
}

/** Only at its first page a path may turn out to name a file. */
export async function listFolder(
  rooms: Rooms,
  who: Who,
  { bucket, key }: Address,
  query: Parameters<Namespace['listFolder']>[2],
  begin: () => FolderTeller,
): Promise<FolderPage> {
  const named = key !== '' && !key.endsWith('/');
  const asFile = await rooms.access.requirePath(who, 'read', bucket, key);
  const folder = named ? `${key}/` : key;
  await allowed(rooms, who, { bucket, prefix: folder, delimiter: '/', after: query.after, limit: query.limit });
  return rooms.store.listFolder({ ...query, bucket, folder, fileFirst: named && asFile && query.after === '' }, begin);
}

function allowed(
  { access }: Rooms,
  who: Who,
  { bucket, prefix, delimiter, limit }: ListQuery,
  action: 'list' | 'list.versions' = 'list',
): Promise<unknown> {
  return access.require(who, action, bucket, prefix, { delimiter, maxKeys: limit });
}
