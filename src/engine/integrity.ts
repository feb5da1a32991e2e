import type { ChunkIndex } from '#contracts/chunk-index';
import type { InstanceStore } from '#contracts/instance-store';
import type { Integrity, SecondCopy } from '#contracts/integrity';
import { type ChunkRow, type Damage, damageName, type HurtFile, type IntegrityStore } from '#contracts/integrity-store';
import type { Clock } from '#core/clock';
import type { VersionId } from '#core/object';
import { createHurtScan, FILES_KEPT } from './hurt-scan.ts';
import { decodeLeaf } from './manifest.ts';
import { SCRUB_REPORT, type ScrubReport } from './scrub.ts';

const LEAVES_AT_ONCE = 8;
const DAMAGE_MAX = 100;
const COPY_MS_MAX = 5_000;

export interface IntegrityDeps {
  rows: IntegrityStore;
  chunks: ChunkIndex;
  instance: InstanceStore;
  clock: Clock;
  /** Of the gateway that has the stores open; else nobody can say. */
  secondCopy?: (row: ChunkRow) => Promise<SecondCopy>;
}

/** The contract is Integrity. */
export function createIntegrity({ rows, chunks, instance, clock, secondCopy }: IntegrityDeps): Integrity {
  const hurtNow = createHurtScan({ rows, clock });
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
      if (limit <= FILES_KEPT) return (await hurtNow()).files.slice(0, limit);
      return hurtAfter('', limit, null);
    },
    async quarantine(after, limit) {
      const page = await rows.damageAfter(after, limit);
      if (page.length === 0) return [];
      const [{ by }, places] = await Promise.all([
        hurtNow(Math.max(...page.map(({ found }) => found))),
        Promise.all(page.map(placeOf)),
      ]);
      const copies = await secondCopies(places);
      return page.map((damage, index) => {
        const { count = 0, files = [] } = by.get(damageName(damage)) ?? {};
        const row = places[index];
        const place = row ? { ...row.place, size: row.size } : null;
        return { ...damage, place, secondCopy: copies[index] ?? null, files, fileCount: count };
      });
    },
    hurtAfter,
  };

  async function hurtAfter(
    after: VersionId | '',
    limit: number,
    by: Pick<Damage, 'kind' | 'subject'> | null,
  ): Promise<HurtFile[]> {
    const name = by && damageName(by);
    const files: HurtFile[] = [];
    for await (const page of rows.hurt(after)) {
      files.push(...(name === null ? page : page.filter((file) => file.by.includes(name))));
      if (files.length >= limit) break;
    }
    return files.slice(0, limit);
  }

  /** The row of a damaged chunk as it is now. */
  async function placeOf({ kind, subject }: Damage): Promise<ChunkRow | null> {
    const [domain = '', id = ''] = subject.split(':');
    return kind === 'chunk' ? ((await rows.chunks(Number(domain), [Buffer.from(id, 'hex')]))[0] ?? null) : null;
  }

  /** A mirror that hangs is not waited for: what it has cannot be said then. */
  async function secondCopies(places: (ChunkRow | null)[]): Promise<(SecondCopy | null)[]> {
    if (secondCopy === undefined) return places.map(() => null);
    const late = Promise.withResolvers<'unreachable'>();
    const timer = setTimeout(() => late.resolve('unreachable'), COPY_MS_MAX);
    try {
      return await Promise.all(places.map((row) => row && Promise.race([secondCopy(row).catch(() => null), late.promise])));
    } finally {
      clearTimeout(timer);
    }
  }
}
