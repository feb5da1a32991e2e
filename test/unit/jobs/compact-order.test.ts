import { expect } from 'chai';
import type { CollectionStore } from '#contracts/collection';
import type { PackFiles } from '#contracts/pack-files';
import type { PackStore } from '#contracts/pack-store';
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
