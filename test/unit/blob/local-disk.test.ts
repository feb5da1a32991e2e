import { expect } from 'chai';
import { createLocalDisk } from '#blob/local-disk';
import { memoryDisk } from '../../support/memory-disk.ts';

describe('blobs on a local disk', () => {
  it('make nothing where the directory of a disk that comes and goes is missing', async () => {
    const disk = memoryDisk();
    const refused = await createLocalDisk({ directory: '/mnt/disk', disk, make: false }).catch((error: unknown) => error);
    expect(refused).to.include({ code: 'unavailable' });
    expect(await disk.stat('/mnt')).to.equal(null);
    await disk.mkdir('/mnt/disk', 0o700);
    await (await createLocalDisk({ directory: '/mnt/disk', disk, make: false })).close();
    expect(await disk.readdir('/mnt/disk')).to.deep.equal(['tmp']);
  });
});
