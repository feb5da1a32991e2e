import { expect } from 'chai';
import { createPackFiles } from '#blob/pack-files';
import type { BlobStores } from '#contracts/blob-stores';
import type { CollectionStore } from '#contracts/collection';
import type { Log } from '#contracts/log';
import type { PackFiles } from '#contracts/pack-files';
import type { PackRow, PackStore } from '#contracts/pack-store';
import { compact } from '#jobs/gc/compact';

/** Nobody names any pack, and nobody is waited for. */
const packs = {
  find: async (ids: readonly string[]) => ids.map(() => null),
  bury: async () => true,
  forget: async () => undefined,
} as Partial<PackStore> as PackStore;
const store = {
  nextTurn: async () => 1,
  fence: async () => 0,
  waitingFor: async () => 0,
} as Partial<CollectionStore> as CollectionStore;
const patience = { silentMs: 1, patienceMs: 1, pollMs: 1, signal: new AbortController().signal };

/** A snapshot that needs a pack which is gone would be one from which files do not come back. */
describe('compaction and snapshots', () => {
  const runOn = async (beforeRemoval: () => Promise<void>): Promise<string[]> => {
    const done: string[] = [];
    const file = { store: 0, pack: 'ab'.repeat(16), size: 1000 };
    const files = {
      async *sealed() {
        yield file;
      },
      open: async () => [],
      remove: async () => void done.push('removed'),
    } as Partial<PackFiles> as PackFiles;
    const more = { step: async () => undefined, dryRun: false, room: async () => Number.POSITIVE_INFINITY };
    const settled = async (): Promise<void> => {
      await beforeRemoval();
      done.push('snapshot');
    };
    await compact({ store, packs, files, ...patience, ...more, beforeRemoval: settled }).catch((error: Error) =>
      done.push(error.message),
    );
    return done;
  };

  it('takes a snapshot before it removes a pack', async () => {
    expect(await runOn(async () => undefined)).to.deep.equal(['snapshot', 'removed']);
  });

  it('removes nothing when there can be none', async () => {
    expect(await runOn(() => Promise.reject(new Error('no snapshot')))).to.deep.equal(['no snapshot']);
  });
});

describe('compaction and a store that lets nothing go', () => {
  it('removes what is dead in the others, and says what the one said', async () => {
    const dead = [0, 1, 1, 2].map((store, n) => ({ store, pack: `${n}`.repeat(32), size: 1000 }));
    const tried: number[] = [];
    const files = {
      async *sealed() {
        yield* dead;
      },
      open: async () => [],
      async remove({ store }) {
        tried.push(store);
        if (store === 1) throw new Error('read-only');
      },
    } as Partial<PackFiles> as PackFiles;
    let removed = 0;
    const step = async (counts: { removedPacks: number }): Promise<void> => void (removed = counts.removedPacks);
    const room = async (): Promise<number> => Number.POSITIVE_INFINITY;
    const why = await compact({ store, packs, files, ...patience, step, dryRun: false, room }).then(
      () => 'none',
      (error: Error) => error.message,
    );
    expect([why, tried, removed]).to.deep.equal(['read-only', [0, 1, 2], 2]);
  });
});

describe('compaction and a store that cannot be read', () => {
  const room = async (): Promise<number> => Number.POSITIVE_INFINITY;
  const running = { ...patience, dryRun: false, room };
  /** What was removed of the stores, and what the run said. */
  const runOn = async (files: Partial<PackFiles>, known: Partial<PackStore> = {}): Promise<[number[], string]> => {
    const removed: number[] = [];
    const all: Partial<PackFiles> = { open: async () => [], remove: async ({ store }) => void removed.push(store), ...files };
    const step = async (): Promise<void> => undefined;
    const options = { store, packs: { ...packs, ...known }, files: all as PackFiles, ...running, step };
    const why = await compact(options).then(
      () => 'none',
      (error: Error) => error.message,
    );
    return [removed, why];
  };

  it('removes what is dead in the others where one cannot be listed, and says what it said', async () => {
    const listed = async function* (number: number) {
      if (number === 1) throw new Error('no list');
      yield { name: `${'ab'.repeat(16)}.pack`, size: 1000 };
    };
    const stores = { numbers: () => [0, 1, 2], of: (number: number) => ({ list: () => listed(number) }) };
    const { sealed } = createPackFiles({ stores: stores as unknown as BlobStores, log: {} as Log });
    expect(await runOn({ sealed })).to.deep.equal([[0, 2], 'no list']);
  });

  it('goes on where what lives in a pack cannot be copied, and tries no other of its store', async () => {
    const row = (liveChunks: number): PackRow =>
      ({ liveChunks, liveBytes: liveChunks, state: 'used' }) as Partial<PackRow> as PackRow;
    const there = [
      { store: 1, pack: '1', size: 1 << 20, live: 1 },
      { store: 1, pack: '2', size: 1 << 20, live: 1 },
      { store: 1, pack: '3', size: 1 << 20, live: 0 },
      { store: 2, pack: '4', size: 1 << 20, live: 0 },
    ];
    const tried: string[] = [];
    const files: Partial<PackFiles> = {
      async *sealed() {
        yield* there;
      },
      async copy([place]) {
        tried.push(place!.pack);
        throw new Error('no copy');
      },
    };
    const known: Partial<PackStore> = {
      find: async (ids) => ids.map((id) => row(there.find(({ pack }) => pack === id)!.live)),
      chunks: async (pack) => [{ key: Buffer.alloc(36), place: { store: 1, pack, offset: 64, length: 1 } }] as never,
    };
    expect([await runOn(files, known), tried]).to.deep.equal([[[1, 2], 'no copy'], ['1']]);
  });
});
