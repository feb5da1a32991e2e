import type { ChunkIndex } from '#contracts/chunk-index';
import type { InstanceStore } from '#contracts/instance-store';
import type { Integrity } from '#contracts/integrity';
import type { HurtFile, IntegrityStore } from '#contracts/integrity-store';
import { decodeLeaf } from './manifest.ts';
import { SCRUB_REPORT, type ScrubReport } from './scrub.ts';

const LEAVES_AT_ONCE = 8;
const DAMAGE_MAX = 100;

export interface IntegrityDeps {
  rows: IntegrityStore;
  chunks: ChunkIndex;
  instance: InstanceStore;
}

/** The contract is Integrity. */
export function createIntegrity({ rows, chunks, instance }: IntegrityDeps): Integrity {
  const lastScrub = () => instance.setting<ScrubReport>(SCRUB_REPORT);
  return {
    async verifiedAt(content, storedMs) {
      const report = await lastScrub();
      // Rows are read in every pass; one that was there when the pass began was among them.
      if (report === null || storedMs >= report.started) return null;
      if (content.kind === 'inline') return report.started;
      if (content.kind === 'chunk') return rows.checkedSince(content.domain, [content.id]);
      let oldest: number | null = report.started;
      for (let at = 0; at < content.leaves.length; at += LEAVES_AT_ONCE) {
        const some = content.leaves.slice(at, at + LEAVES_AT_ONCE);
        const entries = await chunks.leaves(
          content.domain,
          some.map(({ id }) => id),
        );
        const ids: Buffer[] = [];
        for (const [index, leaf] of some.entries()) {
          const bytes = entries[index];
          if (!bytes) return null;
          ids.push(...decodeLeaf(bytes, leaf.size).map(({ id }) => id));
        }
        const checked = await rows.checkedSince(content.domain, ids);
        if (checked === null) return null;
        oldest = Math.min(oldest, checked);
      }
      return oldest;
    },
    async report() {
      const [last, damaged, damage] = await Promise.all([lastScrub(), rows.damageCount(), rows.damage(DAMAGE_MAX)]);
      return { lastScrub: last, damaged, damage };
    },
    async hurt(limit) {
      const files: HurtFile[] = [];
      for await (const page of rows.hurt()) {
        files.push(...page);
        if (files.length >= limit) break;
      }
      return files.slice(0, limit);
    },
  };
}
