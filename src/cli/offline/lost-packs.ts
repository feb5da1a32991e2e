import type { PackReader } from '#contracts/pack-reader';
import type { Metadata } from '#metadata/open';
import type { BackupList } from './backup-list.ts';

type Entry = BackupList['packs'][number];
/** Packs in which something lives, and the bytes that live there: a pack is longer. */
export type PacksInUse = ReadonlyMap<string, number>;

export async function packsInUse({ stores, integrity }: Pick<Metadata, 'stores' | 'integrity'>): Promise<PacksInUse> {
  const used = new Map<string, number>();
  for (const { number, state } of await stores.list()) {
    if (state === 'removed') continue;
    for (const { pack, liveBytes } of await integrity.packsInUse(number)) used.set(pack, liveBytes);
  }
  return used;
}

/**
 * What a backup takes besides the packs that it found. One that was in use when its snapshot was taken, and still is, and that is in no store any more, comes from the
 * backups before where they have it: so a pack that is lost stays in every backup that can bring it back.
 * @param then of when the snapshot was taken; what lived there may have moved meanwhile
 * @returns also sentences about what is nowhere
 */
export async function lostPacks(
  found: readonly Entry[],
  { then, now }: { then: PacksInUse; now: PacksInUse },
  target: PackReader,
): Promise<{ kept: Entry[]; lacking: string[] }> {
  const there = new Map((await target.list()).map((pack) => [pack.id, pack]));
  const taken = new Map(found.map(({ id, bytes }) => [id, bytes]));
  const kept: Entry[] = [];
  const lacking: string[] = [];
  for (const [id, liveBytes] of then) {
    const bytes = taken.get(id);
    if (!now.has(id) || (bytes ?? 0) > liveBytes) continue;
    const pack = bytes === undefined ? there.get(id) : undefined;
    const { end } = pack === undefined ? { end: 0 } : await target.verify(pack);
    if (pack !== undefined && end > liveBytes) kept.push({ id, bytes: pack.open ? end : pack.size, sealed: !pack.open });
    else
      lacking.push(
        `The pack ${id} is ${bytes === undefined ? 'missing' : 'cut short'} where it should be, and so the backup lacks what lies in it.`,
      );
  }
  return { kept, lacking };
}
