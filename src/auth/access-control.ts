import type { AccessControl, Explanation, GivenGrant, NamedGrant } from '#contracts/access-control';
import type { AuthorityStore } from '#contracts/authority-store';
import type { Authorizer } from '#contracts/authorizer';
import type { Buckets } from '#contracts/buckets';
import type { GroupStore } from '#contracts/group-store';
import type { PrincipalStore } from '#contracts/principal-store';
import { type Acl, privateAcl } from '#core/acl';
import type { Action } from '#core/actions';
import { type Address, type BucketId, compareKeys, type ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import { ownershipOf, publicAccessBlockOf, REMOVED } from '#core/bucket-access';
import { CloudStoreError } from '#core/errors';
import type { Grant, Subject, SubjectKind } from '#core/grant';
import type { VersionId } from '#core/object';
import type { Who } from '#core/principal';
import { isPrivate, newOwner, requestedAcl } from './acl-rules.ts';
import { explainRule } from './explain-rule.ts';
import { bucketAcl, storedPolicy } from './policy-authority.ts';
import { malformed, parsePolicy } from './policy-document.ts';
import { compileBucketPolicy, type ResolvedNames } from './policy-statements.ts';

export interface AccessControlOptions {
  authority: AuthorityStore;
  authorizer: Authorizer;
  buckets: Buckets;
  principals: Pick<PrincipalStore, 'find' | 'findByName'>;
  groups: Pick<GroupStore, 'findByName' | 'list'>;
  /** Forgets what this process knows of buckets, before the answer leaves. */
  changed(): void;
}

/** The contract is AccessControl. */
export function createAccessControl(options: AccessControlOptions): AccessControl {
  const { authority, authorizer, buckets, principals, groups, changed } = options;

  /** The bucket, when the caller may do this there. */
  async function allowed(who: Who, id: BucketId, action: Action, key: ObjectKey = ''): Promise<Bucket> {
    const bucket = await buckets.get(who, id);
    await authorizer.require(who, action, bucket, key);
    return bucket;
  }

  async function subjectOf(kind: SubjectKind, name: string): Promise<Subject> {
    const found = kind === 'user' ? await principals.findByName(name) : await groups.findByName(name);
    if (found === null) throw new CloudStoreError('principal_not_found', `There is no ${kind} ${JSON.stringify(name)}.`);
    return { kind, id: found.id };
  }

  async function nameOf({ kind, id }: Subject): Promise<string> {
    if (kind === 'user') return (await principals.find(id))?.name ?? String(id);
    return (await groups.list()).find((group) => group.id === id)?.name ?? String(id);
  }

  async function named(grants: readonly Grant[]): Promise<NamedGrant[]> {
    return Promise.all(grants.map(async (grant) => ({ ...grant, name: await nameOf(grant.subject) })));
  }

  /** Whoever gives or takes away an owner's role must be one; a manager does all others. */
  async function assertMayGive(
    who: Who,
    bucket: Bucket,
    subject: Subject,
    { prefix, role }: Pick<Grant, 'prefix' | 'role'>,
  ): Promise<void> {
    const before = (await authority.load(bucket.id))?.grants.find(
      (one) => one.prefix === prefix && one.subject.kind === subject.kind && one.subject.id === subject.id,
    );
    if (role === 'owner' || before?.role === 'owner') await authorizer.require(who, 'retention.bypass', bucket, prefix);
  }

  /** What a policy's names mean now. @throws invalid_argument (details.policy) */
  async function resolveNames(text: string, bucket: Bucket): Promise<ResolvedNames> {
    const names: Record<string, number> = Object.create(null);
    for (const { principals: given } of parsePolicy(text, { bucket: bucket.name }).statements) {
      for (const one of given?.names ?? []) {
        if (one.kind !== 'name' && one.kind !== 'id') continue;
        const found = one.kind === 'id' ? await principals.find(one.id) : await principals.findByName(one.name);
        if (found === null) malformed('Invalid principal in policy');
        if (one.kind === 'name') names[one.name] = found.id;
      }
    }
    return { ...names };
  }

  /** The list of an object that has none of its own is private to the bucket's owner. */
  async function listOf(bucket: Bucket, at: Address, version: VersionId | 'null' | undefined): Promise<Acl> {
    const found = await authority.object(at, version);
    if (found?.deleteMarker === true) {
      throw new CloudStoreError('version_not_found', 'A delete marker has no list.', { details: { deleteMarker: true } });
    }
    if (found === null) {
      throw version === undefined
        ? new CloudStoreError('not_found', 'There is nothing at this key.')
        : new CloudStoreError('version_not_found', 'There is no such version.', { details: { version } });
    }
    if (found.acl === null || ownershipOf(bucket.config).effective === 'BucketOwnerEnforced') return privateAcl(bucket.owner);
    return JSON.parse(found.acl) as Acl;
  }

  async function grantees(acl: Acl): Promise<Acl> {
    for (const { grantee } of acl.grants) {
      if (grantee.kind === 'user' && (await principals.find(grantee.id)) === null) {
        throw new CloudStoreError('invalid_argument', 'Invalid id', { details: { acl: 'grantee' } });
      }
    }
    return acl;
  }

  return {
    async grants(who, id, prefix) {
      assertPrefix(prefix);
      await allowed(who, id, 'access.read', prefix);
      const all = (await authority.load(id))?.grants ?? [];
      return named(all.filter((grant) => prefix.startsWith(grant.prefix)));
    },
    async bucketGrants(who, id) {
      await allowed(who, id, 'access.read', '');
      const all = (await authority.load(id))?.grants ?? [];
      return named(all.toSorted((a, b) => compareKeys(a.prefix, b.prefix)));
    },
    async grant(who, id, given: GivenGrant) {
      const { kind, name, prefix, role } = given;
      assertPrefix(prefix);
      const bucket = await allowed(who, id, 'access.write', prefix);
      const subject = await subjectOf(kind, name);
      await assertMayGive(who, bucket, subject, { prefix, role });
      const grant = { subject, bucket: id, prefix, role };
      await authority.setGrant(grant);
      changed();
      return { ...grant, name };
    },
    async revoke(who, id, { kind, name, prefix }) {
      assertPrefix(prefix);
      const bucket = await allowed(who, id, 'access.write', prefix);
      const subject = await subjectOf(kind, name);
      await assertMayGive(who, bucket, subject, { prefix, role: 'viewer' });
      const removed = await authority.removeGrant({ subject, bucket: id, prefix });
      changed();
      return removed;
    },
    async explain(who, { user, action, bucket: id, key, version, context = who.context }): Promise<Explanation> {
      const bucket = id === null ? null : await buckets.get(who, id);
      if (who.principal === null || user !== who.principal.name) {
        if (bucket === null) await authorizer.require(who, 'admin', null);
        else await authorizer.require(who, 'access.read', bucket, key);
      }
      const record = user === null ? null : user === who.principal?.name ? who.principal : await principals.findByName(user);
      if (user !== null && record === null)
        throw new CloudStoreError('principal_not_found', `There is no user ${JSON.stringify(user)}.`);
      if (record !== null && 'disabled' in record && record.disabled === true) {
        return { allowed: false, rule: { kind: 'nothing' }, because: 'The user is disabled.' };
      }
      const principal = record === null ? null : principalOf(record);
      const asked: Who = {
        principal,
        protocol: 's3',
        requestId: who.requestId,
        ...(context === undefined ? {} : { context }),
      };
      const verdict = await authorizer.decide(asked, action, bucket, key, version === undefined ? undefined : { version });
      const subject = verdict.rule.kind === 'grant' ? await nameOf(verdict.rule.grant.subject) : '';
      return { ...verdict, because: explainRule(verdict.rule, () => subject) };
    },

    async policy(who, id) {
      return storedPolicy((await allowed(who, id, 'bucket.policy.read')).config)?.text ?? null;
    },
    async putPolicy(who, id, text) {
      const bucket = await allowed(who, id, 'bucket.policy.write');
      const names = await resolveNames(text, bucket);
      const compiled = compileBucketPolicy(text, bucket.name, names);
      if (compiled.public && publicAccessBlockOf(bucket.config).effective.blockPublicPolicy) {
        throw new CloudStoreError('access_denied', 'A public policy is blocked by the public access block of the bucket.');
      }
      await buckets.update(who, id, { config: { policy: { text, names } } });
    },
    removePolicy: async (who, id) => void (await buckets.update(who, id, { config: { policy: null } })),
    async policyIsPublic(who, id) {
      const { config, name } = await allowed(who, id, 'bucket.policyStatus.read');
      const stored = storedPolicy(config);
      return stored === null ? null : compileBucketPolicy(stored.text, name, stored.names).public;
    },

    async acl(who, id) {
      const bucket = await allowed(who, id, 'bucket.acl.read');
      return ownershipOf(bucket.config).effective === 'BucketOwnerEnforced'
        ? privateAcl(bucket.owner)
        : bucketAcl(bucket.config, bucket);
    },
    async putAcl(who, id, request) {
      const bucket = await allowed(who, id, 'bucket.acl.write');
      const acl = await grantees(requestedAcl(request, bucket, bucket.owner, 'bucket'));
      await buckets.update(who, id, { config: { acl } });
    },
    async objectAcl(who, at, version) {
      const action = version === undefined ? 'acl.read' : 'version.acl.read';
      const bucket = await buckets.get(who, at.bucket);
      await authorizer.require(who, action, bucket, at.key, version === undefined ? undefined : { version });
      return listOf(bucket, at, version);
    },
    async putObjectAcl(who, at, version, request) {
      const action = version === undefined ? 'acl.write' : 'version.acl.write';
      const bucket = await buckets.get(who, at.bucket);
      await authorizer.require(who, action, bucket, at.key, version === undefined ? undefined : { version });
      const { owner } = await listOf(bucket, at, version);
      const acl = await grantees(requestedAcl(request, bucket, owner, 'object'));
      const enforced = ownershipOf(bucket.config).effective === 'BucketOwnerEnforced';
      await authority.setObjectAcl(who, at, version, enforced ? null : JSON.stringify(acl));
    },
    newObjectAcl(who, bucket, request) {
      const writer = who.principal?.id ?? bucket.owner;
      const owner = newOwner(bucket, writer, request);
      const acl = request === null ? privateAcl(owner) : requestedAcl(request, bucket, owner, 'object');
      if (ownershipOf(bucket.config).effective === 'BucketOwnerEnforced') return null;
      return owner === bucket.owner && isPrivate(acl, owner) ? null : acl;
    },
    async setNewObjectAcl(version, acl) {
      await authority.setNewObjectAcl(version, JSON.stringify(await grantees(acl)));
    },

    async publicAccessBlock(who, id) {
      return publicAccessBlockOf((await allowed(who, id, 'bucket.publicAccessBlock.read')).config).set;
    },
    async putPublicAccessBlock(who, id, block) {
      await buckets.update(who, id, { config: { publicAccessBlock: block ?? REMOVED } });
    },
    async ownership(who, id) {
      return ownershipOf((await allowed(who, id, 'bucket.ownershipControls.read')).config).set;
    },
    async putOwnership(who, id, ownership) {
      const bucket = await allowed(who, id, 'bucket.ownershipControls.write');
      // What lists give to others would end without a word.
      if (
        ownership === 'BucketOwnerEnforced' &&
        bucketAcl(bucket.config, bucket).grants.some(({ grantee }) => grantee.kind !== 'user' || grantee.id !== bucket.owner)
      ) {
        throw new CloudStoreError(
          'invalid_argument',
          "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
          {
            details: { acl: 'ownership' },
          },
        );
      }
      await buckets.update(who, id, { config: { ownershipControls: ownership ?? REMOVED } });
    },
  };
}

function principalOf({ id, name, role, groups }: NonNullable<Who['principal']>): NonNullable<Who['principal']> {
  return groups === undefined ? { id, name, role } : { id, name, role, groups };
}

function assertPrefix(prefix: ObjectKey): void {
  if (prefix === '' || prefix.endsWith('/')) return;
  throw new CloudStoreError('invalid_argument', 'A grant is on a whole bucket or on a folder, whose key ends in a slash.');
}
