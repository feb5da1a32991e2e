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
  const open = async (minFree: number | null = 100 * MIB, pause?: (ms: number) => Promise<unknown>) => {
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
      ...(pause === undefined ? {} : { pause }),
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
    expect([100, 256, 1000, 1400].map((mib) => defaultMinFree(mib * MIB) / MIB)).to.deep.equal([25, 64, 64, 70]);
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
    disks.packs = { free: 60 * MIB, size: 100 * GIB };
    await guard.look();
    await all();
    expect(went).to.deep.equal(['remove', 'lock', 'put', 'removeTree', 'restore', 'purge']);
    expect(await codeOf(store.copy({} as Given))).to.equal('insufficient_storage');
    guard.close();
  });

  it('lets removals go slowly where they would fill the disk, and keeps what collection and the database need', async () => {
    const rests: (() => void)[] = [];
    const { guard } = await open(100 * MIB, () => new Promise((resolve) => rests.push(() => resolve(undefined))));
    const ended: string[] = [];
    const done = async () => ({}) as never;
    const store = guardStore({ commit: done, removeTree: done } as unknown as MetadataStore, guard);
    const remove = (name: string): Promise<unknown> =>
      codeOf(store.commit({ kind: 'remove' } as Parameters<typeof store.commit>[0] & { kind: 'remove' })).then((code) =>
        ended.push(`${name} ${code}`),
      );
    const at = async (free: number): Promise<void> => {
      disks.packs = { free, size: 100 * GIB };
      await guard.look();
      ended.length = 0;
    };
    await at(52 * MIB);
    await Promise.all([remove('a'), remove('b')]);
    expect(ended).to.deep.equal(['a none', 'b none']);
    expect(guard.room()).to.equal(27 * MIB - 2 * 4096);

    await at(49 * MIB);
    void remove('a');
    void codeOf(store.removeTree({} as Parameters<typeof store.removeTree>[0])).then((code) => ended.push(`tree ${code}`));
    const last = remove('c');
    for (const expected of [['a none'], ['a none', 'tree none']]) {
      await new Promise(setImmediate);
      expect(ended).to.deep.equal(expected);
      rests.shift()?.();
    }
    await last;
    expect(ended).to.have.length(3);

    await at(37 * MIB);
    rests.shift()?.();
    await remove('a');
    expect(ended).to.deep.equal(['a insufficient_storage']);
    expect(guard.room()).to.equal(12 * MIB - 4096);
    rests.shift()?.();
    await at(60 * MIB);
    await Promise.all([remove('a'), remove('b')]);
    expect(ended).to.have.length(2);
    guard.close();
  });

  it('keeps no more of a large disk from removals and collection than they can need', async () => {
    const { guard } = await open(8 * GIB, async () => expect.fail('not slow'));
    disks.packs = { free: 300 * MIB, size: 800 * GIB };
    await guard.look();
    expect(await codeOf(guard.removal(async () => undefined))).to.equal('none');
    expect(guard.room()).to.equal(236 * MIB - 4096);
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
    const makeRoom = createRoomMaker({ jobs, giveBack: async () => 0, clock: { now: () => now }, log: quiet });
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
    await call();
    expect(started.at(-1), 'what came to history meanwhile').to.deep.equal(['expire-history', { urgentBytes: 8 }]);
  });

  it('lets copies go that lie elsewhere too before any history goes', async () => {
    const done: unknown[] = [];
    let copies = 10;
    const jobs = {
      start: async (name: string) => void done.push(name),
      startAlone: async () => undefined,
      cancel: async () => undefined,
      list: async () => [],
    };
    const giveBack = async (bytes: number): Promise<number> => {
      const given = Math.min(bytes, copies);
      copies -= given;
      if (given > 0) done.push(given);
      return given;
    };
    const makeRoom = createRoomMaker({ jobs, giveBack, clock: { now: () => 1_000_000 }, log: quiet });
    for (let n = 0; n < 3; n++) {
      makeRoom(7);
      await new Promise(setImmediate);
    }
    expect(done).to.deep.equal([7, 3, 'gc']);
  });

  it('asks history where a collection alone finds nothing', async () => {
    const started: string[] = [];
    let now = 1_000_000;
    const jobs = {
      start: async (name: string) => void started.push(name),
      startAlone: async () => undefined,
      cancel: async () => undefined,
      list: async () => [],
    };
    const makeRoom = createRoomMaker({ jobs, giveBack: async () => 0, clock: { now: () => now }, log: quiet });
    for (let n = 0; n < 6; n++) {
      makeRoom(1);
      await new Promise(setImmediate);
      now += 6_000;
    }
    expect(started, 'and rests after that').to.deep.equal(['gc', 'expire-history', 'gc']);
    now -= 365 * 86_400_000; // the clock was set back
    makeRoom(1);
    await new Promise(setImmediate);
    expect(started).to.have.length(4);
  });
});
