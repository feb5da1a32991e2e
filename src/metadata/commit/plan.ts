import type { ChunkRecord } from '#contracts/content';
import type { ChangeKind } from '#contracts/journal';
import type { BucketId, ObjectKey } from '#core/address';
import type { DomainId } from '#core/content-ref';
import type { ChangeCause, Who } from '#core/principal';
import type { SlotState } from './state.ts';

/** One row each for the arrays of cs_commit; the short names are its columns (`sets.ts`). */
export interface VersionRow {
  v: string;
  i: number;
  q: number;
  n: number;
  s: 'id' | 'null' | 'hidden';
  d: boolean;
  z: number;
  e: string;
  m: number;
  t: number;
  c: number;
  a: object;
  g: object | null;
  r: Buffer | null;
  h: Buffer | null;
  u: number | null;
  /** Retention's mode and end, and legal hold. */
  rm: string | null;
  ru: number | null;
  lh: boolean;
}

export interface ChangedVersion {
  v: string;
  s?: 'hidden';
  u?: number | null;
  t?: number;
  d?: true;
  /** Retention and hold become these. */
  k?: true;
  rm?: string | null;
  ru?: number | null;
  lh?: boolean;
}

export interface DirectoryChange {
  b: BucketId;
  k: ObjectKey;
  /** May have to be made; else only touched. */
  f: boolean;
  e: boolean | null;
  /** May have lost its last key. */
  c: boolean;
  /** Bytes that come below. */
  z: number;
}

export interface JournalRow {
  b: BucketId;
  q: number;
  w: ChangeKind;
  k: ObjectKey;
  v: string | null;
  z: number | null;
  e: string | null;
  who: Who;
  cause: ChangeCause | undefined;
}

/** A chunk that a commit brings. */
export interface ChunkRow {
  domain: DomainId;
  record: ChunkRecord;
}

/** `before`: the row as it was found; null: there was none. */
export interface SlotChange {
  bucket: BucketId;
  key: ObjectKey;
  state: SlotState;
  before: SlotState | null;
}

export interface HeadChange {
  /** Revision and seq that were read. */
  r: number;
  q: number;
  n: number;
  o: number;
  z: number;
  /** Of what is not current: versions and bytes. */
  hn: number;
  hz: number;
}

/** What a batch will do, filled by decide and carried out by cs_commit. */
export interface Plan {
  heads: Map<BucketId, HeadChange>;
  slots: Map<string, SlotChange>;
  versions: Map<string, VersionRow>;
  changed: Map<string, ChangedVersion>;
  directories: Map<string, DirectoryChange>;
  journal: JournalRow[];
  /** By owner: bytes and objects. */
  usage: Map<number, { z: number; o: number }>;
  chunks: ChunkRow[];
  leaves: object[];
  uploads: { i: string; v: string }[];
  locks: Set<string>;
  properties: Map<string, { b: BucketId; k: ObjectKey; p: Record<string, string> | null }>;
  emptied: Set<number>;
  /** Versions whose tags change. */
  tagged: { v: string; g: object | null }[];
  /** Versions whose lists change. */
  lists: { v: string; a: unknown }[];
  /** Versions of which it was said whether they are under legal hold. */
  holds: string[];
  /** Carried out, and no folder has gone. */
  foldersStay: boolean;
}

export function emptyPlan(): Plan {
  return {
    heads: new Map(),
    slots: new Map(),
    versions: new Map(),
    changed: new Map(),
    directories: new Map(),
    journal: [],
    usage: new Map(),
    chunks: [],
    leaves: [],
    uploads: [],
    locks: new Set(),
    properties: new Map(),
    emptied: new Set(),
    tagged: [],
    lists: [],
    holds: [],
    foldersStay: false,
  };
}
