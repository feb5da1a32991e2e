export type PrincipalId = number;
export type Role = 'admin' | 'member' | 'guest';

/** Somebody who can be authenticated. */
export interface Principal {
  id: PrincipalId;
  name: string;
  role: Role;
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
