import type { BlobStore } from '#contracts/blob-store';
import type { BlobStores } from '#contracts/blob-stores';
import type { IntegrityStore } from '#contracts/integrity-store';
import type { Job, JobContext } from '#contracts/jobs';
import type { Logger } from '#contracts/observability';
import type { Pace } from '#contracts/pace';
import type { PackInspector } from '#contracts/pack-inspector';
import type { Clock } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';

/** Where the copies go. */
export interface MirrorStore extends BlobStore {
  /** Another id is another mirror. */
  id(): Promise<string>;
  /** What is put is confirmed by a checksum of what the store holds, and reading it back is dear. */
  readonly remote: boolean;
  /** Ends what killed gateways left half sent. */
  tidy(): Promise<void>;
}

export interface MirrorDeps {
  stores: BlobStores;
  mirror: MirrorStore;
  packs: PackInspector;
  rows: Pick<IntegrityStore, 'chunksOf'>;
  pace: Pace;
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
  /** Of which mirror the rest is told. */
  mirror: string | null;
  /** Copies whose pack is gone and that no row names, by when that was first seen, ms. */
  gone: Record<string, number>;
  /** When the last look at every copy ended, ms; 0: never. */
  checked: number;
  /** The copy up to which the running one has come, in order of names; null: none runs. */
  checking: string | null;
}

interface Counts extends Record<string, number> {
  copied: number;
  removed: number;
  replaced: number;
  checked: number;
  packs: number;
}

/** A sealed pack of ours. */
interface Original {
  store: BlobStore;
  size: number;
}

const PACK = /^([0-9a-f]{32})\.pack$/;
const COPY_BYTES = 1 << 20;
const DAY_MS = 86_400_000;

/**
 * Keeps a second copy of every sealed pack, under the same name. What is missing is copied, at whichever pack the last run ended. A copy counts when it was read back, or
 * when a remote store confirmed its checksum, and every copy is read again now and then; one that is damaged while its pack is good is made anew. It goes a
 * day after its pack was collected; one whose pack is only missing, because rows still name it, stays: it may be the last.
 */
export function createMirrorJob(deps: MirrorDeps): Job {
  const { stores, mirror, packs, rows, pace, clock, logger, graceMs = DAY_MS, checkMs = 30 * DAY_MS } = deps;

  async function isSound(store: BlobStore, pack: string, signal: AbortSignal): Promise<boolean> {
    for await (const part of packs.inspect(store, pack)) {
      if (part.kind === 'damage' || !part.fits) return false;
      await pace.done(part.length, signal);
    }
    return true;
  }

  /** False: it was collected meanwhile, or the copy is not what its pack is; then it is gone again. */
  async function copy(from: BlobStore, pack: string, size: number, signal: AbortSignal): Promise<boolean> {
    const name = `${pack}.pack`;
    try {
      await mirror.put(name, streamOf(from, name, size, signal), size);
      if (mirror.remote || (await isSound(mirror, pack, signal)) || !(await isSound(from, pack, signal))) return true;
    } catch (error) {
      if (!isCloudStoreError(error, 'not_found')) throw error;
      return false;
    }
    await mirror.remove(name);
    logger.warn({ pack }, 'the copy of a pack in the mirror was damaged at once and is made anew');
    return false;
  }

  async function* streamOf(store: BlobStore, name: string, size: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < size; at += COPY_BYTES) {
      if (signal.aborted) throw new CloudStoreError('aborted', 'The mirror was stopped.', { cause: signal.reason });
      const bytes = Math.min(COPY_BYTES, size - at);
      yield await store.read(name, at, bytes);
      await pace.done(bytes, signal);
    }
  }

  /** Takes a copy away that is not sound although its pack is. A pack that is hurt itself may need just this copy. */
  async function replaceBad(original: Original | undefined, pack: string, counts: Counts, signal: AbortSignal): Promise<void> {
    if (await isSound(mirror, pack, signal)) return;
    if (original === undefined) {
      logger.error({ pack }, 'the last copy of a pack, in the mirror, is damaged');
      return;
    }
    if (!(await isSound(original.store, pack, signal))) return;
    await mirror.remove(`${pack}.pack`);
    if (await copy(original.store, pack, original.size, signal)) counts.copied++;
    counts.replaced++;
  }

  async function listed(store: BlobStore): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for await (const { name, size } of store.list('')) {
      const pack = PACK.exec(name)?.[1];
      if (pack !== undefined) found.set(pack, size);
    }
    return found;
  }

  async function originals(): Promise<Map<string, Original>> {
    const found = new Map<string, Original>();
    for (const number of stores.numbers()) {
      const store = stores.of(number);
      for (const [pack, size] of await listed(store)) found.set(pack, { store, size });
    }
    return found;
  }

  /** Every copy once more, from where the last run ended. */
  async function checkAll(
    context: JobContext,
    state: MirrorState,
    here: Map<string, Original>,
    counts: Counts,
    shown: () => void,
  ) {
    const { signal, save } = context;
    for (const pack of [...(await listed(mirror)).keys()].sort()) {
      if (state.checking !== null && pack <= state.checking) continue;
      await replaceBad(here.get(pack), pack, counts, signal);
      counts.checked++;
      state.checking = pack;
      await save(state);
      shown();
    }
    state.checked = clock.now();
    state.checking = null;
  }

  async function removeOld(state: MirrorState, copies: ReadonlyMap<string, number>, here: Map<string, Original>, counts: Counts) {
    for (const pack of copies.keys()) {
      if (here.has(pack) || (await rows.chunksOf(pack)).length > 0) {
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
  }

  return {
    name: 'mirror',
    everyMs: deps.everyMs,
    async run(context) {
      const { signal, save, progress } = context;
      const id = await mirror.id();
      const state = stateOf(context.state, id);
      const counts: Counts = { copied: 0, removed: 0, replaced: 0, checked: 0, packs: 0 };
      const [copies, here] = [await listed(mirror), await originals()];
      const shown = (): void => progress({ done: counts.packs, total: here.size, unit: 'packs', counts });
      // A new mirror has nothing to be looked at; one that came back may have stood in a cupboard for a year.
      if (copies.size === 0 && state.checked === 0) state.checked = clock.now();
      for (const [pack, original] of here) {
        signal.throwIfAborted();
        counts.packs++;
        const known = copies.get(pack);
        // Of another length is the mark of a pack that was cut here, or of a copy that was.
        if (known === undefined) counts.copied += (await copy(original.store, pack, original.size, signal)) ? 1 : 0;
        else if (known !== original.size) await replaceBad(original, pack, counts, signal);
        shown();
      }
      if (Math.abs(clock.now() - state.checked) >= checkMs) await checkAll(context, state, here, counts, shown);
      await removeOld(state, copies, here, counts);
      if (counts.copied > 0)
        await mirror.tidy().catch((err: unknown) => logger.debug({ err }, 'unfinished uploads stay in the mirror'));
      shown();
      await save(state);
    },
  };
}

function stateOf(saved: unknown, id: string): MirrorState {
  const { mirror = id, gone = {}, checked = 0, checking = null } = (saved ?? {}) as Partial<MirrorState>; // of our own making
  if (mirror !== id) return { mirror: id, gone: {}, checked: 0, checking: null };
  return { mirror: id, gone: { ...gone }, checked, checking };
}
