import type { Who } from '#core/principal';
import type { Run } from './runs.ts';

/** The jobs that carry checks out; each runs one at a time. */
export const VERIFY_JOB = 'verify';
export const STORE_CHECK_JOB = 'check-storage';

/** A store for packs that is tried out: one that is in use, a directory, or a place in S3. */
export type StoreToCheck =
  | { kind: 'store'; number: number }
  | { kind: 'directory'; directory: string }
  | {
      kind: 's3';
      bucket: string;
      prefix: string;
      /** null: AWS itself. */
      endpoint: string | null;
      region: string | null;
      accessKeyId: string;
      secretAccessKey: string;
    };

/** What an admin has looked at more closely: one file read to its last byte, one store tried out. */
export interface CheckDesk {
  /** `bucket` by its global name. Gives what its run is found by. @throws not_found; conflict while another file is read */
  verify(file: { bucket: string; key: string; versionId: string | null }): Promise<string>;
  /** Whoever names a place in S3 has said who it is within ten minutes. @throws access_denied (details.confirm), invalid_argument, not_found, conflict */
  checkStore(who: Who, store: StoreToCheck): Promise<string>;
  /** Newest first. */
  history(limit: number): Promise<{ files: Run[]; stores: Run[] }>;
}
