import { randomBytes } from 'node:crypto';
import { createLocalDisk } from '#blob/local-disk';
import { createLog } from '#blob/log';
import { createBlobStores } from '#blob/stores';
import type { ChunkIndex } from '#contracts/chunk-index';
import type { DiskOps } from '#contracts/disk-ops';
import type { Keyring } from '#contracts/keyring';
import type { Clock } from '#core/clock';
import { createContent } from '#engine/content-store';

export interface LocalContentOptions {
  directory: string;
  disk: DiskOps;
  clock: Clock;
  keyring: Keyring;
  chunks: ChunkIndex;
  packBytesMax?: number;
}

/** The engine over packs in one directory, as the gateway wires it. */
export async function openLocalContent({ directory, disk, clock, keyring, chunks, ...rest }: LocalContentOptions) {
  const blobs = await createLocalDisk({ directory, disk });
  const log = await createLog({ directory, disk, clock, random: randomBytes, ...rest });
  const stores = createBlobStores(new Map([[0, blobs]]));
  const content = createContent({ keyring, log, stores, chunks, random: randomBytes });
  return {
    content,
    log,
    stores,
    async close() {
      await content.close();
      await log.close();
      await blobs.close();
    },
  };
}
