/** Long work whose past somebody wants to see. */
export const RUN_KINDS = ['scrub', 'backup', 'backup-check', 'restore', 'backup-extract', 'verify', 'check-storage'] as const;
export type RunKind = (typeof RUN_KINDS)[number];

/** One run of it, from its beginning to its end. */
export interface Run {
  id: number;
  kind: RunKind;
  /** ms since the epoch */
  startedMs: number;
  endedMs: number;
  outcome: 'done' | 'failed' | 'cancelled';
  /** An error's, of `failed`. */
  message: string | null;
  /** What it did; each kind has its own. */
  report: Record<string, unknown>;
}

/** Rows of runs that have ended; of each kind the newest hundred stay. */
export interface RunStore {
  add(run: Omit<Run, 'id'>): Promise<void>;
  /** Newest first. */
  list(kind: RunKind, limit: number): Promise<Run[]>;
}
