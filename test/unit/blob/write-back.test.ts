import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLog } from '#blob/log';
import { createMemoryBlobs } from '#blob/memory';
import { createWriteBack, type WriteBack } from '#blob/write-back';
import type { ChunkPlace } from '#contracts/content';
import { isCloudStoreError } from '#core/errors';
import { bytesOf } from '#core/stream';
import { describeBlobStore } from '../../conformance/blob-store.ts';
import { quiet } from '../../support/database.ts';
import { type FaultyDisk, faultyDisk } from '../../support/faulty-disk.ts';
import { diceOf, SEED } from '../../support/random.ts';
import { type UnsteadyBlobs, unsteadyBlobs } from '../../support/unsteady-blobs.ts';

let setBackMs = 0;
const clock = { now: () => Date.now() - setBackMs };
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
    setBackMs = 0;
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

  async function open(options: { bytesMax?: number; packBytesMax?: number; packAgeMs?: number } = {}): Promise<void> {
    const { bytesMax = 1 << 30, packBytesMax = 1 << 20, packAgeMs = 0 } = options;
    disk = faultyDisk(nodeDiskOps());
    const log = await createLog({ directory, disk, clock, random: randomBytes, store: STORE, packBytesMax });
    back = await createWriteBack({ log, directory, disk, remote, bytesMax, packAgeMs, clock, logger: quiet });
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
    // And all of it where the disk runs short, but for what is nowhere else.
    const waits = await append(1000);
    expect(await back.giveBack(1)).to.be.above(900_000);
    expect(back.state().cachedPacks).to.equal(2);
    const left = back.state().cachedBytes;
    expect(await back.giveBack(1 << 30)).to.equal(left);
    expect([back.state().cachedBytes, await disk.readdir(join(directory, 'cache'))]).to.deep.equal([0, ['tmp']]);
    await expectAll([...kept, waits]);
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

  it('sends what is open, and lets writes wait no longer, though the clock was set back', async () => {
    await back.log.close();
    await open({ bytesMax: 3_000_000, packBytesMax: 10 << 20, packAgeMs: 30_000 });
    await append(5000);
    await back.flush({ all: false, signal: never });
    expect(await packsOf(remote)).to.have.length(0);
    setBackMs = 3_600_000;
    await back.flush({ all: false, signal: never });
    expect(await packsOf(remote)).to.have.length(1);
    // What is begun from then on has its age again.
    await append(5000);
    await back.flush({ all: false, signal: never });
    expect(await packsOf(remote)).to.have.length(1);
    // A write that waits for room gives up, whatever the clock does meanwhile.
    while (back.state().waitingBytes < 3_000_000) await append(500_000);
    const waits = codeOf(append(1000));
    await back.news(1, never);
    setBackMs += 3_600_000;
    expect(await waits).to.equal('unavailable');
  }).timeout(20_000);

  it('sends all others though one cannot be sent', async () => {
    const kept: Kept[] = [];
    for (let n = 0; n < 4; n++) {
      kept.push(await append(5000));
      await back.log.seal();
    }
    const names = kept.map(({ place }) => `${place.pack}.pack`);
    remote.fault = (call, name) => (call === 'put' && name === [...names].sort()[0] ? 'before' : null);
    for (let n = 0; n < 2; n++) expect(await codeOf(back.flush({ all: false, signal: never }))).to.equal('unavailable');
    expect(await packsOf(remote)).to.have.length(3);
    expect(back.state()).to.include({ waitingPacks: 1 });
    await expectAll(kept);
    remote.fault = null;
    await back.flush({ all: false, signal: never });
    expect([(await packsOf(remote)).sort(), back.state().failure]).to.deep.equal([[...names].sort(), null]);
  });

  it('replaces what a put that broke off has left in the remote, unless its own pack is damaged', async () => {
    const [one, two] = [await append(5000), await append(6000)];
    await back.log.seal();
    const name = `${one.place.pack}.pack`;
    expect(two.place.pack).to.equal(one.place.pack);
    const half = Buffer.from('half of a pack');
    const { put } = remote;
    await put(name, bytesOf(half), half.length);
    await back.flush({ all: false, signal: never });
    expect((await remote.read(name, one.place.offset, one.place.length)).equals(one.bytes)).to.equal(true);
    expect(back.state()).to.include({ waitingPacks: 0, failure: null });

    const three = await append(5000);
    await back.log.seal();
    const other = `${three.place.pack}.pack`;
    await put(other, bytesOf(half), half.length);
    const file = openSync(join(directory, other), 'r+');
    writeSync(file, Buffer.alloc(8), 0, 8, three.place.offset + 100);
    closeSync(file);
    expect(await codeOf(back.flush({ all: false, signal: never }))).to.equal('already_exists');
    expect((await remote.read(other, 0, half.length)).equals(half)).to.equal(true);
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
