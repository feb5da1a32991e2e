import type { Lock } from '#contracts/locks';
import type { FolderRow } from '#contracts/metadata-store';
import type { ShownEntry } from '#core/object';
import type { XmlBytes } from '#http/xml-bytes';
import type { Rights } from '../rights.ts';

/** What properties need beyond the entry; gathered once per request, and only what is asked for. */
export interface PropertyContext {
  /** ms since the epoch */
  now: number;
  /** Live locks that cover an entry. */
  locksOn(entry: ShownEntry): Lock[];
  /** Whether there is one on any entry. */
  locked: boolean;
  /** The absolute path that a lock was taken on. */
  lockRoot(lock: Lock): string;
  /** IMF-fixdate. */
  httpDate(ms: number): string;
  /** RFC 3339 in whole seconds, with `Z`: Windows reads no offset. */
  isoDate(ms: number): string;
  quota: { used: number; available: number | null } | null;
  /** What the caller may do with an entry that was prepared. */
  rightsOn(entry: ShownEntry): Rights;
  /** The name of the bucket's owner. */
  ownerName: string | null;
  userName: string;
  /** The absolute path of a user as a resource; null: of the collection of all. */
  principalHref(name: string | null): string;
  /** Of a folder as it is now. */
  syncToken(entry: ShownEntry): string | null;
  /** ms since the epoch; null: it is there. */
  deletedAt(entry: ShownEntry): number | null;
  /** Before these are rendered: fetches what hangs on each of them. */
  prepare(entries: readonly ShownEntry[]): Promise<void> | void;
}

/** Puts what is between the tags. A file's name is the end of its key. */
export type PlainValue = (to: XmlBytes, row: FolderRow, nameAt: number) => void;

export type Need = 'locks' | 'quota' | 'rights' | 'owner' | 'sync';

/** A live property: computed only when a request asks for it. */
export interface Property {
  /** Default `DAV:`. */
  namespace?: string;
  name: string;
  /** Part of `allprop` and `propname` (RFC 4918 §9.1: not what is costly or rarely wanted). */
  listed: boolean;
  /** Also in the short `allprop` for Windows, which shows nothing of a folder whose listing passes 1 MB. */
  compact?: boolean;
  needs?: Need;
  /** PROPPATCH may store a value, which then hides the computed one. */
  settable?: boolean;
  /** Reads itself what is stored, and says it in its own words. */
  reads?: boolean;
  /**
   * How a plain file shows it in a listing without locks (plain.ts), as bytes of what `render` gives: `same` where all files have the same of it, or none has it; else what is to be put,
   * made once for a listing. Absent: each has to be rendered.
   */
  plain?: 'same' | (() => PlainValue);
  /** The whole element, or null where the resource has no such property. */
  render(entry: ShownEntry, displayName: string, context: PropertyContext): string | null;
}
