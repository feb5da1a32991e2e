import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import type { Delta } from '#contracts/delta';
import { createKeyring } from '#engine/keyring';
import type { Metadata } from '#metadata/open';
import { faultyDisk } from './faulty-disk.ts';
import { openLocalContent } from './local-content.ts';
import type { Storage } from './rooms.ts';

/** The engine on a real disk, as the gateway wires it; `written` counts the bytes that go there. */
export async function onDisk(metadata: Metadata): Promise<Storage & { delta: Delta; written(): number }> {
  const directory = mkdtempSync(join(tmpdir(), 'cloudstore-namespace-'));
  const disk = faultyDisk(nodeDiskOps());
  const keyring = createKeyring({ masterKey: randomBytes(32), keys: metadata.keys, random: randomBytes });
  const storage = await openLocalContent({ directory, disk, clock: Date, keyring, chunks: metadata.chunks });
  const { content } = storage;
  return {
    content,
    delta: content.delta,
    keyring,
    written: () => disk.written,
    async close() {
      await storage.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
