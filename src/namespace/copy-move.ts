import type { TreeVerdict } from '#contracts/metadata-store';
import type { CopyOptions, MoveOptions } from '#contracts/namespace';
import { type Address, assertKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import { BELOW, WHOLE } from './access.ts';
import type { Rooms } from './deps.ts';
import { copyAcross } from './ingest-tree.ts';

export async function copy(rooms: Rooms, who: Who, from: Address, to: Address, options: CopyOptions): Promise<TreeVerdict> {
  const { source, target } = await both(rooms, who, 'read', from, to, options.depth0 !== true);
  if (source.domain !== target.domain) return copyAcross(rooms, who, from, to, target, options);
  await requireReplacing(rooms, who, to, options);
  const { depth0 } = options;
  return rooms.store.copy({ ...intent(who, from, to, options), properties: true, ...(depth0 === undefined ? {} : { depth0 }) });
}

/** One transaction within a dedupe domain. Across two, every object is copied and only then the source removed: an interrupted one loses nothing. */
export async function move(rooms: Rooms, who: Who, from: Address, to: Address, options: MoveOptions): Promise<TreeVerdict> {
  const { source, target } = await both(rooms, who, 'delete', from, to, true);
  // Where it goes to, it may be read by a rule that forbids it where it is.
  await rooms.access.require(who, 'read', from.bucket, from.key, isTree(from) ? BELOW : undefined);
  const { keepParent, lockTokens } = options;
  const keep = keepParent === undefined ? {} : { keepParent };
  if (source.domain === target.domain) {
    await requireReplacing(rooms, who, to, options);
    return rooms.store.move({ ...intent(who, from, to, options), ...keep });
  }
  // What changes in the source from here on must not be removed unseen.
  const before = await rooms.store.entry(entryAddress(from));
  const verdict = await copyAcross(rooms, who, from, to, target, options);
  const removal = {
    who,
    ...from,
    ...keep,
    ...(lockTokens === undefined ? {} : { lockTokens }),
    conditions: { ifMatch: before === null ? [] : [before.etag] },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
  if (isTree(from)) await rooms.store.removeTree(removal);
  else await rooms.store.commit({ kind: 'remove', versionId: rooms.mint(), mustExist: true, ...removal });
  return verdict;
}

async function both(
  rooms: Rooms,
  who: Who,
  action: 'read' | 'delete',
  from: Address,
  to: Address,
  below: boolean,
): Promise<{ source: Bucket; target: Bucket }> {
  if (from.key !== '') assertKey(from.key);
  assertKey(to.key);
  if (isTree(from) !== isTree(to))
    throw new CloudStoreError('invalid_argument', 'A folder goes onto a folder, an object onto an object.');
  if (from.bucket === to.bucket && isTree(from) && to.key.startsWith(from.key)) {
    throw new CloudStoreError('invalid_argument', 'A folder cannot go into itself.');
  }
  const about = isTree(from) && below ? BELOW : undefined;
  const source = await rooms.access.require(who, action, from.bucket, from.key, about && action === 'delete' ? WHOLE : about);
  const target = await rooms.access.require(who, 'write', to.bucket, to.key, about);
  return { source, target };
}

/**
 * Who overwrites an object writes; who replaces a folder, or what is of another kind, removes what was there and must be allowed to. Across
 * domains `copyAcross` asks the same.
 */
async function requireReplacing(rooms: Rooms, who: Who, to: Address, { overwrite, requireParent }: CopyOptions): Promise<void> {
  if (!overwrite) return;
  const other = { ...to, key: isTree(to) ? to.key.slice(0, -1) : `${to.key}/` };
  const [same, twin] = await Promise.all([
    isTree(to) ? rooms.store.directory(to) : null,
    requireParent !== true ? null : isTree(to) ? rooms.store.current(other) : rooms.store.directory(other),
  ]);
  if (same !== null) await rooms.access.require(who, 'delete', to.bucket, to.key, WHOLE);
  if (twin !== null) await rooms.access.require(who, 'delete', other.bucket, other.key, isTree(other) ? WHOLE : undefined);
}

function intent(
  who: Who,
  from: Address,
  to: Address,
  { overwrite, requireParent, lockTokens, conditions, targetConditions, signal }: CopyOptions,
) {
  return {
    who,
    from,
    to,
    overwrite,
    ...(requireParent === undefined ? {} : { requireParent }),
    ...(targetConditions === undefined ? {} : { targetConditions }),
    ...(lockTokens === undefined ? {} : { lockTokens }),
    ...(conditions === undefined ? {} : { conditions }),
    ...(signal === undefined ? {} : { signal }),
  };
}

export function isTree({ key }: Address): boolean {
  return key === '' || key.endsWith('/');
}

/** A tree's path as `entry` takes it. */
function entryAddress(at: Address): Address {
  return at.key.endsWith('/') ? { ...at, key: at.key.slice(0, -1) } : at;
}
