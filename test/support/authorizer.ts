import { createAuthorizer } from '#auth/authorizer';
import type { Authorizer } from '#contracts/authorizer';
import type { PrincipalStore } from '#contracts/principal-store';

/** Roles and ownership only: nothing is granted to anybody. */
export function ungranted(): Authorizer {
  const principals = { grants: async () => [] } as Partial<PrincipalStore> as PrincipalStore;
  const signals = { publish: async () => undefined, subscribe: () => () => undefined };
  return createAuthorizer({ principals, signals, clock: { now: () => Date.now() } });
}

/** For wire tests, where whatever was signed may happen. */
export function permissive(): Authorizer {
  const verdict = { allowed: true, rule: { kind: 'owner' } } as const;
  return { require: () => undefined, decide: () => verdict, visible: () => true, onChange: () => () => undefined };
}
