import type { Rule, Verdict } from '#contracts/authorizer';
import { type Action, roleHolds } from '#core/actions';
import type { ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Grant } from '#core/grant';
import type { Principal } from '#core/principal';

const ADMIN = allowed({ kind: 'admin' });
const OWNER = allowed({ kind: 'owner' });
const ACCOUNT = allowed({ kind: 'account' });
/** No rule says yes. */
export const NOTHING: Verdict = { allowed: false, rule: { kind: 'nothing' } };

/**
 * What a user is by role and ownership, pure: an admin may everything, a member everything in its own buckets, and make new ones, a guest what it was
 * granted. undefined: it hangs on what was granted.
 */
export function decideRole(principal: Principal, action: Action, bucket: Bucket | null): Verdict | undefined {
  if (principal.role === 'admin') return ADMIN;
  if (action === 'admin') return NOTHING;
  if (bucket === null) {
    const everybody = action === 'bucket.list' || action === 'account.read' || action === 'account.write';
    return everybody || (action === 'bucket.create' && principal.role === 'member') ? ACCOUNT : NOTHING;
  }
  return principal.role === 'member' && bucket.owner === principal.id ? OWNER : undefined;
}

/** The verdict of the grants that reach the principal. One on a folder covers the folder itself and what is below, and nothing beside it. */
export function decideGrants(grants: readonly Grant[], action: Action, bucket: Bucket, key: ObjectKey): Verdict {
  for (const grant of grants) {
    if (grant.bucket === bucket.id && key.startsWith(grant.prefix) && roleHolds(grant.role, action)) {
      return allowed({ kind: 'grant', grant });
    }
  }
  return NOTHING;
}

function allowed(rule: Rule): Verdict {
  return { allowed: true, rule };
}
