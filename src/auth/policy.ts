import type { Action } from '#contracts/authorizer';
import type { Grant } from '#contracts/principal-store';
import type { ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Principal } from '#core/principal';

/**
 * The whole policy, pure. An admin may everything; a member everything in its own buckets, and make new ones; a guest what it was
 * granted. undefined: it hangs on the principal's grants, see `granted`.
 */
export function decide(principal: Principal, action: Action, bucket: Bucket | null): boolean | undefined {
  if (principal.role === 'admin') return true;
  if (action === 'admin') return false;
  if (bucket === null) return action === 'bucket.create' && principal.role === 'member';
  if (principal.role === 'member' && bucket.owner === principal.id) return true;
  return action in ACCESS ? undefined : false;
}

/** Whether a grant covers the key (for `list` the prefix). One on a prefix covers the folder itself, and nothing beside it. */
export function granted(grants: readonly Grant[], action: Action, bucket: Bucket, key: ObjectKey): boolean {
  const needed = ACCESS[action];
  return grants.some(
    (grant) =>
      grant.bucket === bucket.id && key.startsWith(grant.prefix) && (grant.access === 'write' || grant.access === needed),
  );
}

const ACCESS: Partial<Record<Action, Grant['access']>> = { read: 'read', list: 'read', write: 'write', delete: 'write' };
