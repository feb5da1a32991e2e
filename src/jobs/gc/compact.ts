import type { CollectionStore } from '#contracts/collection';
import type { PackFile, PackFiles } from '#contracts/pack-files';
import type { PackRow, PackStore } from '#contracts/pack-store';
import { isCloudStoreError } from '#core/errors';
import { type Patience, uploadsEnded } from './uploads-ended.ts';

export interface CompactOptions extends Patience {
  store: CollectionStore;
  packs: PackStore;
  files: PackFiles;
  /** Called after every step. */
  step(counts: CompactCounts): Promise<void>;
  /** Only count what would be freed. */
  dryRun: boolean;
  /** Bytes that copies may take for a while. */
  room(): Promise<number>;
  /** Called before packs are removed, when no row names anything in them any more: a snapshot of the metadata of now needs none of them. */
  beforeRemoval?(): Promise<void>;
}

export interface CompactCounts {
  /** Sealed ones that were looked at. */
  packs: number;
  /** Rewritten without what is dead in them. */
  compacted: number;
  copiedBytes: number;
  removedPacks: number;
  /** Of the removed packs, less what was copied. */
  freedBytes: number;
  damagedPacks: number;
  /** Gateways whose uploads are still waited for; the rest comes with the next run. */
  waiting: number;
}

/** From this share on, a pack is worth its copy: four times as much is written at most as is freed, and at most so much lies dead for long. */
const DEAD_SHARE_MIN = 0.25;
const DEAD_BYTES_MIN = 1 << 16;
/** Frame and index of one record; header and trailer of a pack. */
const RECORD_OVERHEAD = 100;
const PACK_OVERHEAD = 128;
const LOOK_UP = 256;
/** A run of more goes on with the next. */
const DEAD_PACKS_MAX = 4_096;
/** Tombstones: long after the last upload of a fenced gateway can have come back. */
const BURIED_MS = 30 * 24 * 3600 * 1000;

/**
 * Removes packs in which nothing is alive, and rewrites those in which much is dead. A record that nobody has named yet looks dead; so a pack
 * goes only when all uploads have ended that were running when it was seen, and none can be named in it after it was buried.
 */
export async function compact(options: CompactOptions): Promise<CompactCounts> {
  const { packs, files, store, dryRun, signal } = options;
  const counts: CompactCounts = {
    packs: 0,
    compacted: 0,
    copiedBytes: 0,
    removedPacks: 0,
    freedBytes: 0,
    damagedPacks: 0,
    waiting: 0,
  };
  const step = async (): Promise<void> => {
    await options.step(counts);
    signal.throwIfAborted();
  };
  if (!dryRun) await sealDead(options);

  const dead: PackFile[] = [];
  /** What stores said that let nothing be listed, copied or removed: they keep no other from giving space back. */
  const failures: unknown[] = [];
  const failed = (error: unknown): void => void failures.push(error);
  const unread = new Set<number>();
  for await (const found of inBatches(files.sealed(failed))) {
    const rows = await packs.find(found.map(({ pack }) => pack));
    for (const [index, file] of found.entries()) {
      const row = rows[index] ?? null;
      counts.packs++;
      if (dead.length >= DEAD_PACKS_MAX || !worth(file, row)) continue;
      if (dryRun) counts.freedBytes += deadBytes(file, row);
      if (dryRun || row?.state === 'damaged') continue;
      if (row === null || row.liveChunks === 0) dead.push(file);
      else if (!unread.has(file.store)) {
        const emptied = await empty(options, file, row, counts, step);
        if (emptied === true) dead.push(file);
        else if (emptied !== false) {
          failed(emptied.error);
          unread.add(file.store);
        }
      }
    }
    await step();
  }
  await step();
  if (dead.length === 0) return end(counts, failures);

  const turn = await store.nextTurn();
  const ended = await uploadsEnded(store, { turn, writers: [] }, options, async (waiting) => {
    counts.waiting = waiting;
    await step();
  });
  if (!ended) return counts;
  await options.beforeRemoval?.();
  const refused = new Set<number>();
  for (const file of dead) {
    if (refused.has(file.store)) continue;
    // Somebody may have named something in it meanwhile: an upload that was running.
    if (!(await packs.bury(file))) continue;
    try {
      await files.remove(file);
    } catch (error) {
      failed(error);
      refused.add(file.store);
      continue;
    }
    counts.removedPacks++;
    counts.freedBytes += file.size;
    await step();
  }
  counts.freedBytes = Math.max(0, counts.freedBytes - counts.copiedBytes);
  await step();
  if (failures.length === 0) await packs.forget(BURIED_MS);
  return end(counts, failures);
}

function end(counts: CompactCounts, failures: unknown[]): CompactCounts {
  if (failures.length > 0) throw failures[0];
  return counts;
}

/** What is dead in an open pack can go once it is sealed; without this, an idle machine would keep it for ever. */
async function sealDead({ packs, files }: CompactOptions): Promise<void> {
  const open = await files.open();
  const rows = await packs.find(open.map(({ pack }) => pack));
  if (open.some((file, index) => worth(file, rows[index] ?? null))) await files.seal();
}

function deadBytes({ size }: PackFile, row: PackRow | null): number {
  if (row === null || row.liveChunks === 0) return size;
  return Math.max(0, size - row.liveBytes - row.liveChunks * RECORD_OVERHEAD - PACK_OVERHEAD);
}

function worth(file: PackFile, row: PackRow | null): boolean {
  if (row === null || row.liveChunks === 0) return true;
  const bytes = deadBytes(file, row);
  return bytes >= DEAD_BYTES_MIN && bytes >= file.size * DEAD_SHARE_MIN;
}

/** Copies what lives in a pack elsewhere; whether all of it could be, or what kept it from being read or written. */
async function empty(
  { packs, files, room, signal }: CompactOptions,
  file: PackFile,
  row: PackRow,
  counts: CompactCounts,
  step: () => Promise<void>,
): Promise<boolean | { error: unknown }> {
  if (row.liveBytes > (await room())) return false;
  let damaged = false;
  for (let after = 0; ; ) {
    const chunks = await packs.chunks(file.pack, after);
    const last = chunks.at(-1);
    if (last === undefined) break;
    after = last.place.offset;
    const places = await files.copy(chunks.map(({ place }) => place)).catch((error: unknown) => ({ error }));
    if ('error' in places) return places;
    signal.throwIfAborted(); // a run that lost its lease moves nothing more
    const moves = chunks.flatMap((chunk, index) => {
      const to = places[index];
      damaged ||= to === null;
      return to ? [{ chunk, to }] : [];
    });
    await packs.move(moves).catch((error: unknown) => {
      // The log's pack was removed under us: another run, and we are the one that lost its lease. What was copied is garbage.
      if (!isCloudStoreError(error) || error.details.collected !== true) throw error;
    });
    counts.copiedBytes += moves.reduce((sum, { to }) => sum + to.length, 0);
    await step();
  }
  if (damaged) {
    await packs.markDamaged(file.pack);
    counts.damagedPacks++;
    return false;
  }
  counts.compacted++;
  return true;
}

async function* inBatches(files: AsyncIterable<PackFile>): AsyncGenerator<PackFile[]> {
  let batch: PackFile[] = [];
  for await (const file of files) {
    batch.push(file);
    if (batch.length < LOOK_UP) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
