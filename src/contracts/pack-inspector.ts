import type { BlobStore } from './blob-store.ts';

/** Reads sealed packs to their last byte. */
export interface PackInspector {
  /**
   * Everything in a pack, from its first byte to its last: header, frames, records, the zeros between them, index and trailer. Each byte lies in a part
   * that was found good or in one that is told, so a flipped bit is seen wherever it is. What is in a record is not looked at, but its CRC is.
   * Index and trailer come first, for they lead through a damaged frame.
   * @throws not_found, unavailable
   */
  inspect(store: BlobStore, pack: string, options?: InspectOptions): AsyncGenerator<PackPart>;
  /** The records that a pack's index names, with the first bytes of each. Nothing, when the index is damaged. @throws not_found, unavailable */
  labels(store: BlobStore, pack: string): Promise<{ offset: number; length: number; label: Buffer }[]>;
  /** The CRC32C that the frame before a record states; null: the frame is damaged, or is of another length. @throws not_found, unavailable */
  statedCrc(read: ReadBefore, length: number): Promise<number | null>;
  /** The record with the one bit turned back by which it differs from its CRC; null: no single bit explains it. */
  turnBit(record: Buffer, crc: number): Promise<Buffer | null>;
}

/** Reads the bytes that lie right before a record. */
export type ReadBefore = (bytes: number) => Promise<Buffer>;

export interface InspectOptions {
  /** Where rows say that records lie, by offset: they lead on where neither frame nor index does. */
  known?: readonly { offset: number; length: number }[];
  /** Goes on at the `next` of a part of an earlier inspection. */
  from?: number;
}

export type PackPart = RecordPart | DamagePart;

export interface RecordPart {
  kind: 'record';
  offset: number;
  length: number;
  /** Only until the next part is asked for. */
  bytes: Buffer;
  /** As its frame states; null: its frame is damaged. */
  crc: number | null;
  /** Its bytes are those that the frame's CRC was made of. */
  fits: boolean;
  next: number;
}

export interface DamagePart {
  kind: 'damage';
  offset: number;
  length: number;
  /** Fits behind "at offset n: ". */
  reason: string;
  next: number;
}
