import type { Namespace } from '#contracts/namespace';
import type { BucketId } from '#core/address';
import type { Who } from '#core/principal';
import type { Rooms } from './deps.ts';

/** The owner pays, so its quota is what is left for everybody who writes there; how much it uses elsewhere is its own affair. */
export async function quota(rooms: Rooms, who: Who, id: BucketId): ReturnType<Namespace['quota']> {
  const { store } = rooms.buckets;
  // Whoever may see the bucket may know whether there is room in it.
  const { owner } = await rooms.buckets.get(who, id);
  const [record, owned, here] = await Promise.all([rooms.principals.find(owner), store.list(owner), store.usage(id)]);
  const all = await Promise.all(owned.map((bucket) => store.usage(bucket.id)));
  const used = all.reduce((sum, { bytes }) => sum + bytes, 0);
  const limit = record?.quotaBytes ?? null;
  const mine = who.principal?.id === owner || who.principal?.role === 'admin';
  return { used: mine ? used : here.bytes, available: limit === null ? null : Math.max(0, limit - used) };
}
