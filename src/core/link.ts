import type { Address } from './address.ts';
import type { PrincipalId } from './principal.ts';

export type LinkId = number;

/**
 * What a stranger with the link may do. `view`: see, without being offered to save (best effort: what a browser shows can be kept). `download`: see and save.
 * `drop`: put new files into the folder, and see nothing of it.
 */
export const LINK_MODES = ['view', 'download', 'drop'] as const;
export type LinkMode = (typeof LINK_MODES)[number];

/** What its maker decides about a link. */
export interface LinkTerms {
  mode: LinkMode;
  /** What visitors see above; null: the file's or folder's own name. */
  label: string | null;
  /** ms since the epoch; null: it does not end by itself. */
  expires: number | null;
  /** Downloads of files that it is good for; null: any number. */
  downloadsMax: number | null;
  /** Bytes and files that a drop folder takes through this link; null: as many as its owner's quota lets in. */
  bytesMax: number | null;
  filesMax: number | null;
  /** Networks (`10.0.0.0/8`) that it opens from; null: from anywhere. */
  networks: readonly string[] | null;
  /** Taken back for a while. */
  disabled: boolean;
}

/** A share link: what its maker may, reduced to one file or folder and a mode. */
export interface Link extends LinkTerms {
  id: LinkId;
  maker: PrincipalId;
  /** A file's key, or a folder's, which is empty or ends in `/`. */
  at: Address;
  /** A password is asked for. */
  protected: boolean;
  downloads: number;
  /** Put in through it. */
  bytes: number;
  files: number;
  created: number;
  lastUsed: number | null;
}
