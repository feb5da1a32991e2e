import type { ObjectAttributes } from '#core/object';
import type { Who } from '#core/principal';
import type { Bytes } from '#core/stream';
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
  /**
   * Makes what a backup says of files ready to be looked through, as the job `backup-open`. True: it is. Asked while the job runs, it begins nothing.
   * @throws invalid_argument, not_found, corrupt; conflict while the backup is being made
   */
  open(backup: BackupNamed): Promise<boolean>;
  /** A page of what was in it. @throws conflict: it is not open here; not_found */
  browse(
    backup: BackupNamed,
    at: { bucket: string | null; folder: string; after: string | null; limit: number },
  ): Promise<BackedUpPage>;
  /** The versions that it has of a file, the latest first; of more than a thousand those. @throws as browse */
  versions(backup: BackupNamed, bucket: string, key: string): Promise<BackedUpVersion[]>;
  /** One file out of it; its bytes fail before their end if they are not what was stored. @throws as browse, version_not_found, corrupt */
  file(
    backup: BackupNamed,
    bucket: string,
    key: string,
    version: string | null,
  ): Promise<{ file: BackedUpFile; body: Bytes; close(): Promise<void> }>;
  /** Brings a file or all below a folder into a bucket of this gateway, as the job `backup-extract`. @throws as browse, access_denied; conflict while it runs */
  extract(who: Who, wanted: ExtractWanted): Promise<void>;
  /** What has ended, newest first. */
  history(limit: number): Promise<{ backups: Run[]; checks: Run[]; restores: Run[]; extracts: Run[] }>;
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

export interface BackupNamed {
  from: string;
  name: string;
}

/** What is wanted out of a backup, and where to. */
export interface ExtractWanted extends BackupNamed {
  bucket: string;
  /** A file; what ends in `/`, or is empty, is a folder with all below. */
  key: string;
  /** Of a file: one of its versions. null: the one of then. */
  version: string | null;
  to: ExtractTarget;
  conflict: ExtractConflict;
}

export interface ExtractTarget {
  bucket: string;
  /** Empty, or ends in `/`. */
  folder: string;
  /** What the file or folder is called there. Empty, of a folder: what is in it goes right into `folder`. */
  name: string;
}

/** What becomes of a file whose name is taken by other bytes. `both`: it comes beside, under another name; `version`: it becomes the latest version, and what is there stays in its history. */
export const EXTRACT_CONFLICTS = ['both', 'version', 'skip'] as const;
export type ExtractConflict = (typeof EXTRACT_CONFLICTS)[number];

export type BackedUpEntry =
  | ({ kind: 'file' } & BackedUpShown)
  /** Its key ends in `/`. `bytes`: of all below; null: not known. */
  | { kind: 'folder'; key: string; bytes: number | null };

export interface BackedUpShown {
  key: string;
  version: string;
  size: number;
  /** ms since the epoch */
  modified: number;
  mtime: number;
  contentType: string | null;
}

export interface BackedUpVersion extends BackedUpShown {
  /** It was the file when the backup was taken. */
  current: boolean;
  /** It says that the file was deleted. */
  deleted: boolean;
  superseded: number | null;
}

export interface BackedUpPage {
  /** Where no bucket was named: those that it has. */
  buckets: string[];
  entries: BackedUpEntry[];
  /** Behind which the next page begins. */
  next: string | null;
  /** When the backup was taken, ms since the epoch. */
  takenMs: number;
  /** Packs of it that are not whole: what lies in them cannot be had. */
  missingPacks: number;
}

export interface BackedUpFile {
  key: string;
  version: string;
  size: number;
  etag: string;
  modified: number;
  mtime: number;
  attributes: ObjectAttributes;
  /** Dead properties. */
  properties: Record<string, string> | null;
  /** As the rows of then have it: encoded ContentRef, and the hash of the whole. */
  content: Buffer | null;
  contentHash: Buffer | null;
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
export const BACKUP_OPEN_JOB = 'backup-open';
export const BACKUP_EXTRACT_JOB = 'backup-extract';
