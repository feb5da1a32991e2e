import type { PrincipalRecord } from '#contracts/principal-store';
import type { Principal } from '#core/principal';

/** Without hash and quota: what may travel with a request. */
export function principalOf({ id, name, role }: PrincipalRecord): Principal {
  return { id, name, role };
}
