import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { createLocalDisk } from '#blob/local-disk';
import { createLog } from '#blob/log';
import type { BlobStore } from '#contracts/blob-store';
import type { DiskFile } from '#contracts/disk-ops';
import type { Log } from '#contracts/log';
import { isCloudStoreError } from '#core/errors';
import { memoryDisk } from '../../support/memory-disk.ts';

const BYTES = 100_000;
const [DIRECTORY, NAME] = ['/disk', `${'ab'.repeat(16)}.pack`];

/** What is lost is what counts as damage: EIO. A disk that is gone has lost nothing. */
describe('a disk that reports faults', () => {
  let memory: ReturnType<typeof memoryDisk>;
  let reads: (path: string) => string | null;
  let writes: string | null;
  let blobs: BlobStore;
  let log: Log;

  const failing = (code: string | null): void => {
    if (code !== null) throw Object.assign(new Error(code), { code });
  };
  const disk = (): ReturnType<typeof memoryDisk> => ({
    ...memory,
    async open(path, flags, mode) {
      if (flags !== 'r') failing(writes);
      const file: DiskFile = await memory.open(path, flags, mode);
      const read: DiskFile['read'] = async (...args) => {
        failing(reads(path));
        return file.read(...args);
      };
      return { ...file, read };
    },
  });
  beforeEach(async () => {
    memory = memoryDisk();
    reads = () => null;
    writes = null;
    blobs = await createLocalDisk({ directory: DIRECTORY, disk: disk() });
    log = await createLog({ directory: DIRECTORY, disk: disk(), clock: Date, random: randomBytes });
    for (const name of [NAME, `${'cd'.repeat(16)}.pack`, `${'ef'.repeat(16)}.pack`]) {
      const body = async function* () {
        yield Buffer.alloc(BYTES, 7);
      };
      await blobs.put(name, body(), BYTES);
    }
  });
  const codeOf = (read: Promise<Buffer>): Promise<unknown> =>
    read.then(
      (bytes) => (bytes.equals(Buffer.alloc(bytes.length, 7)) ? 'read' : 'other bytes'),
      (error: unknown) => (isCloudStoreError(error, 'unavailable') ? error.details.code : error),
    );
  /** As the store reads, and as the log does. */
  const both = async (): Promise<unknown[]> => {
    const place = { store: 0, pack: NAME.slice(0, 32), offset: 1000, length: 500 };
    return [await codeOf(blobs.read(NAME, 1000, 500)), await codeOf(log.read(place, 0, 500))];
  };

  it('and is back is read anew, though files of before are dead', async () => {
    expect(await both()).to.deep.equal(['read', 'read']);
    memory.crash();
    expect(await both()).to.deep.equal(['read', 'read']);
  });

  it('in one place has lost that, whether it is still written to or not', async () => {
    reads = (path) => (path.endsWith(NAME) ? 'EIO' : null);
    expect(await both()).to.deep.equal(['EIO', 'EIO']);
    writes = 'EROFS';
    expect(await both()).to.deep.equal(['EIO', 'EIO']);
  });

  for (const code of ['EIO', 'EROFS'])
    it(`everywhere is gone (what writes to it hears ${code}), and what lies on it is there when it is back`, async () => {
      expect(await both()).to.deep.equal(['read', 'read']);
      reads = () => 'EIO';
      writes = code;
      expect(await both()).to.deep.equal(['ENODEV', 'ENODEV']);
      reads = () => null;
      writes = null;
      expect(await both()).to.deep.equal(['read', 'read']);
    });
});
