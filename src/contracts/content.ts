import type { ChunkRef, ContentRef, DomainId, LeafRef } from '#core/content-ref';
import type { DigestName, Digests } from '#core/digest';
import type { ByteRange } from '#core/range';
import type { Bytes } from '#core/stream';

/**
 * The content store: plaintext in and out, deduplicated, compressed, encrypted and packed in between.
 * Every byte is authenticated before it is yielded. Memory per call is bounded and does not grow with the object.
 */
export interface Content {
  /**
   * Stores a body. When it resolves, every byte is durable in a pack (or sealed in `content` when tiny), but nothing
   * names it yet: the caller commits `content` with `chunks` and `leaves` in one transaction, then calls `release`,
   * also when it gives up.
   * @throws incomplete_body if `size` is given and the body has another length (shorter or longer)
   * @throws checksum_mismatch if a digest of `expect` differs (details.algorithm; expected and computed in base64)
   * @throws insufficient_storage, unavailable; aborted when `signal` fires. Nothing is then named; GC collects.
   */
  write(body: Bytes, options: WriteOptions): Promise<Staged>;

  /**
   * Yields the plaintext bytes of `range` (whole content without one), in order, in buffers of at most 1 MiB that are
   * the consumer's to keep. Fetches just the covering chunks, verified, with read-ahead.
   * Ending the iteration early, or `signal`, cancels down to the disk.
   * @throws corrupt before any unverified byte is yielded
   */
  read(content: ContentRef, range?: ByteRange, signal?: AbortSignal): Bytes;

  /**
   * The short path of small objects: the whole plaintext when it can be had without waiting (inline, or one chunk in
   * the memory cache), else null. @throws corrupt
   */
  peek(content: ContentRef): Buffer | null;

  /** One content from many without moving their bytes (a tail of less than INLINE_BYTES_MAX may be stored anew). All of one domain. */
  concat(parts: ContentRef[], domain: DomainId): Promise<Staged>;

  /** Reads everything and checks it. @throws corrupt (details.offset) */
  verify(content: ContentRef, signal?: AbortSignal): Promise<void>;
}

export interface WriteOptions {
  domain: DomainId;
  /** The declared length in bytes, if the client declared one. */
  size?: number;
  /** Which whole-object checksums to compute along; `expect` are computed anyway. */
  digests?: readonly DigestName[];
  /** false: nobody asks for `Staged.contentHash`; a part of a whole has none that is of use. */
  contentHash?: false;
  /** Read after the body has ended, so that trailers can still fill it in. */
  expect?: Digests | (() => Digests);
  signal?: AbortSignal;
}

export interface Staged {
  content: ContentRef;
  size: number;
  digests: Digests;
  /** BLAKE3 of the whole plaintext, independent of chunking; null when it was not computed (concat, or nobody asked). 32 bytes. */
  contentHash: Buffer | null;
  /** What the commit must record along with the version; already durable in a pack. */
  chunks: ChunkRecord[];
  leaves: LeafRecord[];
  /** Ends the claim that keeps GC off what was deduplicated against. Idempotent. */
  release(): void;
}

/** A chunk's place: it may move (compaction), so it is never cached unchecked. */
export interface ChunkPlace {
  /** Which blob store, by its registered number. */
  store: number;
  /** Pack id: 16 bytes as 32 hex digits. */
  pack: string;
  /** Of the record within the pack, bytes. */
  offset: number;
  /** Of the whole record, header and tags included, bytes. */
  length: number;
  /** In quarantine: what lies there is known to be damaged. Only ChunkIndex.places says so. */
  damaged?: true;
}

export interface ChunkRecord extends ChunkRef, ChunkPlace {}

/** `entries` is the leaf's encoding: for each chunk its id (32 bytes) and u32 BE size. */
export interface LeafRecord extends LeafRef {
  entries: Buffer;
}
