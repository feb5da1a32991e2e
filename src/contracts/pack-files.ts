import type { ChunkPlace } from './content.ts';

/** Packs as files: what compaction does with them. It moves records as they are and needs no keys. */
export interface PackFiles {
  /** Sealed packs of every store that this gateway reaches, store by store in the order of their names. One that cannot be listed is told, and passed over. */
  sealed(failed: (error: unknown) => void): AsyncIterable<PackFile>;
  /** Those that this gateway is writing. */
  open(): Promise<PackFile[]>;
  /** Ends them; what comes next begins new ones. */
  seal(): Promise<void>;
  /**
   * Copies records of one pack to the end of the log, durable when it resolves. null: the record there is damaged and was not copied.
   * @throws insufficient_storage, unavailable
   */
  copy(places: ChunkPlace[]): Promise<(ChunkPlace | null)[]>;
  /** Removes a sealed pack for good. Removing what is absent is no error. */
  remove(pack: { store: number; pack: string }): Promise<void>;
}

export interface PackFile {
  store: number;
  /** 32 hex digits. */
  pack: string;
  /** Bytes. */
  size: number;
}
