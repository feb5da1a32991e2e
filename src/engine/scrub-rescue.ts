import type { ChunkRow } from '#contracts/integrity-store';
import { isDamage, subjectOf } from './repair.ts';
import type { Pass } from './scrub.ts';

const LABEL_ROW_BYTES = 84;

/**
 * Chunks that are in quarantine, or that files name and no row has, may lie in a pack that nothing points to: a copy that compaction left behind, or the
 * record of a row that was damaged. The index of every pack tells whose records it holds; a good one is written anew and its row set to it.
 */
export async function rescue(pass: Pass): Promise<void> {
  const { deps, state } = pass;
  const wanted = new Map<string, ChunkRow | null>();
  for (const row of await deps.rows.quarantined()) wanted.set(subjectOf(row), row);
  for (const subject of state.missing) wanted.set(subject, null);
  if (wanted.size === 0) return;
  for (const number of deps.stores.numbers()) {
    const store = deps.stores.of(number);
    for await (const { name } of store.list('')) {
      const pack = /^([0-9a-f]{32})\.pack$/.exec(name)?.[1];
      if (pack === undefined) continue;
      try {
        await lookIn(pass, number, pack, wanted);
      } catch (error) {
        if (!isDamage(error)) throw error; // gone, or unreadable: told by the pass over packs
      }
      if (wanted.size === 0) return;
    }
  }
}

async function lookIn(pass: Pass, store: number, pack: string, wanted: Map<string, ChunkRow | null>): Promise<void> {
  const { deps, state } = pass;
  const labels = await deps.packs.labels(deps.stores.of(store), pack);
  for (const { offset, length, label } of labels) {
    const claimed = deps.records.label(label);
    const subject = claimed && subjectOf(claimed);
    if (subject === null || !wanted.has(subject)) continue;
    const place = { store, pack, offset, length };
    const row: ChunkRow = { ...claimed!, place, condemned: false };
    const good = await deps.repair.readGood(row).catch((error: unknown) => {
      if (isDamage(error)) return null;
      throw error;
    });
    if (good === null) continue;
    const known = wanted.get(subject) ?? null;
    if (!(await deps.repair.putBack(known, row, good.record, good.size))) continue;
    wanted.delete(subject);
    state.counts.lost = Math.max(0, state.counts.lost - 1);
    state.counts.healed++;
  }
  await pass.step(labels.length * LABEL_ROW_BYTES);
}
