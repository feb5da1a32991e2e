import { expect } from 'chai';
import { createPackFiles } from '#blob/pack-files';
import type { BlobStore } from '#contracts/blob-store';
import type { ChunkPlace } from '#contracts/content';
import type { Log } from '#contracts/log';
import { CloudStoreError } from '#core/errors';

describe('files of packs', () => {
  const copying = (code: string): Promise<(ChunkPlace | null)[]> => {
    const log = {
      read: async () => {
        throw new CloudStoreError('not_found', 'It is not open.');
      },
      sync: async () => undefined,
    } as Partial<Log> as Log;
    const store = {
      read: async () => {
        throw new CloudStoreError('unavailable', 'The disk reports a fault.', { details: { code } });
      },
    } as Partial<BlobStore> as BlobStore;
    const files = createPackFiles({ log, stores: { of: () => store, numbers: () => [0] } });
    return files.copy([{ store: 0, pack: 'ab'.repeat(16), offset: 100, length: 50 }]);
  };

  it('leave a record where it is that the disk cannot read, and copy none of a disk that is away', async () => {
    expect(await copying('EIO')).to.deep.equal([null]);
    expect(await copying('EACCES').catch((error: Error) => error.message)).to.contain('fault');
  });
});
