import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLocalDisk } from '#blob/local-disk';
import { createMemoryBlobs } from '#blob/memory';
import { describeBlobStore } from '../../conformance/blob-store.ts';

describeBlobStore('memory', async () => ({ store: createMemoryBlobs(), clean() {} }));

describeBlobStore('local disk', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cloudstore-blobs-'));
  const store = await createLocalDisk({ directory, disk: nodeDiskOps() });
  return { store, clean: () => rmSync(directory, { recursive: true, force: true }) };
});
