import type { Namespace } from '#contracts/namespace';
import type { BucketId } from '#core/address';
import type { Who } from '#core/principal';
import type { Rooms } from './deps.ts';

/** The owner pays, so its quota is what is left for everybody who writes there; how much it uses elsewhere is its own affair. */
export async function quota(rooms: Rooms, who: Who, id: BucketId): ReturnType<Namespace['quota']> {
  // Whoever may see the bucket may know whether there is room in it.
  await rooms.buckets.get(who, id);
  const [{ owner, account, bucket }, available] = await Promise.all([rooms.usage.room(id), rooms.quotas.left(id)]);
  const mine = who.principal?.id === owner || who.principal?.role === 'admin';
  const own = account.quota.bytes === null && bucket.quota.bytes !== null;
  return { used: mine && !own ? account.used.bytes : bucket.used.bytes, available };
}
