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

/**
 * The folder's own name; of those that have the same, each with where it is. So a name never comes to mean another folder than it just did, as long as it is
 * there: a drive that keeps it in step would take the one for the other.
 */
function named(shares: Omit<Share, 'name'>[]): Share[] {
  const ordered = [...shares].sort((a, b) => a.bucket.id - b.bucket.id || (a.prefix < b.prefix ? -1 : 1));
  const count = new Map<string, number>();
  for (const share of ordered) count.set(plainName(share), (count.get(plainName(share)) ?? 0) + 1);
  const taken = new Set(ordered.map(plainName));
  const out = ordered.map((share) => {
    const plain = plainName(share);
    if (count.get(plain) === 1) return { ...share, name: plain };
    const where = [share.bucket.name, ...share.prefix.split('/').slice(0, -2)].join(', ');
    let name = `${plain} (${where})`;
    for (let n = 2; taken.has(name); n++) name = `${plain} (${where}) ${n}`;
    taken.add(name);
    return { ...share, name };
  });
  return out.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function plainName({ bucket, prefix }: Omit<Share, 'name'>): string {
  const own = prefix === '' ? bucket.name : nameOf(prefix);
  return own === '' || own === '.' || own === '..' ? bucket.name : own;
}
