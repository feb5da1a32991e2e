import type { ContentRef, DomainId, LeafRef } from '#core/content-ref';

/**
 * Looks whether stored things are what they were written as, to the last byte: more than a read does, which trusts the id that it asked for. Work is done in
 * pieces of a few hundred KiB, between which everything else gets its turn.
 */
export interface RecordInspector {
  /** Of a whole record: its header, the tag of every segment, and that its plaintext has the id that it is stored under. @throws corrupt */
  record(bytes: Buffer): Promise<InspectedRecord>;
  /** Whose record it is by its first 72 bytes, unproved; null: they cannot be read. */
  label(bytes: Buffer): InspectedRecord | null;
  /** The chunks of a leaf; null when its entries are not what its id says. */
  leaf(domain: DomainId, leaf: LeafRef, entries: Buffer): Promise<LeafChunks | null>;
  /** The leaf that these entries make, whatever it is called. */
  leafOf(domain: DomainId, entries: Buffer): Promise<LeafRef>;
  /** The entries with the one bit turned back by which they differ from what their id says; null: no single bit explains it. */
  turnLeafBit(domain: DomainId, leaf: LeafRef, entries: Buffer): Promise<{ entries: Buffer; size: number } | null>;
  /** Opens an inline content. @throws corrupt */
  inline(content: Extract<ContentRef, { kind: 'inline' }>): Promise<{ contentHash: Buffer }>;
}

export interface InspectedRecord {
  domain: DomainId;
  id: Buffer;
  /** Plain bytes. */
  size: number;
}

export interface LeafChunks {
  ids: Buffer[];
  sizes: number[];
}
