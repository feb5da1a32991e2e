import type { ChunkRef, DomainId } from '#core/content-ref';
import type { Staged } from './content.ts';

/**
 * Have and want: a client that cuts and names chunks as the store does asks which ones its domain holds, sends the others, and names the whole.
 * What it asks about is looked up in one domain and no other, and its ids need the domain's key: nobody learns what others hold.
 */
export interface Delta {
  /** What the domain's owner needs to cut and name chunks. Secret: it goes to the owner's own clients only. */
  secrets(domain: DomainId): Promise<ChunkSecrets>;
  /** Begins; what the upload is told to be there stays there until it ends, or nothing came of it for `ttlMs` (default: 15 minutes). */
  begin(domain: DomainId, ttlMs?: number): Promise<DeltaUpload>;
}

export interface ChunkSecrets {
  /** 32 bytes: a chunk's id is the BLAKE3 of its bytes, keyed with this. */
  chunkIdKey: Buffer;
  /** 256 u32 of the gear hash, h = (h << 1) + table[byte]. */
  gearTable: Uint32Array;
  /** How the store itself cuts a long body. Who cuts otherwise only finds less. */
  cutting: Cutting;
}

/** FastCDC (Xia et al. 2016) with normalized sizes: a cut lies behind a byte where hash & mask is 0. Bytes. */
export interface Cutting {
  min: number;
  /** Up to here a cut needs `hardMask`, from here on `easyMask`. */
  average: number;
  max: number;
  hardMask: number;
  easyMask: number;
}

export interface DeltaUpload {
  /** For each id whether the domain holds it; those that it does are pinned. @throws expired */
  have(ids: Buffer[]): Promise<boolean[]>;
  /**
   * Stores a chunk of 1 to DELTA_CHUNK_BYTES_MAX bytes, if the domain does not hold it.
   * @throws checksum_mismatch when the bytes have another id; too_large, invalid_argument (no bytes); expired; what Content.write throws
   */
  put(id: Buffer, bytes: Uint8Array): Promise<void>;
  /**
   * The content of these chunks, in order: durable, and named by nothing yet, as what Content.write gives; the caller commits it and calls `release`, which
   * ends the upload. May be called again after it threw.
   * @throws conflict (details.missing: up to 1,000 ids in hex) when the domain does not hold all of them; invalid_argument when one has another size; expired
   */
  commit(chunks: Iterable<ChunkRef> | AsyncIterable<ChunkRef>): Promise<Staged>;
  /** Gives up, or ends it; idempotent. */
  end(): void;
}

/** The largest chunk of the store itself. */
export const DELTA_CHUNK_BYTES_MAX = 2 << 20;
