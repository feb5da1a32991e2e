import { createAuthorizer } from '#auth/authorizer';
import type { AuthorityStore } from '#contracts/authority-store';
import type { Authorizer } from '#contracts/authorizer';
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
