import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLane } from '#blob/lane';
import { verdictOf } from '#blob/pack-contents';
import { createPackFile } from '#blob/pack-file';
import { diskFault, faultyDisk } from '../../support/faulty-disk.ts';
import { codeOf } from '../../support/rooms.ts';

describe('a pack whose disk fails', () => {
  it('ends where it was good last, whatever was on its way to it when its fsync failed', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cloudstore-lane-'));
    mkdirSync(join(directory, 'open'));
    const disk = faultyDisk(nodeDiskOps());
    const packs = { disk, clock: Date, random: randomBytes, directory, instance: '0'.repeat(32), store: 0, process: 0 };
    let over: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (over = resolve));
    const lane = createLane({
      begin: (bytes) => createPackFile(packs, bytes, false),
      packBytesMax: 1 << 20,
      recordsMax: 1000,
      allocateBytes: 4096,
      writeBehindBytes: 2000,
      direct: false,
      stagingBytes: undefined,
      opened: () => undefined,
      ended: async () => over(),
      lost: () => undefined,
    });
    const record = (size: number): Buffer[] => [randomBytes(size)];
    const { pack } = await lane.append(record(500), true);
    const held = new Map<string, () => void>();
    disk.fault = (call) =>
      held.has(call) || (call !== 'allocate' && call !== 'datasync')
        ? null
        : new Promise((resolve) => held.set(call, () => resolve(call === 'datasync' ? diskFault('EIO') : null)));
    await lane.append(record(2500), false);
    const grows = codeOf(lane.append(record(4000), true));
    while (held.size < 2) await sleep(1);
    held.get('datasync')?.();
    // Time to seal it, for whoever does not wait.
    await sleep(100);
    held.get('allocate')?.();
    await ended;
    expect(await grows).to.equal('unavailable');
    await lane.close();
    expect(readdirSync(directory).sort()).to.deep.equal([`${pack}.pack`, 'open']);
    const file = await disk.open(join(directory, `${pack}.pack`), 'r');
    expect(await verdictOf(file, pack)).to.deep.include({ indexGood: true });
    await file.close();
    rmSync(directory, { recursive: true });
  });
});
