import type { ContentRef } from '#core/content-ref';
import type { Damage, HurtFile } from './integrity-store.ts';

/** What doors and commands say of the state of what is stored. */
export interface Integrity {
  /**
   * Since when every byte of a content is known to be good: when the least recently read of its packs was, or for what is sealed in its row, when the last
   * complete pass began. null: part of it was not read since it was stored. ms since the epoch
   * @param storedMs when its version was committed
   */
  verifiedAt(content: ContentRef, storedMs: number): Promise<number | null>;
  /** What is known of damage now. */
  report(): Promise<IntegrityReport>;
  /** At most so many of the files that cannot be read because of it. */
  hurt(limit: number): Promise<HurtFile[]>;
}

export interface IntegrityReport {
  /** Of the last complete pass; null: there was none. */
  lastScrub: { started: number; ended: number; counts: Record<string, number> } | null;
  damaged: number;
  /** The first hundred. */
  damage: Damage[];
}
