import { createAccessControl } from '#auth/access-control';
import { createAuthorizer } from '#auth/authorizer';
import type { AccessControl } from '#contracts/access-control';
import type { AuthorityStore } from '#contracts/authority-store';
import type { Authorizer } from '#contracts/authorizer';
import type { Buckets } from '#contracts/buckets';
import type { PrincipalRecord } from '#contracts/principal-store';
import type { Signals } from '#contracts/signals';

export const silentSignals: Signals = { publish: async () => undefined, subscribe: () => () => undefined };

/** Roles and ownership only: nothing is granted to anybody. */
export function ungranted(): Authorizer {
  const authority = { load: async () => null, object: async () => null } as Partial<AuthorityStore> as AuthorityStore;
  return createAuthorizer({ authority, signals: silentSignals, clock: { now: () => Date.now() } });
}

/** For wire tests, where whatever was signed may happen. */
export function permissive(): Authorizer {
  const verdict = { allowed: true, rule: { kind: 'owner' } } as const;
  return {
    require: () => undefined,
    decide: () => verdict,
    visible: () => true,
    listed: () => true,
    onChange: () => () => undefined,
  };
}

/** The documents of access over buckets in memory, where everybody may everything. */
export function memoryAccess(buckets: Buckets): AccessControl {
  const lists = new Map<string, string>();
  const authority = {
    load: async () => null,
    object: async ({ key }) => ({ versionId: '', deleteMarker: false, tags: {}, acl: lists.get(key) ?? null }),
    async setObjectAcl(_who, { key }, _version, acl) {
      if (acl === null) lists.delete(key);
      else lists.set(key, acl);
    },
    setNewObjectAcl: async () => undefined,
  } as Partial<AuthorityStore> as AuthorityStore;
  const somebody = async (id: number) => ({ id, name: `u${id}` }) as PrincipalRecord;
  const principals = { find: somebody, findByName: async () => null };
  const groups = { findByName: async () => null, list: async () => [] };
  return createAccessControl({ authority, authorizer: permissive(), buckets, principals, groups, changed: () => undefined });
}
