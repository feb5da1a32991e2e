import { expect } from 'chai';
import { decodePackHeader } from '#blob/pack-format';
import type { ChunkPlace } from '#contracts/content';
import type { DiskFile } from '#contracts/disk-ops';
import type { Log } from '#contracts/log';
import { isCloudStoreError } from '#core/errors';
import { diskFault, type FaultyDisk } from '../support/faulty-disk.ts';
import { type Dice, diceOf, SEED, seededRandom } from '../support/random.ts';

export interface LogRig {
  /** Of the running log. */
  readonly disk: FaultyDisk;
  directory: string;
  /** The log of this directory, after what may have happened to it. */
  open(limits?: { packBytesMax?: number; recordsMax?: number }): Promise<Log>;
  /** The end of the process, or the power's: `torn` says how much of each write that was not synced arrived. */
  crash(torn: (bytes: number) => number): Promise<void>;
  clean(): Promise<void>;
}

interface Kept {
  place: ChunkPlace;
  bytes: Buffer;
}

/** Open packs: what was acknowledged is there, whatever happens. */
export function describeLog(name: string, make: () => Promise<LogRig>): void {
  describe(`log: ${name} (seed ${SEED})`, () => {
    let rig: LogRig;
    let log: Log;
    let dice: Dice;
    const random = seededRandom(SEED);
    beforeEach(async () => {
      dice = diceOf(SEED);
      rig = await make();
      log = await rig.open();
    });
    afterEach(async () => {
      await log.close().catch(() => undefined);
      await rig.clean();
    });

    /** A record in a few pieces, as the engine hands them over. */
    async function append(size: number, how: 'append' | 'appendUnsynced' = 'append'): Promise<Kept> {
      const bytes = random(size);
      const cut = dice.below(size + 1);
      const place = await log[how]([bytes.subarray(0, cut), bytes.subarray(cut)]);
      return { place, bytes };
    }
    async function expectAll(kept: readonly Kept[]): Promise<void> {
      for (const { place, bytes } of kept) {
        const read = await log.read(place, 0, place.length);
        expect(read.equals(bytes), `the record at ${place.pack} ${place.offset}`).to.equal(true);
      }
    }
    async function reopen(limits = {}): Promise<void> {
      log = await rig.open(limits);
    }
    const codeOf = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'none',
        (error: unknown) => (isCloudStoreError(error) ? error.code : String(error)),
      );
    const openPacks = async () =>
      (await rig.disk.readdir(`${rig.directory}/open`)).map((pack) => `${rig.directory}/open/${pack}`);
    const sealedPacks = async () => (await rig.disk.readdir(rig.directory)).filter((file) => file.endsWith('.pack'));

    it('reads what was appended, whole and in parts, into a buffer of the caller', async () => {
      const [one, two] = [await append(5000), await append(1)];
      expect(one.place).to.include({ store: 0, length: 5000 });
      expect(one.place.pack).to.match(/^[0-9a-f]{32}$/);
      await expectAll([two, one]);
      expect((await log.read(one.place, 4990, 10)).equals(one.bytes.subarray(4990))).to.equal(true);
      const into = Buffer.alloc(6000);
      const read = await log.read(one.place, 10, 20, into);
      expect([read.length, read.buffer === into.buffer, read.equals(one.bytes.subarray(10, 30))]).to.deep.equal([20, true, true]);
    });

    it('says not_found of a pack it does not have, and corrupt of a read past a record', async () => {
      const { place } = await append(100);
      expect(await codeOf(log.read({ ...place, pack: 'f'.repeat(32) }, 0, 10))).to.equal('not_found');
      expect(await codeOf(log.read(place, 91, 10))).to.equal('corrupt');
      expect(await codeOf(log.read({ ...place, length: 2 ** 31, offset: 2 ** 31 }, 0, 10))).to.equal('corrupt');
    });

    it('takes many at once, and shares their fsyncs', async () => {
      const before = rig.disk.calls.datasync ?? 0;
      const kept = await Promise.all(Array.from({ length: 300 }, () => append(dice.below(2000) + 1)));
      expect((rig.disk.calls.datasync ?? 0) - before).to.be.lessThan(100);
      const ends = kept.map(({ place }) => `${place.pack} ${place.offset}`);
      expect(new Set(ends).size).to.equal(300);
      await expectAll(kept);
    });

    it('keeps what append acknowledged, through a crash and the next', async () => {
      const kept = [await append(3000)];
      const unknown = Array.from({ length: 20 }, () => append(dice.below(9000) + 1, 'appendUnsynced'));
      kept.push(...(await Promise.all(Array.from({ length: 20 }, () => append(dice.below(9000) + 1)))));
      await Promise.all(unknown);
      for (let crash = 0; crash < 3; crash++) {
        await rig.crash((bytes) => dice.below(bytes + 1));
        await reopen();
        await expectAll(kept);
        expect(await openPacks()).to.deep.equal([]);
        kept.push(await append(500));
        void append(2000).catch(() => undefined);
      }
    });

    it('keeps what sync has confirmed: everything before the call, or the places named', async () => {
      const all = await Promise.all(Array.from({ length: 10 }, () => append(40_000, 'appendUnsynced')));
      await log.sync();
      const named = await append(40_000, 'appendUnsynced');
      await log.sync([named.place]);
      await append(40_000, 'appendUnsynced');
      await rig.crash((bytes) => dice.below(bytes + 1));
      await reopen();
      await expectAll([...all, named]);
    });

    it('reads what was appended and not synced yet', async () => {
      await expectAll([await append(70_000, 'appendUnsynced'), await append(10, 'appendUnsynced')]);
    });

    it('cuts a torn tail off, wherever it was torn, and keeps all before', async () => {
      const kept = [await append(1000), await append(1000)];
      const torn = await append(1000);
      await rig.crash(() => 0);
      const [path] = await openPacks();
      const file = await rig.disk.open(path!, 'r+');
      await file.truncate(torn.place.offset + dice.below(1000));
      await file.sync();
      await file.close();
      await reopen();
      await expectAll(kept);
      expect(await codeOf(log.read(torn.place, 0, 1000))).to.not.equal('none');
      expect([await openPacks(), (await sealedPacks()).length]).to.deep.equal([[], 1]);
    });

    /** As after a crash, but for what `change` does to the open pack. */
    async function damage(change: (file: DiskFile) => Promise<unknown>): Promise<void> {
      await rig.crash(() => 0);
      const [path] = await openPacks();
      const file = await rig.disk.open(path!, 'r+');
      await change(file);
      await file.sync();
      await file.close();
      await reopen();
      expect(await openPacks()).to.deep.equal([]);
    }

    it('believes no record with a flipped byte, and loses none for its sake', async () => {
      const kept = [await append(1000)];
      const flipped = await append(1000);
      kept.push(await append(1000));
      await damage((file) => file.writev([Buffer.of(flipped.bytes[17]! ^ 1)], flipped.place.offset + 17));
      await expectAll(kept);
      // It is where it was, for whoever can mend it.
      const read = await log.read(flipped.place, 0, 1000);
      expect(read.findIndex((byte, at) => byte !== flipped.bytes[at])).to.equal(17);
    });

    it('loses no record for the sake of a damaged frame, or of a damaged header', async () => {
      const kept = [await append(1000), await append(200_000), await append(1000)];
      await damage((file) => file.writev([Buffer.of(0, 0, 0)], kept[1]!.place.offset - 9));
      await expectAll(kept);
      kept.push(await append(1000), await append(1000));
      await damage((file) => file.writev([Buffer.from('?')], 9));
      await expectAll(kept);
      const { pack: id } = kept.at(-1)!.place;
      const pack = await rig.disk.open(`${rig.directory}/${id}.pack`, 'r');
      const header = Buffer.alloc(64);
      await pack.read(header, 0, 64, 0);
      await pack.close();
      expect(decodePackHeader(header)?.id).to.equal(id);
    });

    it('makes nothing before the first record, and leaves nothing open behind', async () => {
      expect([await openPacks(), await sealedPacks()]).to.deep.equal([[], []]);
      await log.close();
      await reopen();
      const kept = [await append(100), await append(100_000, 'appendUnsynced')];
      await log.close();
      expect(await openPacks()).to.deep.equal([]);
      expect(await codeOf(log.append([Buffer.from('late')]))).to.equal('unavailable');
      await reopen();
      await expectAll(kept);
      const size = (await rig.disk.stat(`${rig.directory}/${kept[0]!.place.pack}.pack`))!.size;
      expect(size).to.be.lessThan(100 + 16 + 64 + 84 + 64 + 1);
    });

    it('begins a new pack when one is full, by bytes and by records', async () => {
      await log.close();
      for (const limits of [{ packBytesMax: 20_000 }, { recordsMax: 4 }]) {
        await reopen(limits);
        const kept = await Promise.all(Array.from({ length: 12 }, () => append(5000)));
        for (let n = 0; n < 12; n++) kept.push(await append(5000, dice.pick(['append', 'appendUnsynced'])));
        // Those that came together may be one batch, which is not split for the sake of bytes; of what came one by one no pack takes more than four.
        const single = Object.groupBy(limits.recordsMax === undefined ? kept.slice(12) : kept, ({ place }) => place.pack);
        expect(Math.max(...Object.values(single).map((records) => records!.length))).to.be.at.most(4);
        expect(new Set(kept.map(({ place }) => place.pack)).size).to.be.within(4, 13);
        await log.sync();
        await expectAll(kept);
        await log.close();
        await reopen();
        await expectAll(kept);
        await log.close();
      }
      await reopen();
    });

    it('bears short writes', async () => {
      rig.disk.fault = (call) => (call === 'writev' ? dice.below(3000) + 1 : null);
      const kept = await Promise.all(Array.from({ length: 20 }, () => append(dice.below(9000) + 1)));
      rig.disk.fault = null;
      await rig.crash(() => 0);
      await reopen();
      await expectAll(kept);
    });

    it('says insufficient_storage of a full disk, and goes on in a new pack when there is room', async () => {
      const kept = [await append(1000)];
      rig.disk.fault = (call) => (call === 'writev' ? diskFault('ENOSPC') : null);
      expect(await codeOf(append(1000))).to.equal('insufficient_storage');
      expect(await codeOf(append(1000))).to.equal('insufficient_storage');
      rig.disk.fault = null;
      kept.push(await append(1000));
      expect(kept[1]?.place.pack).to.not.equal(kept[0]?.place.pack);
      await rig.crash(() => 0);
      await reopen();
      await expectAll(kept);
    });

    it('trusts no pack after a failed fsync: who waited hears of it, who was confirmed keeps what it has', async () => {
      const kept = [await append(1000)];
      const synced = await append(1000, 'appendUnsynced');
      await log.sync([synced.place]);
      const lost = await append(1000, 'appendUnsynced');
      rig.disk.fault = (call) => (call === 'datasync' ? diskFault('EIO') : null);
      expect(await codeOf(append(1000))).to.equal('unavailable');
      expect(await codeOf(log.sync([lost.place]))).to.equal('unavailable');
      rig.disk.fault = null;
      expect(await codeOf(log.sync([lost.place]))).to.equal('unavailable');
      expect(await codeOf(log.sync([kept[0]!.place, synced.place]))).to.equal('none');
      kept.push(synced, await append(1000));
      await expectAll(kept);
      await rig.crash((bytes) => bytes);
      await reopen();
      await expectAll(kept);
    });

    it('goes on while a pack that failed is still being ended', async () => {
      const one = await append(1000);
      let failed = false;
      rig.disk.fault = async (call) => {
        if (call === 'datasync' && !failed) {
          failed = true;
          return diskFault('EIO');
        }
        if (call === 'rename') await new Promise((resolve) => setTimeout(resolve, 30));
        return null;
      };
      expect(await codeOf(append(1000))).to.equal('unavailable');
      await expectAll([one, await append(1000)]);
    });

    it('tells one caller of sync without places about what was lost', async () => {
      await append(1000, 'appendUnsynced');
      rig.disk.fault = (call) => (call === 'datasync' ? diskFault('EIO') : null);
      expect(await codeOf(log.sync())).to.equal('unavailable');
      rig.disk.fault = null;
      expect(await codeOf(log.sync())).to.equal('none');
    });

    it('ends in peace when a pack cannot be sealed; the next start does it', async () => {
      const kept = [await append(1000), await append(2000)];
      rig.disk.fault = (call, path) => (call === 'rename' && path.includes('/open/') ? diskFault('EIO') : null);
      await log.close();
      expect((await openPacks()).length).to.equal(1);
      await rig.crash(() => 0);
      await reopen();
      await expectAll(kept);
      expect(await openPacks()).to.deep.equal([]);
    });
  });
}
