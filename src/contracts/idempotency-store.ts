import type { PrincipalId } from '#core/principal';

/** What requests with an Idempotency-Key answered, for a day. Who runs one, of two that come at once, is decided in the database. */
export interface IdempotencyStore {
  /**
   * Begins a request under a key. `attempt` names this one try and is never used again. A try that was not renewed for `staleMs` belongs to a gateway that died: the
   * same request may take it over.
   */
  begin(principal: PrincipalId, key: string, request: Buffer, attempt: Buffer, staleMs: number): Promise<Begun>;
  /** Still running. */
  renew(principal: PrincipalId, key: string, attempt: Buffer): Promise<void>;
  /** Durable when it resolves. */
  end(
    principal: PrincipalId,
    key: string,
    attempt: Buffer,
    answer: { status: number; sealed: Buffer; digest: Buffer },
  ): Promise<void>;
  /** It made nothing: the key is free again. */
  release(principal: PrincipalId, key: string, attempt: Buffer): Promise<void>;
  /** Removes some that are older than a day; gives how many. */
  expire(): Promise<number>;
}

export type Begun =
  | { kind: 'mine' }
  /** Somebody runs the same request now. */
  | { kind: 'running' }
  | { kind: 'ended'; status: number; sealed: Buffer; digest: Buffer }
  /** The key belongs to another request. */
  | { kind: 'other' };
