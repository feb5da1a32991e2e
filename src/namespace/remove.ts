import type { RemoveVerdict } from '#contracts/metadata-store';
import type { RemoveOptions } from '#contracts/namespace';
import { type Address, assertKey } from '#core/address';
import { CloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';
import { WHOLE } from './access.ts';
import { isTree } from './copy-move.ts';
import type { Rooms } from './deps.ts';
import { factsOf } from './get.ts';

/** An object, one of its versions, or with `tree` a directory with all below. */
export async function remove(rooms: Rooms, who: Who, at: Address, options: RemoveOptions = {}): Promise<RemoveVerdict> {
  if (at.key !== '') assertKey(at.key);
  const { conditions, lockTokens, keepParent, version, mustExist } = options;
  const action = version === undefined ? 'delete' : 'version.delete';
  const tree = isTree(at) && options.tree === true;
  const whole = tree || (isTree(at) && keepParent === true);
  await rooms.access.require(who, action, at.bucket, at.key, tree ? WHOLE : whole ? { wholeFolder: true } : factsOf(version));
  if (options.bypassGovernance === true) await rooms.access.require(who, 'retention.bypass', at.bucket, at.key);
  const base = {
    who,
    ...at,
    ...(conditions === undefined ? {} : { conditions }),
    ...(lockTokens === undefined ? {} : { lockTokens }),
    ...(keepParent === undefined ? {} : { keepParent }),
  };
  if (options.tree === true && isTree(at)) {
    if (version !== undefined) throw new CloudStoreError('invalid_argument', 'A folder has no versions.');
    const { signal } = options;
    const { removed } = await rooms.store.removeTree({ ...base, ...(signal === undefined ? {} : { signal }) });
    return { existed: removed > 0, deleteMarker: false, versionId: null };
  }
  return rooms.store.commit({
    kind: 'remove',
    versionId: rooms.mint(),
    ...base,
    ...(version === undefined ? {} : { version }),
    ...(mustExist === undefined ? {} : { mustExist }),
    ...(options.bypassGovernance === true ? { bypassGovernance: true } : {}),
  });
}
