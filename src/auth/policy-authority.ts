import type { BucketAuthority } from '#contracts/authority-store';
import type { Acl } from '#core/acl';
import type { ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import { ownershipOf, publicAccessBlockOf } from '#core/bucket-access';
import type { Grant, Subject } from '#core/grant';
import { type CompiledPolicy, compileBucketPolicy, type ResolvedNames } from './policy-statements.ts';

/** All that was granted in a bucket, ready to be asked. One revision of a bucket is compiled once. */
export interface Authority {
  revision: number;
  grants: GrantIndex;
  /** `unreadable`: what is stored is none that this version understands. It may deny anything, so nothing is allowed but to replace it. */
  policy: CompiledPolicy | 'unreadable' | null;
  /** Of the bucket; null while lists count for nothing. */
  acl: Acl | null;
  ignorePublicAcls: boolean;
  /** The policy is public, and the public access block says that nobody but the owner has anything from it. */
  restricted: boolean;
}

/** Grants by whom they reach, then by prefix: a decision looks at the folders above its key, however many grants there are. */
export type GrantIndex = ReadonlyMap<string, ReadonlyMap<string, Grant>>;

/** What a bucket's config holds of its policy. */
export interface StoredPolicy {
  /** As it came. */
  text: string;
  /** Users' names in it, and who they were. */
  names: ResolvedNames;
}

export function compileAuthority(bucket: Bucket, { revision, config, grants }: BucketAuthority): Authority {
  const policy = policyOf(bucket, config);
  const { effective } = publicAccessBlockOf(config);
  return {
    revision,
    grants: indexOf(grants),
    policy,
    acl: ownershipOf(config).effective === 'BucketOwnerEnforced' ? null : bucketAcl(config, bucket),
    ignorePublicAcls: effective.ignorePublicAcls,
    restricted: effective.restrictPublicBuckets && policy !== null && policy !== 'unreadable' && policy.public,
  };
}

/** The list of a bucket that has none of its own is private. */
export function bucketAcl(config: Bucket['config'], bucket: Pick<Bucket, 'owner'>): Acl {
  const stored = config.acl as Acl | undefined;
  return stored ?? { owner: bucket.owner, grants: [{ grantee: { kind: 'user', id: bucket.owner }, permission: 'FULL_CONTROL' }] };
}

export function storedPolicy(config: Bucket['config']): StoredPolicy | null {
  return (config.policy as StoredPolicy | undefined) ?? null;
}

function policyOf(bucket: Bucket, config: Bucket['config']): Authority['policy'] {
  const stored = storedPolicy(config);
  if (stored === null) return null;
  try {
    return compileBucketPolicy(stored.text, bucket.name, stored.names);
  } catch {
    return 'unreadable';
  }
}

export function subjectKey({ kind, id }: Subject): string {
  return `${kind} ${id}`;
}

function indexOf(grants: readonly Grant[]): GrantIndex {
  const index = new Map<string, Map<string, Grant>>();
  for (const grant of grants) {
    const key = subjectKey(grant.subject);
    const places = index.get(key);
    if (places === undefined) index.set(key, new Map([[grant.prefix, grant]]));
    else places.set(grant.prefix, grant);
  }
  return index;
}

/** The grants on the folders that hold the key, and on the folder that it is: the bucket's first. */
export function* grantsAbove(places: ReadonlyMap<string, Grant>, key: ObjectKey): Generator<Grant> {
  const whole = places.get('');
  if (whole !== undefined) yield whole;
  for (let at = key.indexOf('/'); at >= 0; at = key.indexOf('/', at + 1)) {
    const grant = places.get(key.slice(0, at + 1));
    if (grant !== undefined) yield grant;
  }
}
