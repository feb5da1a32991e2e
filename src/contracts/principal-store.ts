import type { DomainId } from '#core/content-ref';
import type { Principal, PrincipalId, Role } from '#core/principal';

/** Rows of users, keys and sessions. Each change publishes `principals` with the principal's id, so caches drop it within a second everywhere. */
export interface PrincipalStore {
  /** @throws already_exists */
  create(principal: {
    name: string;
    role: Role;
    passwordHash: string | null;
    domain: DomainId;
    identity?: Buffer;
  }): Promise<PrincipalRecord>;
  findByName(name: string): Promise<PrincipalRecord | null>;
  find(id: PrincipalId): Promise<PrincipalRecord | null>;
  list(): Promise<PrincipalRecord[]>;
  /**
   * A new password or `disabled` ends every session but `keepSession`. Whoever stops being an admin who may act is not the last one, also when two do it to each other at once.
   * @throws principal_not_found, conflict
   */
  update(
    id: PrincipalId,
    patch: {
      passwordHash?: string;
      role?: Role;
      disabled?: boolean;
      quotaBytes?: number | null;
      quotaObjects?: number | null;
      keepSession?: string;
    },
  ): Promise<PrincipalRecord>;
  /** One hash of each kind that users have, by how they were made: all but salt and hash are alike. Few. */
  hashKinds(): Promise<string[]>;
  /** The same password under a better hash, if `from` is still the one of now; nothing ends. */
  upgradeHash(id: PrincipalId, from: string, to: string): Promise<void>;
  /** Removes the user, its keys, sessions and grants; its buckets pass to `heir`. @throws principal_not_found, conflict (the last admin who may act) */
  remove(id: PrincipalId, heir: PrincipalId): Promise<void>;

  /** @throws already_exists */
  addKey(key: { id: string; principal: PrincipalId; sealedSecret: Buffer; name?: string }): Promise<AccessKeyRecord>;
  findKey(id: string): Promise<{ key: AccessKeyRecord; sealedSecret: Buffer; principal: PrincipalRecord } | null>;
  listKeys(principal?: PrincipalId): Promise<AccessKeyRecord[]>;
  /** @throws key_not_found */
  removeKey(id: string): Promise<void>;

  /**
   * A refresh token family. `tokenHash` is SHA-256 of the token that is valid now.
   * @throws unauthenticated when the user is gone or disabled, or has another password than the one it came by: what a new one ends begins no more after it
   */
  createSession(session: {
    id: string;
    principal: PrincipalId;
    tokenHash: Buffer;
    expires: number;
    label: string;
    /** The credential that it came by, whose scope it has and with which it ends. */
    credential?: string | null;
    from?: string | null;
    /** Of the password that it came by. */
    passwordHash?: string | null;
  }): Promise<void>;
  /**
   * Swaps the hash if `oldHash` is the valid one. `repeated`: somebody did just that with the same hashes, from the same address, at most `repeatMs` ago, and nothing came
   * since; what it had been swapped for stays. Any other use of an older one revokes the family.
   */
  rotateSession(
    id: string,
    oldHash: Buffer,
    newHash: Buffer,
    options: { expires: number; from?: string | undefined; repeatMs?: number },
  ): Promise<{ outcome: 'rotated' | 'repeated'; principal: PrincipalRecord } | { outcome: 'reused' | 'gone' }>;
  /** Its user has said who it is once more. @throws unauthenticated when it has ended */
  confirmSession(id: string): Promise<void>;
  sessionAlive(id: string): Promise<boolean>;
  /** null when it has ended. */
  findSession(id: string): Promise<SessionRecord | null>;
  /** Those that have not ended, oldest first. */
  listSessions(principal: PrincipalId): Promise<SessionRecord[]>;
  revokeSession(id: string): Promise<void>;
  /** All of a user, but for one; gives how many. */
  revokeSessions(principal: PrincipalId, except?: string): Promise<number>;
}

export interface PrincipalRecord extends Principal {
  disabled: boolean;
  /** PHC string; null: no password log-in. */
  passwordHash: string | null;
  domain: DomainId;
  quotaBytes: number | null;
  quotaObjects?: number | null;
  created: number;
  /** The password alone opens nothing. */
  secondFactor: boolean;
}

export interface SessionRecord {
  id: string;
  principal: PrincipalId;
  label: string;
  created: number;
  expires: number;
  credential: string | null;
  /** When it was begun or renewed. */
  lastUsed: number;
  lastUsedFrom: string | null;
  /** When its user last said who it is. */
  confirmed: number;
}

export interface AccessKeyRecord {
  id: string;
  principal: PrincipalId;
  name: string | null;
  created: number;
}
