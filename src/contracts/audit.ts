import type { AuditEvent, AuditOutcome, AuditRecord } from '#core/audit';

/** What is worth a record. */
export interface Audit {
  /** Soon: within a second, or when the gateway ends. Many refusals of one kind become one record with their count. Never throws, never waits. */
  record(event: AuditEvent): void;
  close(): Promise<void>;
}

/** The chain in the database. Every record holds the one before by its hash; a key that lies sealed beside it makes them. */
export interface AuditStore {
  /** In one transaction behind the last record. @throws unavailable */
  append(events: readonly AuditEvent[]): Promise<void>;
  /** Newest first; a page ends before `before`. */
  page(query: AuditQuery): Promise<AuditRecord[]>;
  /** Oldest first, from behind `after`, for export and verification. */
  from(after: number, limit: number, query?: Omit<AuditQuery, 'before' | 'limit'>): Promise<AuditRecord[]>;
  /** Makes records go that are older, at most so many; the chain then begins behind them. Gives how many. */
  expire(beforeMs: number, limit: number): Promise<number>;
}

export interface AuditQuery {
  /** An id: only records before it. */
  before?: number;
  limit: number;
  name?: string;
  action?: string;
  protocol?: string;
  outcome?: AuditOutcome;
  address?: string;
  /** What the resource begins with. */
  resource?: string;
  /** ms since the epoch; from (inclusive) and to (exclusive). */
  from?: number;
  to?: number;
}

/** What is read of the audit. */
export interface AuditLog extends Pick<AuditStore, 'page' | 'from'> {
  /** Goes through the whole chain. @throws unavailable */
  verify(signal?: AbortSignal): Promise<AuditVerdict>;
}

/** The result of going through the whole chain. */
export interface AuditVerdict {
  records: number;
  /** The first record that is not what was written, or is missing; null: the chain is whole. */
  broken: { id: number; why: string } | null;
}
