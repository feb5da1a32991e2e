/** What the API says, as far as this page reads it. */
export interface FileEntry {
  kind: 'file';
  bucket: string;
  key: string;
  name: string;
  size: number;
  etag: string;
  contentType: string;
  modified: string;
  mtime: string;
  created: string;
  versionId: string;
  verified?: string | null;
  metadata?: Record<string, string>;
}

export interface FolderEntry {
  kind: 'folder';
  bucket: string;
  key: string;
  name: string;
  etag?: string;
  modified?: string;
  created?: string;
}

export type Entry = FileEntry | FolderEntry;

export interface Listing {
  entries: Entry[];
  next: string | null;
}

export interface Bucket {
  name: string;
  owner: number;
  kind: 'standard' | 'linked' | 'vault';
  versioning: 'off' | 'enabled' | 'suspended';
  created: string;
  usage?: { objects: number; bytes: number };
}

export interface Me {
  id: number;
  name: string;
  role: 'admin' | 'member' | 'guest';
}

export interface Tokens {
  accessToken: string;
  refreshToken?: string;
  expiresInSeconds: number;
}

export interface ChangeEvent {
  type: 'event';
  bucket: string;
  cursor: string;
  kind: 'put' | 'remove' | 'annotate' | 'move' | 'copy' | 'removeTree';
  key: string;
  fromKey?: string;
  size?: number;
  etag?: string;
  at: string;
  protocol: string;
}

export interface Integrity {
  ok: boolean;
  lastScrub: { started: string; ended: string; counts: Record<string, number> } | null;
  damaged: number;
  damage: { kind: string; subject: string; reason: string; found: string }[];
  files?: { bucket: string; key: string; version: string; current: boolean }[];
}

export interface Space {
  objects: number;
  bytes: number;
  historyVersions: number;
  historyBytes: number;
  uniqueBytes: number;
  storedBytes: number;
  physicalBytes: number | null;
  reclaimableBytes: number | null;
}
