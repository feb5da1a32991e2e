import type { ActionFacts, Authorizer, Verdict } from '#contracts/authorizer';
import type { PrincipalStore, Grant as StoredGrant } from '#contracts/principal-store';
import type { Signals } from '#contracts/signals';
import type { Action } from '#core/actions';
import type { BucketId, ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { createFreshCache } from '#core/fresh-cache';
import type { Grant } from '#core/grant';
import type { Principal, PrincipalId, Who } from '#core/principal';
import { decideGrants, decideRole, NOTHING } from './policy.ts';
import { scopeReaches, scopeRefusal } from './policy-scope.ts';

export interface AuthorizerOptions {
  principals: PrincipalStore;
  signals: Signals;
  /** For the age of what is remembered. */
  clock: Clock;
}

/** The one place that says yes: the policy over what was granted at most a second ago. Without waiting where it can. */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const { principals, signals, clock } = options;
  const listeners = new Set<(bucket: BucketId | null) => void>();
  const grants = createFreshCache<PrincipalId, Grant[]>({
    load: async (id) => (await principals.grants(id)).map((grant) => grantOf(id, grant)),
    clock,
  });

  signals.subscribe('principals', (payload) => {
    if (payload === null) grants.clear();
    else grants.drop(Number(payload));
  });
  signals.subscribe('buckets', (payload) => {
    for (const listener of listeners) listener(payload === null ? null : Number(payload));
  });

  /** Asks the grants of memory, or else the database's. */
  function withGrants<T>(id: PrincipalId, use: (grants: Grant[]) => T): T | Promise<T> {
    const known = grants.peek(id);
    return known === undefined ? grants.get(id).then((loaded) => use(loaded ?? [])) : use(known);
  }

  function decide(who: Who, action: Action, bucket: Bucket | null, key: ObjectKey): Verdict | Promise<Verdict> {
    const { principal } = who;
    if (principal === null || principal.link !== undefined) return NOTHING;
    if (principal.credential !== undefined) {
      const refusal = scopeRefusal(principal.credential, action, bucket, key);
      if (refusal !== null) return refusal;
    }
    const verdict = decideRole(principal, action, bucket);
    if (verdict !== undefined || bucket === null) return verdict ?? NOTHING;
    return withGrants(principal.id, (mine) => decideGrants(mine, action, bucket, key));
  }

  return {
    decide: (who, action, bucket, key = '', _about?: ActionFacts) => decide(who, action, bucket, key),
    require(who, action, bucket, key = '', _about?: ActionFacts) {
      const verdict = decide(who, action, bucket, key);
      if (verdict instanceof Promise) return verdict.then((found) => assertAllowed(found, who.principal));
      assertAllowed(verdict, who.principal);
      return undefined;
    },
    visible(who, bucket) {
      const { principal } = who;
      if (principal === null || principal.link !== undefined) return false;
      if (principal.credential !== undefined && !scopeReaches(principal.credential.scope, bucket)) return false;
      const verdict = decideRole(principal, 'read', bucket);
      if (verdict !== undefined) return verdict.allowed;
      return withGrants(principal.id, (mine) => mine.some((grant) => grant.bucket === bucket.id));
    },
    onChange(listener) {
      const own = (bucket: BucketId | null): void => listener(bucket);
      listeners.add(own);
      return () => listeners.delete(own);
    },
  };
}

function assertAllowed({ allowed }: Verdict, principal: Principal | null): void {
  if (allowed) return;
  if (principal === null) throw new CloudStoreError('unauthenticated', 'Who are you?');
  throw new CloudStoreError('access_denied', 'You may not do this here.');
}

function grantOf(id: PrincipalId, { bucket, prefix, access }: StoredGrant): Grant {
  return { subject: { kind: 'user', id }, bucket, prefix, role: access === 'read' ? 'viewer' : 'editor' };
}
