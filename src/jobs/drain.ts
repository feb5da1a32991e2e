import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobStore } from '#contracts/blob-store';
import type { BlobStores } from '#contracts/blob-stores';
import type { CollectionStore } from '#contracts/collection';
import type { Job, JobContext } from '#contracts/jobs';
import type { PackFiles } from '#contracts/pack-files';
import type { RegisteredStore, StoreRegistry } from '#contracts/store-registry';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { uploadsEnded } from './gc/uploads-ended.ts';

export interface DrainOptions {
  registry: StoreRegistry;
  stores: BlobStores;
  files: Pick<PackFiles, 'seal' | 'remove'>;
  collection: CollectionStore;
  /** The store with the most room among these. */
  roomiest(numbers: number[]): Promise<number>;
  /** How long until every process has heard that a store is to be emptied, and begins no pack there any more. */
  heardMs?: number;
  silentMs?: number;
  patienceMs?: number;
  pollMs?: number;
}

const HEARD_MS = 8_000;
const SILENT_MS = 60_000;
const PATIENCE_MS = 10 * 60_000;
const POLL_MS = 500;
const PIECE_BYTES = 1 << 20;
const PACK = /^([0-9a-f]{32})\.pack$/;

/**
 * Empties the stores that are to be emptied: each pack is copied to another store, then all of its chunks are said to lie there, and when every upload
 * that may still name the old place has ended, the old one is removed. It keeps no state: whatever was copied is found there by the next run.
 */
export function createDrainJob(options: DrainOptions): Job {
  const { registry, heardMs = HEARD_MS } = options;
  return {
    name: 'drain',
    everyMs: 60 * 60_000,
    async run(context) {
      const draining = (await registry.list()).filter(({ state }) => state === 'draining');
      if (draining.length === 0) return;
      await sleep(heardMs, undefined, { signal: context.signal });
      await options.files.seal();
      const away: unknown[] = [];
      for (const store of draining)
        await drain(options, store, context).catch((error: unknown) => {
          if (!isCloudStoreError(error, 'unavailable')) throw error;
          away.push(error); // the others are there
        });
      if (away.length > 0) throw away[0];
    },
  };
}

async function drain(options: DrainOptions, { number }: RegisteredStore, context: JobContext): Promise<void> {
  const { registry, stores, files, collection } = options;
  const { silentMs = SILENT_MS, patienceMs = PATIENCE_MS, pollMs = POLL_MS } = options;
  const { signal, progress } = context;
  const from = stores.of(number);
  const counts = { store: number, copied: 0, copiedBytes: 0, removed: 0 };
  const packs = await packsOf(from);
  const moved = new Map<string, number>();
  const report = (): void => progress({ done: counts.copied + counts.removed, total: 2 * packs.size, unit: 'packs', counts });
  for (const [pack, size] of packs) {
    signal.throwIfAborted();
    const to = await options.roomiest(await targets(options, number));
    if (!(await copy(from, stores.of(to), `${pack}.pack`, size))) continue; // collected meanwhile
    await registry.movePack(pack, number, to);
    moved.set(pack, to);
    counts.copied++;
    counts.copiedBytes += size;
    report();
  }
  const turn = await collection.nextTurn();
  const patience = { silentMs, patienceMs, pollMs, signal };
  // An upload that was running may have put a record there and tell of it only now. The next run goes on where this one gives up.
  if (!(await uploadsEnded(collection, { turn, writers: [] }, patience, async () => report()))) return;
  for (const [pack, to] of moved) {
    signal.throwIfAborted();
    await registry.movePack(pack, number, to);
    await files.remove({ store: number, pack });
    counts.removed++;
    report();
  }
}

async function packsOf(store: BlobStore): Promise<Map<string, number>> {
  const packs = new Map<string, number>();
  for await (const { name, size } of store.list('')) {
    const pack = PACK.exec(name)?.[1];
    if (pack !== undefined) packs.set(pack, size);
  }
  return packs;
}

/** Where packs may go: what is connected and takes new ones. @throws insufficient_storage: nowhere */
async function targets({ registry, stores }: DrainOptions, from: number): Promise<number[]> {
  const rows = await registry.list();
  const all = stores
    .numbers()
    .filter((number) => number !== from && (rows.find((row) => row.number === number)?.state ?? 'active') === 'active');
  if (all.length === 0)
    throw new CloudStoreError('insufficient_storage', `No other store takes the packs of store ${from}; add one first.`);
  return all;
}

/** Whole and durable in the other store; false: it is not there any more. */
async function copy(from: BlobStore, to: BlobStore, name: string, size: number): Promise<boolean> {
  async function* pieces(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < size; at += PIECE_BYTES) yield from.read(name, at, Math.min(PIECE_BYTES, size - at));
  }
  try {
    await to.put(name, pieces(), size);
  } catch (error) {
    if (isCloudStoreError(error, 'not_found') && (await from.stat(name)) === null) return false;
    throw error;
  }
  return true;
}
