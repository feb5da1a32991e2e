/**
 * The packs of a directory or a store as they lie there, sealed or open, without changing anything: for commands that work while nobody serves, or beside
 * a gateway that does.
 */
export interface PackReader {
  /** In the order of their ids. */
  list(): Promise<PackOnDisk[]>;
  /**
   * The records of a pack, by its index, or where that is missing or damaged by walking from frame to frame.
   * @throws not_found, corrupt (another version, or no pack at all), unavailable
   */
  contents(pack: PackOnDisk): Promise<PackContents>;
  /** As Log.read. @throws not_found, corrupt, unavailable */
  read(pack: string, offset: number, length: number, into?: Buffer): Promise<Buffer>;
  /** From `from` up to `end`; ends where the pack does. @throws not_found, unavailable */
  bytes(pack: string, from: number, end: number): AsyncIterable<Uint8Array>;
  /** Reads all of it. @throws not_found, corrupt, unavailable */
  verify(pack: PackOnDisk, signal?: AbortSignal): Promise<PackVerdict>;
  /** The file is about to be another one. */
  forget(pack: string): Promise<void>;
  close(): Promise<void>;
}

export interface PackOnDisk {
  /** 32 hex digits. */
  id: string;
  /** Absolute; in a store that is no directory, its name there. */
  path: string;
  open: boolean;
  /** Of the file, bytes: an open one is longer than what is in it. */
  size: number;
}

export interface PackContents {
  /** False: the index was missing or damaged. */
  indexed: boolean;
  records: PackRecord[];
  /** Where the last record ends, bytes. */
  end: number;
}

export interface PackRecord {
  /** Of the record, behind its frame. */
  offset: number;
  length: number;
  /** Its first 72 bytes, zeros behind a shorter one. */
  label: Buffer;
}

export interface PackVerdict {
  records: number;
  /** Offsets of records whose checksum is wrong. */
  damaged: number[];
  /** Whether a sealed pack's index is there and says what the frames say. */
  indexGood: boolean;
  /** Where the last good record ends, bytes. */
  end: number;
}
