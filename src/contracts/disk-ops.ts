/**
 * The operations on local files that durability hangs on, injectable so that tests can count, fail, tear and kill at the n-th.
 * All paths absolute. Errors are Node's own (code ENOSPC, EIO, EMFILE, …); wrapping is the caller's.
 */
export interface DiskOps {
  open(path: string, flags: string, mode?: number): Promise<DiskFile>;
  /**
   * Once more a file that is there, for writing past the page cache (O_DIRECT): all buffers of a write lie at addresses, and it at a position and of
   * a length, that are multiples of 4,096. null where the file system can't; one that finds out later fails a write with EINVAL.
   */
  openDirect(path: string): Promise<DiskFile | null>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Nothing where it is there. With it what it lies in, unless `above` is false: ENOENT then, where that is missing. */
  mkdir(path: string, mode: number, above?: boolean): Promise<void>;
  readdir(path: string): Promise<string[]>;
  stat(path: string): Promise<{ size: number; isFile: boolean } | null>;
  /** fsync of a directory: makes renames and creations in it durable. */
  syncDirectory(path: string): Promise<void>;
}

export interface DiskFile {
  /** Of this process, while the file is open; none of a disk that is no disk. */
  readonly descriptor?: number;
  /** Writes all buffers at `position`; resolves with the bytes written, which may be fewer (short write). */
  writev(buffers: Uint8Array[], position: number): Promise<number>;
  /** Resolves with the bytes read, which may be fewer; 0 at the end. */
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<number>;
  /** Synchronous, and only of what the system has in memory: the bytes read, 0 where it would have to wait. Not everywhere. */
  readNow?(into: Uint8Array, offset: number, length: number, position: number): number;
  /** Synchronous read for small hot records; blocks the event loop on a cold disk. */
  readSync(into: Uint8Array, offset: number, length: number, position: number): number;
  /** fdatasync. */
  datasync(): Promise<void>;
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Reserves blocks up to `size` where the platform can; else sets the length. Best effort. */
  allocate(size: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}
