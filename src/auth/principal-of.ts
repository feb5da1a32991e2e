import type { CredentialRecord } from '#contracts/credential-store';
import type { PrincipalRecord, SessionRecord } from '#contracts/principal-store';
import type { Credential } from '#core/credential';
import type { Principal } from '#core/principal';
import { digestOf } from './secrets.ts';

/** Without hash and quota: what may travel with a request. */
export function principalOf({ id, name, role, groups }: PrincipalRecord, credential: Credential): Principal {
  return groups === undefined ? { id, name, role, credential } : { id, name, role, credential, groups };
}

export function credentialOf(record: CredentialRecord, session?: string): Credential {
  const { kind, id, name, scope, networks, policies, expires } = record;
  return {
    kind,
    id,
    scope,
    ...(name === null ? {} : { name }),
    ...(networks === null ? {} : { networks }),
    ...(policies === null ? {} : { policies }),
    ...(expires === null ? {} : { expires }),
    ...(session === undefined ? {} : { session }),
  };
}

/** A log-in by password is the user itself; one by a credential is that credential. */
export function sessionCredential({ id, confirmed }: SessionRecord, by: CredentialRecord | null): Credential {
  return by === null ? { kind: 'session', id, scope: null, session: id, confirmed } : credentialOf(by, id);
}

/** By the bare password, of which nothing travels but what tells it from the next one. */
export function createByPassword(): (record: PrincipalRecord) => Principal {
  const known = new WeakMap<PrincipalRecord, Principal>();
  return (record) => {
    let principal = known.get(record);
    if (principal === undefined) {
      const id = digestOf(`password of now: ${record.passwordHash}`).toString('hex').slice(0, 16);
      known.set(record, (principal = principalOf(record, { kind: 'password', id, scope: null })));
    }
    return principal;
  };
}
