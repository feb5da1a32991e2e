import type { ContentRef } from '#core/content-ref';
import type { VersionId } from '#core/object';
import type { ChunkPlace } from './content.ts';
import type { Damage, DamagePoint, HurtFile } from './integrity-store.ts';

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
  /** At most so many of the files that cannot be read because of it. What was found a moment ago may be told again: docs of `quarantine`. */
  hurt(limit: number): Promise<HurtFile[]>;
  /**
   * A page of what is damaged, oldest first, with the files that each thing hurts. To find these every version is gone through, so one look answers all who
   * ask for twenty times as long as it took: a page that asks every few seconds costs at most a twentieth of one connection.
   */
  quarantine(after: DamagePoint | null, limit: number): Promise<Quarantined[]>;
  /** All files that one thing hurts, or whatever is damaged does (null), behind a version. */
  hurtAfter(after: VersionId | '', limit: number, by: Pick<Damage, 'kind' | 'subject'> | null): Promise<HurtFile[]>;
}

/** Whether a second copy could heal a chunk. `none`: none are kept. */
export type SecondCopy = 'none' | 'good' | 'damaged' | 'missing' | 'unreachable';

export interface Quarantined extends Damage {
  /** Where a chunk lies that cannot be read, and its plain bytes. */
  place: (ChunkPlace & { size: number }) | null;
  /** null: of what lies in rows no second copies are kept, or nobody could say. */
  secondCopy: SecondCopy | null;
  /** The first few. */
  files: HurtFile[];
  fileCount: number;
}

export interface IntegrityReport {
  /** Of the last complete pass; null: there was none. */
  lastScrub: { started: number; ended: number; counts: Record<string, number> } | null;
  damaged: number;
  /** The first hundred. */
  damage: Damage[];
}
