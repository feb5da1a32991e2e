import { expect } from 'chai';
import type { HistoryStore } from '#contracts/history-store';
import type { Log } from '#contracts/log';
import type { MetadataStore } from '#contracts/metadata-store';
import { createRoomMaker } from '../../../src/make-room.ts';
import { createSpaceGuard, defaultMinFree, guardContent, guardHistory, guardLog, guardStore } from '../../../src/space-guard.ts';
import { quiet } from '../../support/database.ts';
import { memoryContent } from '../../support/memory-content.ts';
import { codeOf } from '../../support/rooms.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

describe('the guard of the disk', () => {
  const disks: Record<string, { free: number; size: number } | null> = {};
  const open = async (minFree: number | null = 100 * MIB) => {
    const wanted: number[] = [];
    const guard = await createSpaceGuard({
      directories: Object.keys(disks),
      minFree,
      log: quiet,
      low: (bytes) => void wanted.push(bytes),
      async fileSystem(directory) {
        const found = disks[directory];
        if (!found) throw new Error('ENOENT');
        return found;
      },
      lookMs: 1e6,
    });
    return { guard, wanted, content: guardContent(memoryContent(), guard) };
  };
  const body = async function* () {
    yield Buffer.from('text');
  };
  const write = (content: ReturnType<typeof memoryContent>) => codeOf(content.write(body(), { domain: 1 }));
  beforeEach(() => {
    for (const name of Object.keys(disks)) delete disks[name];
    disks.packs = { free: GIB, size: 100 * GIB };
  });

  it('keeps a hundredth or a GiB free, and no more than a twentieth of a small disk', () => {
    expect([10 * GIB, 50 * GIB, 1000 * GIB].map((size) => defaultMinFree(size) / GIB)).to.deep.equal([0.5, 1, 10]);
  });

  it('refuses writes before the disk is full, and lets them in again by itself', async () => {
    const { guard, content } = await open();
    expect(await write(content)).to.equal('none');
    disks.packs = { free: 99 * MIB, size: 100 * GIB };
    await guard.look();
    expect(await write(content)).to.equal('insufficient_storage');
    disks.packs = { free: 105 * MIB, size: 100 * GIB };
    await guard.look();
    expect(await write(content), 'not at the first byte').to.equal('insufficient_storage');
    disks.packs = { free: 111 * MIB, size: 100 * GIB };
    await guard.look();
    expect(await write(content)).to.equal('none');
    guard.close();
  });

  it('counts what is written between two looks, and ends a body that would fill the disk', async () => {
    const { guard } = await open();
    let appended = 0;
    const append = async () => ({ store: 0, pack: '', offset: ++appended, length: 1 });
    const log = guardLog({ append, appendUnsynced: append } as unknown as Log, guard);
    const codes: string[] = [];
    for (let n = 0; n < 20; n++) codes.push(await codeOf(log.appendUnsynced([Buffer.alloc(50 * MIB)])));
    expect(codes.indexOf('insufficient_storage')).to.equal(19);
    expect(appended).to.equal(19);
    expect(guard.free()).to.equal(GIB - 950 * MIB);
    disks.packs = { free: GIB, size: 100 * GIB };
    await guard.look();
    expect(await codeOf(log.append([Buffer.alloc(1)]))).to.equal('none');
    guard.close();
  });

  it('refuses what would fill the database alone, and lets pass what makes room or keeps what is there', async () => {
    const { guard } = await open();
    const went: string[] = [];
    const call = (name: string) => async (intent: { kind?: string }) => void went.push(intent.kind ?? name);
    const bare = { commit: call('commit'), copy: call('copy'), move: call('move'), removeTree: call('removeTree') };
    const store = guardStore(bare as unknown as MetadataStore, guard);
    const history = guardHistory({ restore: call('restore'), purge: call('purge') } as unknown as HistoryStore, guard);
    type Given = Parameters<typeof store.copy>[0];
    const all = async (): Promise<void> => {
      went.length = 0;
      for (const intent of [
        { kind: 'put' },
        { kind: 'annotate' },
        { kind: 'tag' },
        { kind: 'acl' },
        { kind: 'remove' },
        { kind: 'lock' },
        { kind: 'put', completesUpload: 'one' },
      ])
        await codeOf(store.commit(intent as unknown as Parameters<typeof store.commit>[0]));
      await codeOf(store.copy({} as Given));
      await codeOf(store.move({} as Given));
      await codeOf(store.removeTree({} as Parameters<typeof store.removeTree>[0]));
      await codeOf(history.restore({} as Parameters<typeof history.restore>[0], { after: '', names: 1 }));
      await codeOf(history.restore({ dryRun: true } as Parameters<typeof history.restore>[0], { after: '', names: 1 }));
      await codeOf(history.purge({} as Parameters<typeof history.purge>[0], { after: '', names: 1 }));
    };
    await all();
    expect(went).to.have.length(13);
    disks.packs = { free: MIB, size: 100 * GIB };
    await guard.look();
    await all();
    expect(went).to.deep.equal(['remove', 'lock', 'put', 'removeTree', 'restore', 'purge']);
    expect(await codeOf(store.copy({} as Given))).to.equal('insufficient_storage');
    guard.close();
  });

  it('looks at the fullest disk, for the database may have one of its own, and forgives one that is not there', async () => {
    disks.postgres = { free: 10 * MIB, size: GIB };
    disks.absent = null;
    const { guard, content } = await open();
    expect(await write(content)).to.equal('insufficient_storage');
    guard.close();
  });

  it('says how much is wanted while space is getting short', async () => {
    disks.packs = { free: 150 * MIB, size: 100 * GIB };
    const { guard, wanted, content } = await open();
    expect(wanted).to.deep.equal([50 * MIB]);
    expect(await write(content)).to.equal('none');
    guard.close();
  });

  it('collects, lets the oldest history go, collects again, and rests when nothing is left to give', async () => {
    const started: unknown[] = [];
    let now = 1_000_000;
    let removed = 5;
    const jobs = {
      start: async (name: string, argument: unknown) => void started.push([name, argument]),
      startAlone: async () => undefined,
      cancel: async () => undefined,
      list: async () =>
        ['gc', 'expire-history'].map((name) => ({
          name,
          state: 'idle' as const,
          progress: { done: 0, total: null, unit: '', counts: name === 'gc' ? { freedBytes: 0 } : { removed } },
          startedMs: null,
          endedMs: null,
          outcome: null,
        })),
    };
    const makeRoom = createRoomMaker({ jobs, clock: { now: () => now }, log: quiet });
    const call = async () => {
      makeRoom(7.5);
      await new Promise(setImmediate);
      now += 6_000;
    };
    for (let n = 0; n < 3; n++) await call();
    expect(started).to.deep.equal([
      ['gc', {}],
      ['expire-history', { urgentBytes: 8 }],
      ['gc', {}],
    ]);
    removed = 0;
    for (let n = 0; n < 5; n++) await call();
    expect(started).to.have.length(3);
    now += 600_000;
    await call();
    expect(started.at(-1)).to.deep.equal(['gc', {}]);
  });
});
