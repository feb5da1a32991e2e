import type { CredentialKind, Scope } from '#core/credential';
import type { PrincipalId } from '#core/principal';
import type { PrincipalRecord } from './principal-store.ts';

/** The kinds that have a row of their own. */
export type StoredKind = Exclude<CredentialKind, 'password' | 'session' | 'link'>;

/**
 * Rows of what owners make to be used in their place. As PrincipalStore: each change but `used` publishes `principals` with the owner's id.
 */
export interface CredentialStore {
  /** @throws already_exists (the id), key_not_found (the parent is gone) */
  add(credential: NewCredential): Promise<CredentialRecord>;
  find(id: string): Promise<FoundCredential | null>;
  /** By the SHA-256 of a secret that nobody chose. */
  findBySecret(hash: Buffer): Promise<FoundCredential | null>;
  /** Oldest first; temporary ones are left out unless asked for. */
  list(principal: PrincipalId | null, options?: { temporary?: boolean }): Promise<CredentialRecord[]>;
  /** With all that was made with it. @param owner only if it is this one's @throws key_not_found */
  remove(id: string, owner?: PrincipalId): Promise<void>;
  /** Of a user, with the sessions that came by them; gives how many. */
  removeAll(principal: PrincipalId): Promise<number>;
  /** When and from where each was used last; one that is gone is passed over. */
  used(uses: readonly CredentialUse[]): Promise<void>;
  /** Takes away temporary ones that ended long ago; gives how many of the user have not ended. */
  sweep(principal: PrincipalId): Promise<number>;
}

export interface NewCredential {
  id: string;
  kind: StoredKind;
  principal: PrincipalId;
  name: string | null;
  /** For signatures. */
  sealedSecret: Buffer | null;
  /** SHA-256 of an app password, of a device's secret, or of a temporary key's session token. */
  secretHash: Buffer | null;
  scope: Scope | null;
  /** CIDR; null: from everywhere. */
  networks: readonly string[] | null;
  policies: readonly object[] | null;
  parent: string | null;
  expires: number | null;
}

export interface CredentialRecord extends Omit<NewCredential, 'sealedSecret' | 'secretHash'> {
  created: number;
  /** To the minute. */
  lastUsed: number | null;
  lastUsedFrom: string | null;
}

export interface FoundCredential {
  credential: CredentialRecord;
  sealedSecret: Buffer | null;
  secretHash: Buffer | null;
  principal: PrincipalRecord;
}

export interface CredentialUse {
  id: string;
  at: number;
  from: string;
}
