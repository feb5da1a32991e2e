import { expect } from 'chai';
import type { CollectionStore } from '#contracts/collection';
import type { PackFiles } from '#contracts/pack-files';
import type { PackStore } from '#contracts/pack-store';
import { compact } from '#jobs/gc/compact';

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
    const packs = {
      find: async () => [null],
      bury: async () => true,
      forget: async () => undefined,
    } as Partial<PackStore> as PackStore;
    const store = {
      nextTurn: async () => 1,
      fence: async () => 0,
      waitingFor: async () => 0,
    } as Partial<CollectionStore> as CollectionStore;
    const patience = { silentMs: 1, patienceMs: 1, pollMs: 1, signal: new AbortController().signal };
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
