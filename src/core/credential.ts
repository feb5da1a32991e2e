import type { BucketId, ObjectKey } from './address.ts';

/**
 * What somebody came with. `password`: the user's own, by Basic authentication. `session`: a log-in with it. The others are made by their owner, who can take each
 * one back: `s3` keys, `app-password`s for Basic authentication, `device`s (one secret for all doors), and `temporary` keys of STS.
 * `link`: a share link, its maker reduced to one file or folder.
 */
export type CredentialKind = 'password' | 'session' | 's3' | 'app-password' | 'device' | 'temporary' | 'link';

/** A credential never can more than its owner: it is the owner, reduced. */
export interface Credential {
  kind: CredentialKind;
  /** Of an S3 key its access key id; of a session the session's. */
  id: string;
  /** As its owner calls it; absent: it has none. */
  name?: string;
  /** null: all that its owner may. */
  scope: Scope | null;
  /** Policy documents in the language of S3's bucket policies, parsed: each of them must allow what is asked. Of temporary keys only. */
  policies?: readonly object[];
  /** CIDR: it may be used from there only. Absent: from everywhere. */
  networks?: readonly string[];
  /** ms; absent: until it is taken back. */
  expires?: number;
  /** The session that it came by, where the credential was exchanged for tokens. */
  session?: string;
  /** Of a log-in: when the user last said who it is, ms. */
  confirmed?: number;
}

/** A reduction of what the owner may. Whatever is null is not reduced. When a credential ends, and from where it may be used, is decided before: see Authenticator. */
export interface Scope {
  /** As the Authorizer's actions are called. */
  actions: readonly string[] | null;
  /** Only below these. */
  places: readonly ScopePlace[] | null;
}

export interface ScopePlace {
  bucket: BucketId;
  /** Of keys; empty: the whole bucket; ends in `/`: that folder and what is below; else one key. */
  prefix: ObjectKey;
}
