import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLog } from '#blob/log';
import { createMemoryBlobs } from '#blob/memory';
import { createWriteBack, type WriteBack } from '#blob/write-back';
import type { ChunkPlace } from '#contracts/content';
import { isCloudStoreError } from '#core/errors';
import { describeBlobStore } from '../../conformance/blob-store.ts';
import { quiet } from '../../support/database.ts';
import { type FaultyDisk, faultyDisk } from '../../support/faulty-disk.ts';
import { diceOf, SEED } from '../../support/random.ts';
import { type UnsteadyBlobs, unsteadyBlobs } from '../../support/unsteady-blobs.ts';

const clock = { now: () => Date.now() };
const STORE = 7;

interface Kept {
  place: ChunkPlace;
  bytes: Buffer;
}

describe(`packs on their way to a remote store (seed ${SEED})`, () => {
  let directory: string;
  let remote: UnsteadyBlobs;
  let disk: FaultyDisk;
  let back: WriteBack;
  const never = new AbortController().signal;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-spool-'));
    remote = unsteadyBlobs(createMemoryBlobs());
    await open();
  });
  afterEach(async () => {
    await back.log.close().catch(() => undefined);
    await back.close();
    await disk.kill();
    rmSync(directory, { recursive: true, force: true });
  });

  async function open(options: { bytesMax?: number; packBytesMax?: number } = {}): Promise<void> {
    const { bytesMax = 1 << 30, packBytesMax = 1 << 20 } = options;
    disk = faultyDisk(nodeDiskOps());
    const log = await createLog({ directory, disk, clock, random: randomBytes, store: STORE, packBytesMax });
    back = await createWriteBack({ log, directory, disk, remote, bytesMax, packAgeMs: 0, clock, logger: quiet });
  }
  async function append(size: number, how: 'append' | 'appendUnsynced' = 'append'): Promise<Kept> {
    const bytes = randomBytes(size);
    return { place: await back.log[how]([bytes]), bytes };
  }
  /** As the engine reads: what the log has, else the store. */
  async function read({ place }: Kept): Promise<Buffer> {
    try {
      return await back.log.read(place, 0, place.length);
    } catch (error) {
      if (!isCloudStoreError(error, 'not_found')) throw error;
      return back.store.read(`${place.pack}.pack`, place.offset, place.length);
    }
  }
  async function expectAll(kept: Kept[]): Promise<void> {
    for (const one of kept) expect((await read(one)).equals(one.bytes), one.place.pack).to.equal(true);
  }
  const codeOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'none',
      (error: unknown) => (isCloudStoreError(error) ? error.code : String(error)),
    );
  async function packsOf(store: { list(prefix: string): AsyncIterable<{ name: string }> }): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of store.list('')) names.push(name);
    return names;
  }

  describeBlobStore('write-back', async () => ({
    store: { ...back.store, close: async () => undefined },
    clean: () => undefined,
  }));

  it('acknowledges without the remote, reads meanwhile, and sends it later', async () => {
    remote.fault = () => 'before';
    const kept = [await append(5000), await append(2_000_000, 'appendUnsynced')];
    await back.log.sync();
    expect(kept[0]!.place.store).to.equal(STORE);
    expect(await codeOf(back.flush({ all: true, signal: never }))).to.equal('unavailable');
    expect(back.state().failure).to.contain('out of reach');
    await expectAll(kept);
    remote.fault = null;
    await back.flush({ all: true, signal: never });
    expect(back.state()).to.include({ waitingPacks: 0, waitingBytes: 0, cachedPacks: 2, failure: null });
    expect(await packsOf(remote)).to.have.length(2);
    // From the local copy, which is still there.
    remote.fault = () => 'before';
    await expectAll(kept);
  });

  it('goes on after a restart with what was not sent', async () => {
    const kept = [await append(5000), await append(6000)];
    await disk.kill();
    await open();
    expect(back.state().waitingPacks).to.equal(1);
    await back.flush({ all: true, signal: never });
    expect(await packsOf(remote)).to.deep.equal([`${kept[0]!.place.pack}.pack`]);
    await expectAll(kept);
  });

  it('keeps no more on the disk than it may, the least used goes first, and all is still read', async () => {
    await back.log.close();
    await open({ bytesMax: 3_000_000, packBytesMax: 900_000 });
    const kept: Kept[] = [];
    for (let n = 0; n < 10; n++) {
      kept.push(await append(950_000));
      await back.flush({ all: true, signal: never });
      await read(kept[0]!);
    }
    const { cachedBytes, cachedPacks } = back.state();
    expect([cachedBytes <= 3_000_000, cachedPacks]).to.deep.equal([true, 3]);
    const local: string[] = await disk.readdir(join(directory, 'cache'));
    expect(local)
      .to.include(`${kept[0]!.place.pack}.pack`)
      .and.include(`${kept.at(-1)!.place.pack}.pack`);
    await expectAll(kept);
  });

  it('refuses writes when what waits fills its bound and the remote is away, and takes them again when it is back', async () => {
    await back.log.close();
    await open({ bytesMax: 3_000_000, packBytesMax: 900_000 });
    remote.fault = () => 'before';
    const kept: Kept[] = [];
    while (back.state().waitingBytes < 3_000_000) kept.push(await append(500_000));
    await back.flush({ all: true, signal: never }).catch(() => undefined);
    expect(await codeOf(append(1000))).to.equal('unavailable');
    expect(await codeOf(append(1000, 'appendUnsynced'))).to.equal('unavailable');
    await expectAll(kept);
    remote.fault = null;
    await back.flush({ all: true, signal: never });
    kept.push(await append(1000));
    await expectAll(kept);
  });

  it('lets writes wait while the remote is only slow', async () => {
    await back.log.close();
    await open({ bytesMax: 2_000_000, packBytesMax: 500_000 });
    const stop = new AbortController();
    const sending = (async () => {
      while (!stop.signal.aborted) {
        await back.flush({ all: false, signal: stop.signal });
        await back.news(20, stop.signal);
      }
    })();
    remote.fault = async () => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return null;
    };
    const kept: Kept[] = [];
    for (let n = 0; n < 20; n++) kept.push(await append(400_000));
    stop.abort();
    await sending;
    await expectAll(kept);
  });

  it('removes a pack wherever it is, and does not send it any more', async () => {
    const [one, two] = [await append(950_000 + 100_000), await append(950_000 + 100_000)];
    const names = [one, two].map(({ place }) => `${place.pack}.pack`);
    await back.store.remove(names[0]!);
    await back.flush({ all: true, signal: never });
    expect(await packsOf(remote)).to.deep.equal([names[1]]);
    expect(await packsOf(back.store)).to.deep.equal([names[1]]);
    await back.store.remove(names[1]!);
    expect([await packsOf(remote), await packsOf(back.store)]).to.deep.equal([[], []]);
    expect(await codeOf(read(two))).to.equal('not_found');
    expect(back.state()).to.include({ waitingPacks: 0, cachedPacks: 0 });
  });

  it('loses nothing that it acknowledged, whenever it dies and whatever the remote does', async () => {
    const dice = diceOf(SEED);
    const kept: Kept[] = [];
    for (let round = 0; round < 15; round++) {
      remote.fault = () => (dice.chance(0.3) ? dice.pick(['before', 'after'] as const) : null);
      let calls = dice.below(120);
      disk.fault = async () => {
        if (calls-- === 0) await disk.kill();
        return null;
      };
      const stop = new AbortController();
      const sending = (async () => {
        for (let n = 0; n < 10 && !stop.signal.aborted; n++)
          await back.flush({ all: dice.chance(0.5), signal: stop.signal }).catch(() => undefined);
      })();
      const writing = Array.from({ length: 12 }, async () => {
        const one = await append(dice.below(400_000) + 1, dice.pick(['append', 'appendUnsynced'] as const));
        await back.log.sync([one.place]);
        kept.push(one);
      });
      await Promise.allSettled(writing);
      stop.abort();
      await sending;
      await disk.kill();
      await back.close();
      remote.fault = null;
      await open({ bytesMax: dice.pick([1 << 30, 2_000_000]) });
      await expectAll(kept);
    }
    remote.fault = null;
    await back.flush({ all: true, signal: never });
    await expectAll(kept);
    const gone = new Set(await packsOf(remote));
    for (const { place } of kept) expect(gone.has(`${place.pack}.pack`)).to.equal(true);
    expect(kept.length).to.be.greaterThan(10);
  }).timeout(60_000);
});
