import type { BucketId } from '#core/address';
import type { DomainId } from '#core/content-ref';
import type { Principal, PrincipalId, Role } from '#core/principal';

/** Rows of users, keys and sessions. Each change publishes `principals` with the principal's id, so caches drop it within a second everywhere. */
export interface PrincipalStore {
  /** @throws already_exists */
  create(principal: { name: string; role: Role; passwordHash: string | null; domain: DomainId }): Promise<PrincipalRecord>;
  findByName(name: string): Promise<PrincipalRecord | null>;
  find(id: PrincipalId): Promise<PrincipalRecord | null>;
  list(): Promise<PrincipalRecord[]>;
  /** @throws principal_not_found */
  update(
    id: PrincipalId,
    patch: { passwordHash?: string; role?: Role; disabled?: boolean; quotaBytes?: number | null },
  ): Promise<PrincipalRecord>;
  /** Removes the user, its keys, sessions and grants; its buckets pass to `heir`. @throws principal_not_found */
  remove(id: PrincipalId, heir: PrincipalId): Promise<void>;

  /** @throws already_exists */
  addKey(key: { id: string; principal: PrincipalId; sealedSecret: Buffer; name?: string }): Promise<AccessKeyRecord>;
  findKey(id: string): Promise<{ key: AccessKeyRecord; sealedSecret: Buffer; principal: PrincipalRecord } | null>;
  listKeys(principal?: PrincipalId): Promise<AccessKeyRecord[]>;
  /** @throws key_not_found */
  removeKey(id: string): Promise<void>;

  /** A refresh token family. `tokenHash` is SHA-256 of the token that is valid now. */
  createSession(session: {
    id: string;
    principal: PrincipalId;
    tokenHash: Buffer;
    expires: number;
    label: string;
  }): Promise<void>;
  /** Swaps the hash if `oldHash` is the valid one; a reuse of an older one revokes the family. */
  rotateSession(
    id: string,
    oldHash: Buffer,
    newHash: Buffer,
    expires: number,
  ): Promise<{ outcome: 'rotated'; principal: PrincipalRecord } | { outcome: 'reused' | 'gone' }>;
  sessionAlive(id: string): Promise<boolean>;
  revokeSession(id: string): Promise<void>;

  /** Grants on buckets that are not one's own. */
  grants(principal: PrincipalId): Promise<Grant[]>;
  setGrant(grant: Grant & { principal: PrincipalId }): Promise<void>;
  removeGrant(principal: PrincipalId, bucket: BucketId, prefix: string): Promise<void>;
}

export interface PrincipalRecord extends Principal {
  disabled: boolean;
  /** PHC string; null: no password log-in. */
  passwordHash: string | null;
  domain: DomainId;
  quotaBytes: number | null;
  created: number;
}

export interface AccessKeyRecord {
  id: string;
  principal: PrincipalId;
  name: string | null;
  created: number;
}

export interface Grant {
  bucket: BucketId;
  /** Empty: the whole bucket; else ends in `/`. */
  prefix: string;
  access: 'read' | 'write';
}
