import type { BlobStore } from '#contracts/blob-store';
import type { BlobStores } from '#contracts/blob-stores';
import type { IntegrityStore } from '#contracts/integrity-store';
import type { Job } from '#contracts/jobs';
import type { Logger } from '#contracts/observability';
import type { PackInspector } from '#contracts/pack-inspector';
import type { Clock } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';

export interface MirrorDeps {
  stores: BlobStores;
  mirror: BlobStore;
  packs: PackInspector;
  rows: Pick<IntegrityStore, 'chunksOf'>;
  clock: Clock;
  logger: Logger;
  everyMs: number;
  /** How long a copy outlives its pack. */
  graceMs?: number;
  /** How often every copy is read again. */
  checkMs?: number;
}

/** What a run leaves for the next. */
interface MirrorState {
  /** Copies whose pack is gone and that no row names, by when that was first seen, ms. */
  gone: Record<string, number>;
  checked: number;
}

const PACK = /^([0-9a-f]{32})\.pack$/;
const COPY_BYTES = 1 << 20;
const DAY_MS = 86_400_000;

/**
 * Keeps a second copy of every sealed pack, under the same name. A copy is read back before it counts, and again every month; one that is damaged while its
 * pack is good is made anew. It goes a day after its pack was collected; one whose pack is only missing, because rows still name it, stays: it may
 * be the last.
 */
export function createMirrorJob(deps: MirrorDeps): Job {
  const { stores, mirror, packs, rows, clock, logger, graceMs = DAY_MS, checkMs = 30 * DAY_MS } = deps;

  async function isSound(store: BlobStore, pack: string, signal: AbortSignal): Promise<boolean> {
    for await (const part of packs.inspect(store, pack)) {
      signal.throwIfAborted();
      if (part.kind === 'damage' || !part.fits) return false;
    }
    return true;
  }

  /** False: the copy is not what its pack is; it is gone again. */
  async function copy(from: BlobStore, pack: string, size: number, signal: AbortSignal): Promise<boolean> {
    const name = `${pack}.pack`;
    await mirror.put(name, streamOf(from, name, size, signal), size);
    if ((await isSound(mirror, pack, signal)) || !(await isSound(from, pack, signal))) return true;
    await mirror.remove(name);
    logger.warn({ pack }, 'the copy of a pack in the mirror was damaged at once and is made anew');
    return false;
  }

  return {
    name: 'mirror',
    everyMs: deps.everyMs,
    async run({ signal, state: saved, save, progress }) {
      const state = stateOf(saved);
      const counts = { copied: 0, removed: 0, replaced: 0, packs: 0 };
      const copies = new Map<string, number>();
      for await (const { name, size } of mirror.list('')) {
        const pack = PACK.exec(name)?.[1];
        if (pack !== undefined) copies.set(pack, size);
      }
      const due = clock.now() - state.checked >= checkMs;
      const here = new Set<string>();
      for (const number of stores.numbers()) {
        const store = stores.of(number);
        for await (const { name, size } of store.list('')) {
          const pack = PACK.exec(name)?.[1];
          if (pack === undefined) continue;
          signal.throwIfAborted();
          here.add(pack);
          delete state.gone[pack];
          counts.packs++;
          const known = copies.get(pack);
          // Of another length is the mark of a pack that was cut here, or of a copy that was.
          if (known !== undefined && (known !== size || due) && !(await isSound(mirror, pack, signal))) {
            if (!(await isSound(store, pack, signal))) continue;
            await mirror.remove(name);
            counts.replaced++;
            copies.delete(pack);
          }
          if (!copies.has(pack) && (await copyIfThere(store, pack, size, signal))) counts.copied++;
          progress({ done: counts.packs, total: null, unit: 'packs', counts });
        }
      }
      if (due) state.checked = clock.now();
      for (const pack of copies.keys()) {
        if (here.has(pack)) continue;
        if ((await rows.chunksOf(pack)).length > 0) {
          delete state.gone[pack];
          continue;
        }
        state.gone[pack] ??= clock.now();
        if (clock.now() - state.gone[pack] < graceMs) continue;
        await mirror.remove(`${pack}.pack`);
        delete state.gone[pack];
        counts.removed++;
      }
      for (const pack of Object.keys(state.gone)) if (!copies.has(pack)) delete state.gone[pack];
      progress({ done: counts.packs, total: counts.packs, unit: 'packs', counts });
      await save(state);
    },
  };

  async function copyIfThere(store: BlobStore, pack: string, size: number, signal: AbortSignal): Promise<boolean> {
    try {
      return await copy(store, pack, size, signal);
    } catch (error) {
      if (!isCloudStoreError(error, 'not_found')) throw error;
      return false; // collected meanwhile
    }
  }
}

async function* streamOf(store: BlobStore, name: string, size: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += COPY_BYTES) {
    if (signal.aborted) throw new CloudStoreError('aborted', 'The mirror was stopped.', { cause: signal.reason });
    yield await store.read(name, at, Math.min(COPY_BYTES, size - at));
  }
}

function stateOf(saved: unknown): MirrorState {
  const { gone = {}, checked = 0 } = (saved ?? {}) as Partial<MirrorState>; // of our own making
  return { gone: { ...gone }, checked };
}
