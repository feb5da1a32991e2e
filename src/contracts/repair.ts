import type { ChunkRef, DomainId, LeafRef } from '#core/content-ref';
import type { ChunkPlace } from './content.ts';

/**
 * Second chances for what cannot be read. What is healed is written anew through the log, its row turned to it, and told in the log; what cannot be healed
 * is put into quarantine, so that every later read fails at once and the next upload of the same bytes stores them anew.
 */
export interface Repair {
  /**
   * The place of a good record of a chunk: it moved meanwhile, reads well now, or was rewritten from a second copy. null: there is none, and the
   * chunk is in quarantine. Many that ask for one chunk at a time share one answer.
   * @param place where the damage was met
   */
  chunk(domain: DomainId, chunk: ChunkRef, place: ChunkPlace, why: string): Promise<ChunkPlace | null>;
  /** The entries of a leaf whose row does not hold what its id says; null: they cannot be had. */
  leaf(domain: DomainId, leaf: LeafRef, entries: Buffer | null): Promise<Buffer | null>;
}
