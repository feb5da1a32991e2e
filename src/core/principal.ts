import type { Credential } from './credential.ts';
import type { GroupId } from './grant.ts';

export type PrincipalId = number;
export type Role = 'admin' | 'member' | 'guest';

/** Somebody who can be authenticated, as a credential of theirs says who they are. */
export interface Principal {
  id: PrincipalId;
  name: string;
  role: Role;
  /** What it came with, and what that may at most; absent where nothing was asked for (the system itself, commands). */
  credential?: Credential;
  /** Groups that it is in. Absent: none. */
  groups?: readonly GroupId[];
}

export type Protocol = 's3' | 'webdav' | 'rest' | 'ws' | 'cli' | 'system';

/** What a policy's conditions may ask about a request. A door makes each only when it is asked for. */
export interface RequestFacts {
  readonly remoteAddress: string;
  /** It came over TLS. */
  readonly secure: boolean;
  /** Of the client's own connection, as `1.3`; no proxy tells of it. */
  readonly tlsVersion?: string | undefined;
  /** S3 alone: it was signed by version 2. */
  readonly signatureV2?: boolean;
  /** S3 alone: when it was signed, ms since the epoch; version 2 does not tell of a URL. */
  readonly signedAt?: number;
  /** S3 alone: what a copy is made of, as `bucket/key`, however the request wrote it. */
  readonly copySource?: string;
  /** What is asked for, as its protocol names it. */
  readonly op?: string;
  /** By lower-case name. */
  header(name: string): string | undefined;
}

/** How a change came about, where its kind in the journal does not say it. `gone` names the version that was removed, as S3 shows it. */
export type ChangeCause = 'copy' | 'post' | 'complete' | 'tag' | 'untag' | 'acl' | `gone ${string}`;

/** On whose behalf, and through which door, a call is made. Built by the protocol after authentication. */
export interface Who {
  /** null: anonymous. */
  principal: Principal | null;
  protocol: Protocol;
  /** Request id, the same in the answer, the log and the journal. */
  requestId: string;
  /** Absent where there is no request: a job, a command. Conditions on it then do not hold. */
  context?: RequestFacts;
  /** What the caller knows of it and the rooms below do not. */
  cause?: ChangeCause;
}
