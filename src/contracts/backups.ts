import type { Run } from './runs.ts';

/** Backups of the whole installation, for an admin who sits at a browser; what `cloudstore backup` does. */
export interface Backups {
  /** Begins one, as the job `backup`; one that runs goes on, and nothing is asked. @throws invalid_argument, conflict: no backup may lie there */
  begin(wanted: BackupWanted): Promise<void>;
  /** Reads one again to its last byte, as the job `backup-check`. @throws invalid_argument, not_found */
  check(wanted: BackupCheckWanted): Promise<void>;
  /** What lies in a directory of backups, newest first. @throws invalid_argument, not_found */
  look(from: string): Promise<BackupsThere>;
  /** Makes an empty directory into a data directory of its own, as the job `restore`; what runs here stays as it is. @throws invalid_argument, not_found, conflict */
  restore(wanted: RestoreWanted): Promise<void>;
  /** Backups, checks and restores that have ended, newest first. */
  history(limit: number): Promise<{ backups: Run[]; checks: Run[]; restores: Run[] }>;
  about(): BackupSurroundings;
}

export interface BackupWanted {
  /** A directory of the gateway's machine; absolute. */
  to: string;
  /** Read all of it afterwards. */
  verify: boolean;
  /** How many backups stay there; null: all. */
  keep: number | null;
}

export interface BackupCheckWanted {
  from: string;
  /** null: the newest. */
  name: string | null;
}

export interface RestoreWanted {
  from: string;
  name: string;
  /** An empty directory of the gateway's machine, or one where a restore of the same backup was cut short. */
  to: string;
}

export interface BackupsThere {
  /** Without links on its way. */
  directory: string;
  /** The newest of them. */
  backups: BackupThere[];
  /** Of all. */
  count: number;
}

export interface BackupThere {
  name: string;
  takenMs: number;
  /** What its list says; null where that cannot be read, and then why. */
  holds: { packs: number; bytes: number } | null;
  why: string | null;
}

/** What somebody who restores has to know. */
export interface BackupSurroundings {
  host: string;
  dataDirectory: string;
  /** Settings that say where this installation keeps what it has; another one must not have them. */
  settingsApart: string[];
  /** Where the key is without which no backup can be read: in a file, or given by the settings. */
  masterKey: { from: 'file'; path: string } | { from: 'setting' | 'passphrase' };
}

export const BACKUP_JOB = 'backup';
export const BACKUP_CHECK_JOB = 'backup-check';
export const RESTORE_JOB = 'restore';
