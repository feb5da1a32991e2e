import type { Scope } from '#core/credential';
import type { PrincipalId } from '#core/principal';
import type { CredentialRecord, NewCredential } from './credential-store.ts';
import type { PrincipalRecord } from './principal-store.ts';

export type ClaimedKind = 'app-password' | 'device';

/** Rows of promises of one credential each. A user's go with the user, and what is open with the password under which it was made. */
export interface ClaimStore {
  /**
   * Takes away what ended long ago, of everybody.
   * @param session in which it is made, where there is one
   * @throws rate_limited when the user has `openMax` that are open, unauthenticated when the session has ended
   */
  add(claim: NewClaim, openMax: number, session?: string): Promise<ClaimRecord>;
  find(id: string, principal: PrincipalId): Promise<ClaimRecord | null>;
  findByToken(hash: Buffer): Promise<ClaimRecord | null>;
  /** Newest first. */
  list(principal: PrincipalId): Promise<ClaimRecord[]>;
  /** @throws key_not_found */
  remove(id: string, principal: PrincipalId): Promise<void>;
  /**
   * Spends it and makes its credential, in one step: of all who come with the same token, in any gateway, one gets it. null: it is unknown, spent or over, or its
   * maker is disabled.
   */
  redeem(hash: Buffer, made: Minted, from: string): Promise<Redeemed | null>;
}

/** A credential but for what its claim says of it. */
export type Minted = Pick<NewCredential, 'id' | 'sealedSecret' | 'secretHash'>;

export interface NewClaim {
  id: string;
  tokenHash: Buffer;
  principal: PrincipalId;
  kind: ClaimedKind;
  name: string;
  scope: Scope | null;
  /** CIDR. */
  networks: readonly string[] | null;
  /** When the credential will end, ms; null: never. */
  credentialExpires: number | null;
  /** When the claim ends. */
  expires: number;
}

export interface ClaimRecord extends Omit<NewClaim, 'tokenHash'> {
  created: number;
  redeemed: number | null;
  redeemedFrom: string | null;
  /** What was made of it. */
  credential: string | null;
}

export interface Redeemed {
  credential: CredentialRecord;
  principal: PrincipalRecord;
}
