import { expect } from 'chai';
import { createLocalDisk } from '#blob/local-disk';
import { createLog } from '#blob/log';
import type { DiskOps } from '#contracts/disk-ops';
import { bytesOf } from '#core/stream';
import { SEED, seededRandom } from '../../support/random.ts';
import { codeOf } from '../../support/rooms.ts';
import { type SimulatedCall, type SimulatedDisk, simulatedDisk } from '../../support/simulated-disk.ts';

const DIRECTORY = '/data/packs';
const bytes = Buffer.from('what somebody was told is safe');

/** What the schedules (test/schedules) have found, one by one. The chance of a power cut has many throws. */
describe(`durability on a simulated disk (seed ${SEED})`, () => {
  async function freshDisk(n: number, atomicRenames = true): Promise<SimulatedDisk> {
    const disk = simulatedDisk({ seed: SEED + n, atomicRenames });
    const ops = disk.boot();
    await ops.mkdir('/data', 0o700);
    await ops.syncDirectory('/');
    return disk;
  }
  const openLog = (disk: DiskOps, limits: { writeBehindBytes?: number; recordsMax?: number } = {}) =>
    createLog({ directory: DIRECTORY, disk, clock: { now: () => 1_795_000_000_000 }, random: seededRandom(SEED), ...limits });
  const openBlobs = (disk: DiskOps) => createLocalDisk({ directory: DIRECTORY, disk });
  const failing = (disk: SimulatedDisk, call: SimulatedCall, times = Infinity): void => {
    let left = times;
    disk.fault = (one) => (one === call && left-- > 0 ? { code: 'EIO' } : null);
  };

  it('keeps the first record of a new data directory: the directories are safe too', async () => {
    for (let n = 0; n < 20; n++) {
      const disk = await freshDisk(n);
      const place = await (await openLog(disk.boot())).append([bytes]);
      disk.cutPower();
      const log = await openLog(disk.boot());
      expect((await log.read(place, 0, place.length)).equals(bytes)).to.equal(true);
      await log.close();
    }
  });

  it('keeps a blob whose directory failed to sync, once it was put again', async () => {
    for (let n = 0; n < 20; n++) {
      const disk = await freshDisk(n);
      const blobs = await openBlobs(disk.boot());
      failing(disk, 'syncDirectory', 1);
      expect(await codeOf(blobs.put('one', bytesOf(bytes), bytes.length))).to.equal('unavailable');
      await blobs.put('one', bytesOf(bytes), bytes.length);
      disk.cutPower();
      const again = await openBlobs(disk.boot());
      expect(await again.stat('one')).to.deep.equal({ name: 'one', size: bytes.length });
      await again.close();
    }
  });

  it('has removed a blob whose directory failed to sync, once it was removed again', async () => {
    for (let n = 0; n < 20; n++) {
      const disk = await freshDisk(n);
      const blobs = await openBlobs(disk.boot());
      await blobs.put('one', bytesOf(bytes), bytes.length);
      failing(disk, 'syncDirectory', 1);
      expect(await codeOf(blobs.remove('one'))).to.equal('unavailable');
      await blobs.remove('one');
      disk.cutPower();
      const again = await openBlobs(disk.boot());
      expect(await again.stat('one')).to.equal(null);
      await again.close();
    }
  });

  it('ends a pack that a power cut left with two names', async () => {
    for (let n = 0; n < 30; n++) {
      const disk = await freshDisk(n, false);
      const log = await openLog(disk.boot());
      const place = await log.append([bytes]);
      await log.close();
      disk.cutPower();
      const ops = disk.boot();
      const again = await openLog(ops);
      expect(await ops.readdir(`${DIRECTORY}/open`)).to.deep.equal([]);
      expect((await again.read(place, 0, place.length)).equals(bytes)).to.equal(true);
      await again.close();
    }
  });

  it('leaves no packs behind when no fsync succeeds for a long time', async () => {
    const disk = await freshDisk(0);
    const ops = disk.boot();
    const log = await openLog(ops);
    failing(disk, 'datasync');
    for (let n = 0; n < 20; n++) expect(await codeOf(log.append([bytes]))).to.equal('unavailable');
    disk.fault = null;
    await log.append([bytes]);
    await log.close();
    expect(await ops.readdir(`${DIRECTORY}/open`)).to.deep.equal([]);
    expect((await ops.readdir(DIRECTORY)).filter((name) => name.endsWith('.pack'))).to.have.lengthOf(1);
  });

  it('is still when it is closed, also while a pack is being given up', async () => {
    const disk = await freshDisk(0);
    const log = await openLog(disk.boot(), { writeBehindBytes: 10 });
    failing(disk, 'datasync');
    await log.appendUnsynced([bytes]);
    await log.close();
    expect([disk.underWay, disk.open]).to.deep.equal([0, 0]);
  });

  it('closes every file, whatever closing one of them says', async () => {
    const disk = await freshDisk(0);
    const log = await openLog(disk.boot(), { recordsMax: 1 });
    for (let n = 0; n < 5; n++) await log.append([bytes]);
    failing(disk, 'close');
    await log.close();
    expect(disk.open).to.equal(0);
  });

  it('says unavailable when blobs cannot be listed', async () => {
    const disk = await freshDisk(0);
    const blobs = await openBlobs(disk.boot());
    await blobs.put('one', bytesOf(bytes), bytes.length);
    for (const call of ['readdir', 'stat'] as const) {
      failing(disk, call);
      expect(await codeOf(firstOf(blobs.list('')))).to.equal('unavailable');
    }
  });
});

async function firstOf<T>(all: AsyncIterable<T>): Promise<T | undefined> {
  for await (const one of all) return one;
  return undefined;
}
