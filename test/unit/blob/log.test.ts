import { randomBytes } from 'node:crypto';
import { fstatSync, mkdtempSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLog } from '#blob/log';
import type { DiskOps } from '#contracts/disk-ops';
import { createReadNow } from '#core/read-now';
import { describeLog, type LogRig } from '../../conformance/log.ts';
import { type FaultyDisk, faultyDisk } from '../../support/faulty-disk.ts';
import { memoryDisk } from '../../support/memory-disk.ts';

const clock = { now: () => Date.now() };

function rigOn(inner: DiskOps, directory: string, fail: (torn: (bytes: number) => number) => void, clean: () => void): LogRig {
  let disk: FaultyDisk = faultyDisk(inner);
  return {
    get disk() {
      return disk;
    },
    directory,
    open: (limits = {}) => createLog({ directory, disk, clock, random: randomBytes, ...limits }),
    async crash(torn) {
      await disk.kill();
      fail(torn);
      disk = faultyDisk(inner);
    },
    async clean() {
      await disk.kill();
      clean();
    },
  };
}

describeLog('killed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cloudstore-log-'));
  return rigOn(
    nodeDiskOps(),
    directory,
    () => undefined,
    () => rmSync(directory, { recursive: true, force: true }),
  );
});

describeLog('without power', async () => {
  const disk = memoryDisk();
  await disk.mkdir('/packs', 0o700);
  await disk.syncDirectory('/');
  return rigOn(
    disk,
    '/packs',
    (torn) => disk.crash(torn),
    () => undefined,
  );
});

describe('what the log has at once', () => {
  it('is what the system has in memory of a record, from a pack that is open here; of all else it has nothing', async function () {
    if (createReadNow() === null) this.skip(); // only Linux has it
    const directory = mkdtempSync(join(tmpdir(), 'cloudstore-log-'));
    const log = await createLog({ directory, disk: nodeDiskOps(), clock, random: randomBytes });
    const bytes = randomBytes(5000);
    const place = await log.append([bytes]);
    const into = Buffer.alloc(4000, 1);
    expect(log.readNow!(place, 77, 3000, into)).to.equal(true);
    expect(into).to.deep.equal(Buffer.concat([bytes.subarray(77, 3077), Buffer.alloc(1000, 1)]));
    expect(log.readNow!(place, place.length - 100, 101, into), 'past its end').to.equal(false);
    await log.seal();
    await log.forget(place.pack);
    expect(log.readNow!(place, 0, 3000, into), 'of a pack that is not open').to.equal(false);
    await log.read(place, 0, 10);
    expect(log.readNow!(place, 0, 3000, into)).to.equal(true);
    expect(into.subarray(0, 3000).equals(bytes.subarray(0, 3000))).to.equal(true);
    await log.close();
    expect(log.readNow!(place, 0, 3000, into), 'of a log that is closed').to.equal(false);
    rmSync(directory, { recursive: true });
  });
});

describe('a file that the log lends', () => {
  it('stays open until it is given back, whatever becomes of its pack, and is closed then', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cloudstore-log-'));
    const log = await createLog({ directory, disk: nodeDiskOps(), clock, random: randomBytes });
    const bytes = randomBytes(5000);
    const place = await log.append([bytes]);
    await log.seal();
    const read = (descriptor: number, position: number): Buffer => {
      const into = Buffer.alloc(place.length);
      return into.subarray(0, readSync(descriptor, into, 0, into.length, position));
    };
    const lent = await log.lend!(place, async ({ descriptor, position }) => {
      await log.forget(place.pack);
      rmSync(join(directory, `${place.pack}.pack`));
      // Of other files, which would get its number if it were free.
      expect(await log.lend!({ ...place, pack: 'f'.repeat(32) }, async () => true)).to.equal(null);
      for (let n = 0; n < 3; n++) await log.append([randomBytes(100)]);
      expect(read(descriptor, position).equals(bytes)).to.equal(true);
      return descriptor;
    });
    expect(() => fstatSync(lent!)).to.throw('EBADF');
    expect(await log.lend!(place, async () => true)).to.equal(null);
    await log.close();
    rmSync(directory, { recursive: true });
  });
});
