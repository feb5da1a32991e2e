import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createStaging } from '#blob/direct-write';
import { nodeDiskOps } from '#blob/disk-ops';
import type { DiskFile, DiskOps } from '#contracts/disk-ops';
import { describeDiskOps } from '../../conformance/disk-ops.ts';
import { faultyDisk } from '../../support/faulty-disk.ts';
import { memoryDisk } from '../../support/memory-disk.ts';
import { SEED } from '../../support/random.ts';
import { type SimulatedDisk, type SimulatedDiskOptions, simulatedDisk } from '../../support/simulated-disk.ts';

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

for (const direct of ['works', 'refused', 'refused late'] as const) {
  describeDiskOps(`simulated, direct writes: ${direct}`, async () => {
    const disk = simulatedDisk({ seed: SEED, direct }).boot();
    await disk.mkdir('/home', 0o700);
    return { disk, directory: '/home', clean() {} };
  });
}

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

describe(`a simulated disk (seed ${SEED})`, () => {
  const [OLD, NEW] = [Buffer.alloc(2048, 'o'), Buffer.alloc(2048, 'n')];

  /** What is left of a file or a name after each of many power cuts, each outcome once. */
  async function outcomes(
    work: (disk: DiskOps, simulated: SimulatedDisk) => Promise<unknown>,
    look: (disk: DiskOps) => Promise<string>,
    options: Partial<SimulatedDiskOptions> = {},
  ): Promise<string[]> {
    const seen = new Set<string>();
    for (let n = 0; n < 150; n++) {
      const simulated = simulatedDisk({ seed: SEED + n, ...options });
      await work(simulated.boot(), simulated);
      simulated.cutPower();
      seen.add(await look(simulated.boot()));
    }
    return [...seen].sort();
  }
  /** One letter for each sector. */
  async function sectors(disk: DiskOps): Promise<string> {
    const file = await disk.open('/f', 'r');
    const into = Buffer.alloc(await file.size());
    await file.read(into, 0, into.length, 0);
    return Array.from({ length: into.length / 512 }, (_, n) => {
      const sector = into.subarray(n * 512, (n + 1) * 512);
      expect(
        sector.every((byte) => byte === sector[0]),
        'a sector is whole',
      ).to.equal(true);
      return String.fromCharCode(sector[0]!);
    }).join('');
  }
  async function synced(disk: DiskOps): Promise<DiskFile> {
    const file = await disk.open('/f', 'w+');
    await file.writev([OLD], 0);
    await file.datasync();
    await disk.syncDirectory('/');
    return file;
  }
  const names = async (disk: DiskOps): Promise<string> => (await disk.readdir('/')).sort().join(' ');

  it('keeps what was synced, and of the rest each sector or not', async () => {
    expect(await outcomes(synced, sectors)).to.deep.equal(['oooo']);
    const torn = await outcomes(async (disk) => (await synced(disk)).writev([NEW], 0), sectors);
    expect(torn).to.include.members(['oooo', 'nnnn']).and.have.lengthOf.greaterThan(5);
    const both = await outcomes(async (disk) => {
      const file = await synced(disk);
      await file.writev([NEW.subarray(512)], 0);
      await file.sync();
    }, sectors);
    expect(both).to.deep.equal(['nnno']);
  });

  it('covers by an fsync what was written before it began, and no more', async () => {
    const work = async (disk: DiskOps): Promise<void> => {
      const file = await synced(disk);
      await Promise.all([file.datasync(), file.writev([NEW], 0)]);
    };
    expect(await outcomes(work, sectors)).to.include('oooo');
  });

  it('loses what a failed fsync was to cover, whatever the next one says', async () => {
    const seen = await outcomes(async (disk, simulated) => {
      const file = await synced(disk);
      await file.writev([NEW], 0);
      let failed = false;
      simulated.fault = (call) => (call === 'datasync' && !failed && (failed = true) ? { code: 'EIO' } : null);
      await file.datasync().catch(() => undefined);
      await file.datasync();
    }, sectors);
    expect(seen).to.include.members(['oooo', 'nnnn']);
  });

  it('keeps past the page cache no more than in it', async () => {
    const staging = createStaging(64 << 10)!;
    const seen = await outcomes(async (disk) => {
      await synced(disk);
      await (await disk.openDirect('/f'))!.writev([staging[0].subarray(0, 4096).fill('n')], 0);
    }, sectors);
    expect(seen).to.include.members(['oooo', 'nnnnnnnn']);
  });

  it('keeps lengths by the fsync', async () => {
    const cut = await outcomes(async (disk) => (await synced(disk)).truncate(512), sectors);
    expect(cut).to.include.members(['o', 'oooo']);
    const grown = await outcomes(async (disk) => (await synced(disk)).allocate(4096), sectors);
    expect(grown).to.deep.equal(['oooo', 'oooo\0\0\0\0']);
  });

  it('keeps names by the fsync of their directory', async () => {
    const create = async (disk: DiskOps) => (await disk.open('/f', 'w')).sync();
    expect(await outcomes(create, names)).to.deep.equal(['', 'f']);
    expect(
      await outcomes(async (disk) => {
        await create(disk);
        await disk.syncDirectory('/');
      }, names),
    ).to.deep.equal(['f']);
    expect(
      await outcomes(async (disk) => {
        await synced(disk);
        await disk.unlink('/f');
      }, names),
    ).to.deep.equal(['', 'f']);
    const below = async (disk: DiskOps): Promise<void> => {
      await disk.mkdir('/d', 0o700);
      await disk.open('/d/f', 'w');
      await disk.syncDirectory('/d');
    };
    expect(await outcomes(below, async (disk) => ((await disk.stat('/d/f')) ? 'there' : 'gone'))).to.deep.equal([
      'gone',
      'there',
    ]);
  });

  it('renames as a whole where a journal does, else never loses both names', async () => {
    const work = async (disk: DiskOps): Promise<void> => {
      await disk.mkdir('/d', 0o700);
      await synced(disk);
      await disk.rename('/f', '/d/f');
    };
    const look = async (disk: DiskOps) => `${(await disk.stat('/f')) ? 'old' : ''}${(await disk.stat('/d/f')) ? 'new' : ''}`;
    expect(await outcomes(work, look, { atomicRenames: true })).to.deep.equal(['new', 'old']);
    expect(await outcomes(work, look, { atomicRenames: false })).to.deep.equal(['new', 'old', 'oldnew']);
  });

  it('lets a process that died do nothing any more', async () => {
    const simulated = simulatedDisk({ seed: SEED });
    const before = simulated.boot();
    const file = await synced(before);
    simulated.kill();
    for (const call of [() => file.writev([NEW], 0), () => before.unlink('/f'), () => before.open('/g', 'w')]) {
      expect(await call().catch((error: Error & { code: string }) => error.code)).to.equal('EIO');
    }
    expect(await sectors(simulated.boot())).to.equal('oooo');
  });
});
