import type { AuthorityStore } from '#contracts/authority-store';
import type { Authorizer } from '#contracts/authorizer';
import type { BucketStore } from '#contracts/bucket-store';
import type { PrincipalStore } from '#contracts/principal-store';
import type { Share, Shares } from '#contracts/shares';
import { nameOf } from '#core/address';
import { CloudStoreError } from '#core/errors';
import { GRANT_ROLES, type Grant } from '#core/grant';

export interface SharesOptions {
  authority: AuthorityStore;
  authorizer: Authorizer;
  buckets: BucketStore;
  principals: PrincipalStore;
}

/** Grants of others to a user and to its groups, as folders with names. */
export function createShares({ authority, authorizer, buckets, principals }: SharesOptions): Shares {
  return {
    async withMe(who) {
      if (who.principal === null) throw new CloudStoreError('unauthenticated', 'Who are you?');
      const { id, groups = [] } = who.principal;
      const granted = await Promise.all([
        authority.grantsTo({ kind: 'user', id }),
        ...groups.map((group) => authority.grantsTo({ kind: 'group', id: group })),
      ]);
      const found: Omit<Share, 'name'>[] = [];
      for (const grant of distinct(granted.flat())) {
        const bucket = await buckets.find(grant.bucket);
        // A scope may leave out what its owner was granted, and so may a policy.
        if (bucket === null || bucket.owner === id || !(await authorizer.visible(who, bucket))) continue;
        const owner = (await principals.find(bucket.owner))?.name ?? null;
        const { prefix, role, subject } = grant;
        found.push({ bucket, prefix, role, owner, group: subject.kind === 'group' });
      }
      return named(found);
    },
  };
}

/** Of one place the greatest role; nothing that lies in another place with as much. */
function distinct(grants: readonly Grant[]): Grant[] {
  const rank = ({ role }: Grant): number => GRANT_ROLES.indexOf(role);
  const covers = (outer: Grant, inner: Grant): boolean =>
    outer !== inner &&
    outer.bucket === inner.bucket &&
    inner.prefix.startsWith(outer.prefix) &&
    rank(outer) >= rank(inner) &&
    (outer.role === 'uploader') === (inner.role === 'uploader') &&
    (outer.prefix !== inner.prefix || rank(outer) > rank(inner) || grants.indexOf(outer) < grants.indexOf(inner));
  return grants.filter((inner) => !grants.some((outer) => covers(outer, inner)));
}

/** The folder's own name; where two have the same, with their bucket, and at last a number: the older bucket first, so that names stay. */
function named(shares: Omit<Share, 'name'>[]): Share[] {
  const ordered = [...shares].sort((a, b) => a.bucket.id - b.bucket.id || (a.prefix < b.prefix ? -1 : 1));
  const taken = new Set<string>();
  const out = ordered.map((share) => {
    const own = share.prefix === '' ? share.bucket.name : nameOf(share.prefix);
    const plain = own === '' || own === '.' || own === '..' ? share.bucket.name : own;
    let name = taken.has(plain) ? `${plain} (${share.bucket.name})` : plain;
    for (let n = 2; taken.has(name); n++) name = `${plain} (${share.bucket.name} ${n})`;
    taken.add(name);
    return { ...share, name };
  });
  return out.sort((a, b) => (a.name < b.name ? -1 : 1));
}
