import type { ChunkPlace } from './content.ts';

/** What a log writes ahead of a record. */
export const RECORD_LEAD_BYTES = 16;
/** Of memory and files that are written past the page cache, addresses, positions and lengths are multiples of this: no disk has larger blocks. */
export const BLOCK_BYTES = 4096;

/**
 * The open packs of this gateway: preallocated local files, appended by group commit. A record is durable when `append`
 * resolves: whatever arrived while the last flush ran goes out together, one writev and one fdatasync.
 * After a failed write or fsync the pack is not trusted any more: it is sealed at its last good sync and a new one begins.
 */
export interface Log {
  /**
   * Appends one record (its buffers in order) and resolves when it is durable.
   * @param crc CRC32C of the record, from whoever has it already. @throws insufficient_storage, unavailable
   */
  append(record: Uint8Array[], crc?: number): Promise<ChunkPlace>;
  /**
   * Appends without waiting for durability: resolves once the bytes were handed to the disk queue, with its place; the caller must await `sync`
   * before it lets anything name the record. For bodies of many chunks. Back-pressure: it waits while too much is in flight.
   * @param blocks whole blocks of memory in which the record lies, RECORD_LEAD_BYTES from their beginning, which the log may write from as they are: what is
   * before and behind the record is the log's until it resolves or throws
   */
  appendUnsynced(record: Uint8Array[], crc?: number, blocks?: Buffer): Promise<ChunkPlace>;
  /**
   * Resolves when everything appended before the call is durable; with `places`, when these are.
   * @throws unavailable when records were lost to a failed write or fsync after `appendUnsynced` had resolved. Without `places` that may
   * be somebody else's, and only one caller learns of it: whoever shares the log passes its own.
   */
  sync(places?: readonly ChunkPlace[]): Promise<void>;
  /** Reads from an open or sealed pack of this gateway. @throws not_found, corrupt */
  read(place: ChunkPlace, offset: number, length: number, into?: Buffer): Promise<Buffer>;
  /** As `read`, at once: true where the system has all of it in memory, of a pack that is open here; else `read` tells why. */
  readNow?(place: ChunkPlace, offset: number, length: number, into: Buffer): boolean;
  /**
   * Lends the open file that has a record, for a thread that reads what the system has of it in memory: it stays open until `use` settles, whatever
   * becomes of its pack meanwhile. null: it is in no file here.
   */
  lend?<T>(place: ChunkPlace, use: (file: LentFile) => Promise<T>): Promise<T | null>;
  /** The packs that are being written, with their bytes so far. */
  open(): { pack: string; size: number }[];
  /** Seals what is open, or only what was begun before a time; what comes next begins new packs. */
  seal(beforeMs?: number): Promise<void>;
  /** The pack is removed, or moved: keeps no file of it open, and looks for it anew when it is read. */
  forget(pack: string): Promise<void>;
  /** Seals what is open (cut to its true length, durable) and stops. */
  close(): Promise<void>;
}

export interface LentFile {
  /** Of this process. */
  descriptor: number;
  /** Of the record's first byte in it. */
  position: number;
}
