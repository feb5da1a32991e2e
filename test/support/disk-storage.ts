import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLocalDisk } from '#blob/local-disk';
import { createLog } from '#blob/log';
import { createBlobStores } from '#blob/stores';
import type { Delta } from '#contracts/delta';
import { createContent } from '#engine/content-store';
import { createKeyring } from '#engine/keyring';
import type { Metadata } from '#metadata/open';
import { faultyDisk } from './faulty-disk.ts';
import type { Storage } from './rooms.ts';

/** The engine on a real disk, as the gateway wires it; `written` counts the bytes that go there. */
export async function onDisk(metadata: Metadata): Promise<Storage & { delta: Delta; written(): number }> {
  const directory = mkdtempSync(join(tmpdir(), 'cloudstore-namespace-'));
  const disk = faultyDisk(nodeDiskOps());
  const keyring = createKeyring({ masterKey: randomBytes(32), keys: metadata.keys, random: randomBytes });
  const blobs = await createLocalDisk({ directory, disk });
  const log = await createLog({ directory, disk, clock: Date, random: randomBytes });
  const content = createContent({
    keyring,
    log,
    stores: createBlobStores(new Map([[0, blobs]])),
    chunks: metadata.chunks,
    random: randomBytes,
  });
  return {
    content,
    delta: content.delta,
    keyring,
    written: () => disk.written,
    async close() {
      await content.close();
      await log.close();
      await blobs.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
