import type { DomainId } from '#core/content-ref';
import type { ChunkPlace } from './content.ts';

/** What the database knows of packs. How much of each is alive is exact at every commit. */
export interface PackStore {
  /** null: no chunk has ever lain there. Order kept. */
  find(packs: string[]): Promise<(PackRow | null)[]>;
  /** Chunks that lie in a pack, but for condemned ones, by offset, after one. */
  chunks(pack: string, afterOffset: number): Promise<PackedChunk[]>;
  /** Each chunk that still lies where it lay is now elsewhere; how many. @throws unavailable (details.collected) when the new pack was removed */
  move(moves: { chunk: PackedChunk; to: ChunkPlace }[]): Promise<number>;
  /** Something in it cannot be moved; it is left alone from here on. */
  markDamaged(pack: string): Promise<void>;
  /** If no chunk lies in it, none ever will; whether that is so. From then on its file may go. */
  bury(pack: { store: number; pack: string }): Promise<boolean>;
  /** Forgets what was buried so long ago, ms, that nobody can name it any more. */
  forget(afterMs: number): Promise<void>;
}

export interface PackRow {
  liveChunks: number;
  /** Stored bytes of records. */
  liveBytes: number;
  state: 'used' | 'damaged' | 'removed';
}

export interface PackedChunk {
  domain: DomainId;
  id: Buffer;
  place: ChunkPlace;
}
