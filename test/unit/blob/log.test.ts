import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLog } from '#blob/log';
import type { DiskOps } from '#contracts/disk-ops';
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
