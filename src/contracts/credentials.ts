import type { Scope } from '#core/credential';
import type { PrincipalId, Who } from '#core/principal';
import type { CredentialRecord, StoredKind } from './credential-store.ts';

/** What users make to be used in their place, and take back. */
export interface Credentials {
  /** One's own; of another user, or of all (null), for admins. Temporary ones are not among them. @throws access_denied */
  list(who: Who, of?: PrincipalId | null): Promise<CredentialRecord[]>;
  /** For oneself; for another user, for admins. The secret is told once. @throws invalid_argument, access_denied, already_exists */
  create(who: Who, wanted: WantedCredential): Promise<MadeCredential>;
  /** One's own, or what one came with; of anybody, for admins. It works nowhere any more within a second. @throws key_not_found */
  remove(who: Who, id: string): Promise<void>;
  /**
   * A key for a short time that can at most what `who` came with can, and what the policy allows. Only an S3 key or a device makes one.
   * @throws access_denied, rate_limited when a user has too many, invalid_argument (details.policy) for what is no policy
   */
  temporary(who: Who, wanted: { seconds: number; policy: object | null }): Promise<TemporaryKey>;
}

export interface WantedCredential {
  kind: Exclude<StoredKind, 'temporary'>;
  name: string | null;
  owner?: PrincipalId;
  scope?: Scope | null;
  /** CIDR. */
  networks?: readonly string[] | null;
  /** ms */
  expires?: number | null;
  /** Of an S3 key that somebody chose. */
  given?: { id: string; secret: string };
}

export interface MadeCredential {
  credential: CredentialRecord;
  /** An app password to be typed, or an S3 secret key; a device's is both. */
  secret: string;
}

export interface TemporaryKey {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  expires: number;
}
