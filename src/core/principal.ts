import type { Credential } from './credential.ts';

export type PrincipalId = number;
export type Role = 'admin' | 'member' | 'guest';

/** Somebody who can be authenticated. */
export interface Principal {
  id: PrincipalId;
  name: string;
  role: Role;
  /** What it came with, and what that may at most; absent where nothing was asked for (the system itself, commands). */
  credential?: Credential;
}

export type Protocol = 's3' | 'webdav' | 'rest' | 'ws' | 'cli' | 'system';

/** On whose behalf, and through which door, a call is made. Built by the protocol after authentication. */
export interface Who {
  /** null: anonymous. */
  principal: Principal | null;
  protocol: Protocol;
  /** Request id, the same in the answer, the log and the journal. */
  requestId: string;
}
