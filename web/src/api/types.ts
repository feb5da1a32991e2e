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

export type { Me } from '../../../clients/typescript/index.ts';

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
