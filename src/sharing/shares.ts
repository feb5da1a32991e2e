import type { AuthorityStore } from '#contracts/authority-store';
import type { Authorizer } from '#contracts/authorizer';
import type { BucketStore } from '#contracts/bucket-store';
import type { PrincipalStore } from '#contracts/principal-store';
import type { Share, Shares } from '#contracts/shares';
import type { Signals } from '#contracts/signals';
import { type BucketId, nameOf } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { createFreshCache } from '#core/fresh-cache';
import type { Grant, GroupId } from '#core/grant';
import type { PrincipalId } from '#core/principal';
import { distinctGrants } from './distinct-grants.ts';

export interface SharesOptions {
  authority: AuthorityStore;
  authorizer: Authorizer;
  buckets: BucketStore;
  principals: PrincipalStore;
  signals: Signals;
  clock: Clock;
}

/** What was granted, and of whose bucket. */
interface Granted {
  grant: Grant;
  bucket: Bucket;
  owner: string | null;
}

/**
 * Grants of others to a user and to its groups, as folders with names. They are remembered as buckets and users are: at most for a second, and dropped at once by what changes one of
 * them. What is done in a share is decided by the authorizer, whatever is remembered here.
 */
export function createShares({ authority, authorizer, buckets, principals, signals, clock }: SharesOptions): Shares {
  const known = createFreshCache<string, Granted[]>({ load, clock });
  signals.subscribe('buckets', () => known.clear());
  signals.subscribe('principals', () => known.clear());

  /** By `user group,group`. */
  async function load(key: string): Promise<Granted[]> {
    const [user = '', groups = ''] = key.split(' ');
    const subjects = groups === '' ? [] : groups.split(',').map(Number);
    const granted = await Promise.all([
      authority.grantsTo({ kind: 'user', id: Number(user) }),
      ...subjects.map((id) => authority.grantsTo({ kind: 'group', id })),
    ]);
    // Grants of a bucket may be many; the bucket and whose it is are asked for once.
    const places = new Map<BucketId, Omit<Granted, 'grant'> | null>();
    const placeOf = async (id: BucketId): Promise<Omit<Granted, 'grant'> | null> => {
      const bucket = await buckets.find(id);
      if (bucket === null || bucket.owner === Number(user)) return null;
      return { bucket, owner: (await principals.find(bucket.owner))?.name ?? null };
    };
    const found: Granted[] = [];
    for (const grant of distinctGrants(granted.flat())) {
      if (!places.has(grant.bucket)) places.set(grant.bucket, await placeOf(grant.bucket));
      const place = places.get(grant.bucket);
      if (place) found.push({ grant, ...place });
    }
    return found;
  }

  return {
    async withMe(who) {
      if (who.principal === null) throw new CloudStoreError('unauthenticated', 'Who are you?');
      const key = keyOf(who.principal.id, who.principal.groups);
      const found: Omit<Share, 'name'>[] = [];
      for (const { grant, bucket, owner } of known.peek(key) ?? (await known.get(key)) ?? []) {
        // A scope may leave out what its owner was granted, and so may a policy.
        if (!(await authorizer.visible(who, bucket))) continue;
        const { prefix, role, subject } = grant;
        found.push({ bucket, prefix, role, owner, group: subject.kind === 'group' });
      }
      return named(found);
    },
  };
}

function keyOf(user: PrincipalId, groups: readonly GroupId[] = []): string {
  return `${user} ${groups.join(',')}`;
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
  const numbers = new Map<string, number>();
  const out = ordered.map((share) => {
    const plain = plainName(share);
    if (count.get(plain) === 1) return { ...share, name: plain };
    const where = [share.bucket.name, ...share.prefix.split('/').slice(0, -2)].join(', ');
    const first = `${plain} (${where})`;
    let name = first;
    let n = numbers.get(first) ?? 2;
    for (; taken.has(name); n++) name = `${first} ${n}`;
    numbers.set(first, n);
    taken.add(name);
    return { ...share, name };
  });
  return out.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function plainName({ bucket, prefix }: Omit<Share, 'name'>): string {
  const own = prefix === '' ? bucket.name : nameOf(prefix);
  return own === '' || own === '.' || own === '..' ? bucket.name : own;
}
