/**
 * Sealed packs: immutable blobs by name. local disk, S3, memory; every implementation and wrapper passes
 * test/conformance/blob-store.ts. Names match /^[a-z0-9][a-z0-9._-]{0,127}$/.
 */
export interface BlobStore {
  readonly capabilities: BlobCapabilities;
  /** Durable when it resolves; a second put of the same name with other bytes is `already_exists`, with the same bytes a no-op. @throws insufficient_storage */
  put(name: string, body: AsyncIterable<Uint8Array>, size: number): Promise<void>;
  /**
   * Reads exactly `length` bytes at `offset` into a buffer of the caller's (or a new one), which it returns cut to length.
   * @throws not_found; corrupt when the blob is shorter
   */
  read(name: string, offset: number, length: number, into?: Buffer): Promise<Buffer>;
  /** null when absent. */
  stat(name: string): Promise<BlobStat | null>;
  /** In byte order of names, after `after`. */
  list(prefix: string, after?: string): AsyncIterable<BlobStat>;
  /** Durable when it resolves. Removing what is absent is no error. */
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

export interface BlobStat {
  name: string;
  /** Bytes. */
  size: number;
}

export interface BlobCapabilities {
  /** Every gateway of the database can reach it. */
  shared: boolean;
  /** `read` costs about a disk access, so small range reads are cheap. */
  randomAccess: boolean;
}
