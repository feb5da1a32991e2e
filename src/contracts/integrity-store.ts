import type { BucketId, ObjectKey } from '#core/address';
import type { DomainId } from '#core/content-ref';
import type { VersionId } from '#core/object';
import type { ChunkPlace, ChunkRecord, LeafRecord } from './content.ts';

/**
 * What scrub and repair read and write in rows: every row that names stored bytes, in order and in pages, the quarantine of chunks, when packs were
 * read to their end, and the book of damage. Changes to a chunk's row compare its place first, so that compaction, collection and new uploads may go on beside.
 */
export interface IntegrityStore {
  /** The next pack that rows of chunks name, in order of ids, whether it exists or not; '' begins. null: no more. */
  packAfter(pack: string): Promise<string | null>;
  /** Every pack that rows name, with where its last record ends; reads all rows of chunks. */
  packEnds(): Promise<PackEnd[]>;
  /** Packs in which something lives, with the bytes that live there: a pack must be longer. As the accounts say, so it costs a row a pack. */
  packsInUse(store: number): Promise<{ pack: string; liveBytes: number }[]>;
  /** By offset. */
  chunksOf(pack: string): Promise<ChunkRow[]>;
  /** Order kept; null: no such row. */
  chunks(domain: DomainId, ids: Buffer[]): Promise<(ChunkRow | null)[]>;
  /** Those in quarantine. */
  quarantined(): Promise<ChunkRow[]>;
  /** In order of domain and id. Condemned ones are left out: what they name may be gone already. */
  leavesAfter(after: { domain: DomainId; id: Buffer } | null, limit: number): Promise<LeafRow[]>;
  leaf(domain: DomainId, id: Buffer): Promise<LeafRow | null>;
  /** Plain bytes below leaves, as their rows say; order kept, null: no such row. */
  leafSizes(domain: DomainId, ids: Buffer[]): Promise<(number | null)[]>;
  /** In order of ids; '' begins. */
  versionsAfter(after: VersionId | '', limit: number): Promise<VersionRow[]>;
  version(id: VersionId): Promise<VersionRow | null>;
  /** Parts of uploads that have not ended, in order; '' begins. */
  partsAfter(after: string, limit: number): Promise<PartRow[]>;

  /** Nobody claims it or reads it any more, until `record` or `relocate` brings another place. False: it has another place by now. */
  quarantine(chunk: { domain: DomainId; id: Buffer }, place: ChunkPlace): Promise<boolean>;
  /** It reads well after all. */
  release(chunk: { domain: DomainId; id: Buffer }, place: ChunkPlace): Promise<void>;
  /** Turns rows to other places, out of quarantine; one whose place is not `from` any more stays. Resolves with how many turned. */
  relocate(moves: readonly ChunkMove[]): Promise<number>;
  /** A row that is missing, or in quarantine. @returns whether it was written */
  restoreChunk(domain: DomainId, chunk: ChunkRecord): Promise<boolean>;
  /** Writes a leaf's row, whatever it held. */
  restoreLeaf(domain: DomainId, leaf: LeafRecord): Promise<void>;

  /** A pack was read to its end, and every chunk whose row lies in it is good. */
  checked(store: number, pack: string): Promise<void>;
  /** When the least recently checked pack of these chunks was; null: one never was. ms since the epoch */
  checkedSince(domain: DomainId, ids: Buffer[]): Promise<number | null>;

  /** Writes damage down; what is known already keeps the time when it was found. */
  note(damage: NewDamage): Promise<void>;
  clear(kind: DamageKind, subject: string): Promise<void>;
  /** Whatever was not seen since: a whole pass has not found it any more. */
  clearUnseen(since: number): Promise<void>;
  /** What is damaged now, oldest first. */
  damage(limit: number): Promise<Damage[]>;
  /** The same, behind a place in that order; null begins. */
  damageAfter(after: DamagePoint | null, limit: number): Promise<Damage[]>;
  damageCount(): Promise<number>;
  /**
   * The files, every version of them, that cannot be read because of what is damaged now, in order of versions; in pages of unequal length.
   * @param after a version: only those behind it
   */
  hurt(after?: VersionId | ''): AsyncGenerator<HurtFile[]>;
}

export interface PackEnd {
  store: number;
  /** 32 hex digits. */
  pack: string;
  chunks: number;
  /** Bytes: it must be at least so long. */
  end: number;
}

export interface ChunkRow {
  domain: DomainId;
  id: Buffer;
  /** Plain bytes. */
  size: number;
  place: ChunkPlace;
  condemned: boolean;
}

export interface ChunkMove {
  domain: DomainId;
  id: Buffer;
  /** Plain bytes, as the record has them. */
  size: number;
  from: ChunkPlace;
  to: ChunkPlace;
}

export interface LeafRow {
  domain: DomainId;
  id: Buffer;
  size: number;
  entries: Buffer;
}

export interface VersionRow {
  id: VersionId;
  deleteMarker: boolean;
  size: number;
  content: Buffer | null;
  contentHash: Buffer | null;
}

export interface PartRow {
  /** The upload's id and the part's number: where `partsAfter` goes on. */
  at: string;
  size: number;
  content: Buffer;
}

/** `pack`: something in it that no row names. `keys`: of a domain. */
export type DamageKind = 'pack' | 'chunk' | 'leaf' | 'version' | 'part' | 'keys';

export interface NewDamage {
  kind: DamageKind;
  /** What it is of: `store:pack`, `domain:id`, a version's or part's id, a domain. */
  subject: string;
  /** A sentence. */
  reason: string;
  details?: Record<string, unknown>;
}

export interface Damage extends Required<NewDamage> {
  /** ms since the epoch. */
  found: number;
  seen: number;
}

export type DamagePoint = Pick<Damage, 'found' | 'kind' | 'subject'>;

export interface HurtFile {
  bucket: BucketId;
  bucketName: string;
  key: ObjectKey;
  version: VersionId;
  /** It is what a read without a version gives. */
  current: boolean;
  /** The file itself lies in the trash. */
  deleted: boolean;
  size: number;
  /** Of the damage that hurts it, as `damageName` has it. */
  by: string[];
}

/** One thing in the book of damage. */
export function damageName({ kind, subject }: Pick<Damage, 'kind' | 'subject'>): string {
  return `${kind}:${subject}`;
}
