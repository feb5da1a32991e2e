import type { Scope } from '#core/credential';
import type { Who } from '#core/principal';
import type { ClaimedKind, ClaimRecord } from './claim-store.ts';
import type { MadeCredential } from './credentials.ts';
import type { PrincipalRecord } from './principal-store.ts';

/**
 * How a device gets a credential of its own without anybody typing or showing one: whoever is logged in makes a claim, shows its token as a picture, and the device
 * redeems it, once, within minutes. The secret is made then, and told to the device alone.
 */
export interface Claims {
  /** For oneself. The token is told once. @throws invalid_argument, access_denied, rate_limited */
  make(who: Who, wanted: WantedClaim): Promise<{ claim: ClaimRecord; token: string }>;
  /** One's own of the last day, newest first. @throws access_denied */
  list(who: Who): Promise<ClaimRecord[]>;
  /** One's own. @throws key_not_found */
  get(who: Who, id: string): Promise<ClaimRecord>;
  /** It opens nothing any more; what was made of it stays. @throws key_not_found */
  remove(who: Who, id: string): Promise<void>;
  /** By whoever holds the token. @throws unauthenticated (unknown, or taken back), expired (over, or spent), rate_limited */
  redeem(token: string, remoteAddress: string): Promise<MadeCredential & { user: PrincipalRecord }>;
}

export interface WantedClaim {
  kind: ClaimedKind;
  name: string;
  scope: Scope | null;
  /** CIDR. */
  networks: readonly string[] | null;
  /** When the credential is to end, ms; null: never. */
  credentialExpires: number | null;
}
