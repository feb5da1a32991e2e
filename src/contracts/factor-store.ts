import type { PrincipalId } from '#core/principal';
import type { PrincipalRecord } from './principal-store.ts';

/**
 * Rows of second factors: one-time codes, recovery codes, passkeys, and the challenges of log-ins that are under way. What is spent is spent once, also when a
 * hundred try at once. What changes whether a user has a second factor publishes `principals`.
 */
export interface FactorStore {
  /** null: none was begun. */
  totp(principal: PrincipalId): Promise<{ sealed: Buffer; confirmed: boolean; step: number } | null>;
  /** Puts a secret in place of one that was never confirmed. @throws already_exists when one is confirmed */
  beginTotp(principal: PrincipalId, sealed: Buffer): Promise<void>;
  /** The secret is in use from now on, its first code spent. @throws conflict when it is not `sealed` any more */
  confirmTotp(principal: PrincipalId, sealed: Buffer, step: number): Promise<void>;
  /** Whether this step was later than all that were spent; it is spent now. */
  spendStep(principal: PrincipalId, step: number): Promise<boolean>;
  removeTotp(principal: PrincipalId): Promise<void>;

  /** In place of those that are left. */
  putRecoveryCodes(principal: PrincipalId, hashes: readonly Buffer[]): Promise<void>;
  /** Where none are left, also of two who come at once with codes of their own: whether these count now. */
  firstRecoveryCodes(principal: PrincipalId, hashes: readonly Buffer[]): Promise<boolean>;
  spendRecoveryCode(principal: PrincipalId, hash: Buffer): Promise<boolean>;
  recoveryCodesLeft(principal: PrincipalId): Promise<number>;

  /** With recovery codes, as `firstRecoveryCodes`: both or neither. @throws already_exists */
  addPasskey(passkey: Omit<PasskeyRecord, 'created' | 'lastUsed'>, hashes: readonly Buffer[]): Promise<boolean>;
  findPasskey(id: string): Promise<PasskeyRecord | null>;
  listPasskeys(principal: PrincipalId): Promise<PasskeyRecord[]>;
  usedPasskey(id: string, counter: number): Promise<void>;
  /** @throws key_not_found */
  removePasskey(id: string, owner: PrincipalId): Promise<void>;

  /** Whose identity at the provider this is (a digest of 32 bytes). */
  findByIdentity(identity: Buffer): Promise<PrincipalRecord | null>;
  hasIdentity(principal: PrincipalId): Promise<boolean>;
  /**
   * null: none opens the account any more.
   * @param passwordHash only if it still is this one, and nobody has disabled the user
   * @throws already_exists when it is somebody else's, conflict when the user has changed
   */
  setIdentity(principal: PrincipalId, identity: Buffer | null, passwordHash?: string | null): Promise<void>;

  /** Everything of a user: it is back to its password alone. */
  removeAll(principal: PrincipalId): Promise<void>;

  /** @throws unauthenticated when the session has ended in which it is asked */
  addChallenge(challenge: {
    id: string;
    purpose: string;
    principal: PrincipalId | null;
    expires: number;
    session?: string | undefined;
  }): Promise<void>;
  /** Whether it was there for this purpose and user, and had not ended; it is gone now. */
  spendChallenge(id: string, purpose: string, principal: PrincipalId | null): Promise<boolean>;
}

export interface PasskeyRecord {
  /** As the authenticator named it, base64url. */
  id: string;
  principal: PrincipalId;
  /** COSE. */
  publicKey: Buffer;
  counter: number;
  transports: readonly string[];
  name: string;
  created: number;
  lastUsed: number | null;
}
