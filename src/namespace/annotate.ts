import type { Namespace } from '#contracts/namespace';
import type { Address } from '#core/address';
import type { EntryInfo } from '#core/object';
import type { Who } from '#core/principal';
import type { Rooms } from './deps.ts';

/** Dead properties of an object or folder, and an object's mtime. */
export async function annotate(
  rooms: Rooms,
  who: Who,
  at: Address,
  patch: Parameters<Namespace['annotate']>[2],
): Promise<EntryInfo> {
  await rooms.access.require(who, 'write', at.bucket, at.key);
  return rooms.store.commit({ kind: 'annotate', who, ...at, ...patch });
}
