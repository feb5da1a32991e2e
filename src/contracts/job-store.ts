import type { JobProgress, JobStatus } from './jobs.ts';

/**
 * Rows of jobs, one a name: who runs it, since when and until when its lease is good, what it saved. All times are the database's, so gateways whose
 * clocks differ agree on who is silent. Each change that somebody waits for publishes `jobs` with the job's name.
 */
export interface JobStore {
  /** Makes the rows that are missing; the time until a first scheduled run counts from here. */
  ensure(names: readonly string[]): Promise<void>;
  /**
   * Asks for a run with this argument. One that runs already goes on, and nothing is asked; one that was asked for and has not begun gets this argument.
   * @param alone neither: of any number who ask at once, one is heard and every other one told
   * @throws not_found; conflict where `alone` and it runs or was asked for
   */
  request(name: string, argument: unknown, alone?: boolean): Promise<void>;
  /** Asks a running one to stop, and takes a request back. @throws not_found */
  cancel(name: string): Promise<void>;
  /** In order of names. */
  list(): Promise<JobStatus[]>;
  /**
   * Takes the lease of every job among these that is to run now: it was asked for, its time has come, or its holder is silent.
   * `holder` names this one attempt; it is never used again.
   */
  take(holder: string, schedules: readonly JobSchedule[], leaseMs: number): Promise<TakenJob[]>;
  /** Prolongs the lease; `progress` is kept when given. @throws conflict when the lease was lost */
  renew(name: string, holder: string, leaseMs: number, progress: JobProgress | null): Promise<{ cancelled: boolean }>;
  /** Durable when it resolves. @throws conflict when the lease was lost */
  save(name: string, holder: string, state: unknown): Promise<void>;
  /** Ends the run; nothing when the lease was lost. `againMs`: when a schedule runs it next. */
  end(name: string, holder: string, end: JobEnd): Promise<void>;
}

export interface JobSchedule {
  name: string;
  /** null: only when it is asked for. */
  everyMs: number | null;
}

export interface TakenJob {
  name: string;
  state: unknown;
  argument: unknown;
}

export interface JobEnd {
  /** `released`: its gateway ends; whoever comes next goes on with it. */
  kind: 'done' | 'failed' | 'cancelled' | 'released';
  message: string | null;
  /** So much earlier than its schedule says the next run comes, ms. */
  earlierMs: number;
}
