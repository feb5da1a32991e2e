import type { Namespace } from '#contracts/namespace';
import type { Address } from '#core/address';
import type { ObjectInfo } from '#core/object';
import type { Who } from '#core/principal';
import type { Rooms } from './deps.ts';
import { factsOf } from './get.ts';

/** S3's tags of an object or of one of its versions, all of them at once. To set none is another right than to take them away. */
export async function tag(
  rooms: Rooms,
  who: Who,
  at: Address,
  tags: Record<string, string> | null,
  { version }: NonNullable<Parameters<Namespace['tag']>[3]> = {},
): Promise<ObjectInfo> {
  const verb = tags === null ? 'remove' : 'write';
  const action = version === undefined ? (`tags.${verb}` as const) : (`version.tags.${verb}` as const);
  const facts = tags === null ? factsOf(version) : { ...factsOf(version), tags };
  await rooms.access.require(who, action, at.bucket, at.key, facts);
  const kept = tags !== null && Object.keys(tags).length === 0 ? null : tags;
  return rooms.store.commit({ kind: 'tag', who, ...at, tags: kept, ...(version === undefined ? {} : { version }) });
}
