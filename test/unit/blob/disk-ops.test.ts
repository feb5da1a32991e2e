import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { nodeDiskOps } from '#blob/disk-ops';
import type { DiskFile } from '#contracts/disk-ops';
import { describeDiskOps } from '../../conformance/disk-ops.ts';
import { faultyDisk } from '../../support/faulty-disk.ts';
import { memoryDisk } from '../../support/memory-disk.ts';

async function inMemory() {
  const disk = memoryDisk();
  await disk.mkdir('/home', 0o700);
  return { disk, directory: '/home', clean() {} };
}

describeDiskOps('this machine', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cloudstore-disk-'));
  return { disk: nodeDiskOps(), directory, clean: () => rmSync(directory, { recursive: true, force: true }) };
});
describeDiskOps('memory', inMemory);
describeDiskOps('memory, with faults to come', async () => {
  const made = await inMemory();
  return { ...made, disk: faultyDisk(made.disk) };
});

describe('a disk in memory, when the power fails', () => {
  async function text(file: DiskFile): Promise<string> {
    const into = Buffer.alloc(await file.size());
    await file.read(into, 0, into.length, 0);
    return into.toString();
  }

  it('keeps bytes by the sync of the file, and names by that of the directory', async () => {
    const disk = memoryDisk();
    await disk.mkdir('/d', 0o700);
    const named = await disk.open('/d/named', 'w+');
    await named.writev([Buffer.from('safe')], 0);
    await named.sync();
    await disk.syncDirectory('/d');
    await named.writev([Buffer.from('SAFE and more')], 0);
    await (await disk.open('/d/nameless', 'w')).sync();
    await disk.rename('/d/named', '/d/renamed');
    disk.crash();
    expect(await disk.readdir('/d')).to.deep.equal(['named']);
    expect(await text(await disk.open('/d/named', 'r'))).to.equal('safe');
    const error = await named.writev([Buffer.from('x')], 0).catch((e: Error & { code: string }) => e.code);
    expect(error).to.equal('EIO');
  });

  it('keeps as much of a write as is said', async () => {
    const disk = memoryDisk();
    const file = await disk.open('/f', 'w+');
    await file.sync();
    await disk.syncDirectory('/');
    await file.writev([Buffer.from('0123456789')], 0);
    disk.crash((bytes) => bytes / 2);
    expect(await text(await disk.open('/f', 'r'))).to.equal('01234');
  });
});
