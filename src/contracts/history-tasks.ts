import type { BucketId } from '#core/address';
import type { PurgeIntent, RestoreIntent } from './history-store.ts';

/** Restores and purges that take more than one transaction, each carried on from where it was by whichever gateway has the job. */
export interface HistoryTasks {
  add(bucket: BucketId, work: TaskWork): Promise<HistoryTask>;
  /** The oldest that has not ended. */
  next(): Promise<OpenTask | null>;
  /** Durable when it resolves. @returns false when it was cancelled meanwhile: then nothing is written, and it is to end */
  save(id: number, step: TaskStep): Promise<boolean>;
  /** Of one bucket, the latest first; of all buckets. */
  list(bucket: BucketId | null, limit: number): Promise<HistoryTask[]>;
  /** False when there is none that goes on. */
  cancel(bucket: BucketId, id: number): Promise<boolean>;
}

export type TaskWork = { kind: 'restore'; intent: RestoreIntent } | { kind: 'purge'; intent: PurgeIntent };

export interface HistoryTask {
  id: number;
  bucket: BucketId;
  kind: 'restore' | 'purge';
  state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  /** What was done so far, by the names of the verdict. After a kill a step may count twice. */
  counts: Record<string, number>;
  /** Why it failed. */
  message: string | null;
  created: number;
  ended: number | null;
}

export interface OpenTask extends HistoryTask {
  work: TaskWork;
  /** Where the next window begins. */
  after: string;
}

export interface TaskStep {
  state: 'running' | 'done' | 'failed';
  after: string;
  counts: Record<string, number>;
  message?: string;
}
