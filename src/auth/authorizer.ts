import type { Action, Authorizer } from '#contracts/authorizer';
import type { Grant, PrincipalStore } from '#contracts/principal-store';
import type { Signals } from '#contracts/signals';
import type { ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { createFreshCache } from '#core/fresh-cache';
import type { PrincipalId, Who } from '#core/principal';
import { decide, granted } from './policy.ts';

export interface AuthorizerOptions {
  principals: PrincipalStore;
  signals: Signals;
  /** For the age of what is remembered of grants; by default the process's monotonic one. */
  clock?: Clock;
}

/** The one place that says yes: the policy over grants that are at most a second old. Without waiting where it can. */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const { principals, signals, clock = { now: () => performance.now() } } = options;
  const grants = createFreshCache<PrincipalId, Grant[]>({ load: (id) => principals.grants(id), clock });

  signals.subscribe('principals', (payload) => {
    if (payload === null) grants.clear();
    else grants.drop(Number(payload));
  });

  /** Asks the grants of memory, or else the database's. */
  function withGrants<T>(id: PrincipalId, use: (grants: Grant[]) => T): T | Promise<T> {
    const known = grants.peek(id);
    return known === undefined ? grants.get(id).then((loaded) => use(loaded ?? [])) : use(known);
  }

  return {
    require(who: Who, action: Action, bucket: Bucket | null, key: ObjectKey = ''): Promise<void> | void {
      if (who.principal === null) throw new CloudStoreError('unauthenticated', 'Who are you?');
      const verdict = decide(who.principal, action, bucket);
      if (verdict === true) return undefined;
      if (verdict === false || bucket === null) throw denied();
      return withGrants(who.principal.id, (mine) => {
        if (!granted(mine, action, bucket, key)) throw denied();
      });
    },
    visible(who: Who, bucket: Bucket): Promise<boolean> | boolean {
      if (who.principal === null) return false;
      const verdict = decide(who.principal, 'read', bucket);
      if (verdict !== undefined) return verdict;
      return withGrants(who.principal.id, (mine) => mine.some((grant) => grant.bucket === bucket.id));
    },
  };
}

function denied(): CloudStoreError {
  return new CloudStoreError('access_denied', 'You may not do this here.');
}
