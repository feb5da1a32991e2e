import type { AccessKey } from '#contracts/authenticator';
import type { CredentialRecord, CredentialStore } from '#contracts/credential-store';
import type { Keyring } from '#contracts/keyring';
import type { PrincipalRecord } from '#contracts/principal-store';
import type { Clock } from '#core/clock';
import { createFreshCache, type FreshCache } from '#core/fresh-cache';
import type { Principal } from '#core/principal';
import { credentialOf, principalOf } from './principal-of.ts';
import { secretContext } from './secrets.ts';

/** A credential that is there, of a user who may act. */
export interface UsableCredential {
  record: CredentialRecord;
  owner: PrincipalRecord;
  principal: Principal;
  /** null: it signs nothing. */
  key: AccessKey | null;
}

/** Credentials by id, from memory. One that has ended is given too: whoever proves that it is theirs is told so. */
export function createUsableCredentials(options: {
  credentials: CredentialStore;
  keyring: Keyring;
  clock: Clock;
}): FreshCache<string, UsableCredential> {
  const { credentials, keyring, clock } = options;
  return createFreshCache<string, UsableCredential>({
    clock,
    async load(id) {
      const found = await credentials.find(id);
      if (found === null || found.principal.disabled) return null;
      const { credential: record, principal: owner, sealedSecret, secretHash } = found;
      const principal = principalOf(owner, credentialOf(record));
      if (sealedSecret === null) return { record, owner, principal, key: null };
      const secret = (await keyring.unseal(sealedSecret, secretContext(id))).toString();
      return {
        record,
        owner,
        principal,
        key: { id, principal, secret, tokenHash: record.kind === 'temporary' ? secretHash : null },
      };
    },
  });
}
