/**
 * Work that goes on behind the requests: collection, scrub, snapshots, key rotation. One gateway at a time runs a job of a name (a lease in the
 * database, renewed while it runs, taken over when its holder is silent), so a job may run anywhere and end at any point: it saves where
 * it is, and its next run goes on from there.
 */
export interface Job {
  /** kebab-case; also the key of its row. */
  name: string;
  /** Between the end of one run and the start of the next; null: on demand only. */
  everyMs: number | null;
  /** `everyMs` is from the start of one run to the start of the next, which follows at once where a run took longer. */
  fromStart?: boolean;
  run(context: JobContext): Promise<void>;
}

export interface JobContext {
  /** Fires on cancel, on the gateway's end, and when the lease was lost: end soon, without a further effect. */
  signal: AbortSignal;
  /** What the last run saved, of whichever gateway; null at first, and after a run that saved null. */
  state: unknown;
  /** What whoever started it on demand gave along; null for a scheduled run. */
  argument: unknown;
  /** Durable when it resolves. @throws conflict when the lease was lost */
  save(state: unknown): Promise<void>;
  /** Cheap; written at most once a second. */
  progress(progress: JobProgress): void;
}

/** Whether a job's `signal` fired because somebody called it off, and not because the gateway ends or the lease was lost. */
export function wasCancelled({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof Error && reason.cause === 'cancelled';
}

export interface JobProgress {
  done: number;
  /** null: not known. */
  total: number | null;
  unit: string;
  /** What was found or done so far, by name; shown as it is. */
  counts?: Record<string, number>;
}

export interface JobStatus {
  name: string;
  state: 'idle' | 'requested' | 'running';
  progress: JobProgress | null;
  /** ms since the epoch. */
  startedMs: number | null;
  endedMs: number | null;
  /** How the last run ended; an error's message for `failed`. */
  outcome: { kind: 'done' | 'failed' | 'cancelled'; message: string | null } | null;
}

/** For doors and commands; works from any gateway, and from a command beside a running one. */
export interface Jobs {
  /** Asks for a run now; one that runs already goes on, without this argument. @throws not_found */
  start(name: string, argument?: unknown): Promise<void>;
  /** Asks for a run of just this. @throws not_found; conflict when one runs already or was asked for */
  startAlone(name: string, argument: unknown): Promise<void>;
  /** Asks a running one to stop. */
  cancel(name: string): Promise<void>;
  list(): Promise<JobStatus[]>;
}

/** Jobs as they move, on whichever gateway. */
export interface JobFeed {
  /** Tells each job as it is now, then each that changed. Gives the unsubscriber. */
  follow(listener: (job: JobStatus) => void): () => void;
}
