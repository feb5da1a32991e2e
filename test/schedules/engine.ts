import type { BlobStore } from '#contracts/blob-store';
import type { ChunkIndex } from '#contracts/chunk-index';
import type { Content } from '#contracts/content';
import type { Log } from '#contracts/log';
import type { Random } from '#core/clock';
import type { DomainId } from '#core/content-ref';
import { createContent } from '#engine/content-store';
import { createKeyring } from '#engine/keyring';
import { keysInMemory } from '../support/content-rig.ts';

/** What the content store of a schedule lies on. */
export interface Under {
  /** What is open now. */
  opened(): { log: Log; blobs: BlobStore };
  chunks: ChunkIndex;
  random: Random;
}

/**
 * One content store for many schedules, because it is dear to make; each has a domain of its own, so that nothing it kept in memory for one is
 * met by the next.
 */
export interface Engine {
  content: Content;
  /** The domain of a new schedule. */
  begin(under: Under): Promise<DomainId>;
}

export function createEngine(): Engine {
  let under: Under | null = null;
  const now = (): Under => {
    if (under === null) throw new Error('no schedule has begun');
    return under;
  };
  const random: Random = (size) => now().random(size);
  const keyring = createKeyring({ masterKey: Buffer.alloc(32, 7), keys: keysInMemory(), random });
  const chunks: ChunkIndex = {
    lease: () => now().chunks.lease(),
    claim: (...args) => now().chunks.claim(...args),
    claimSizes: (...args) => now().chunks.claimSizes(...args),
    record: (...args) => now().chunks.record(...args),
    places: (...args) => now().chunks.places(...args),
    leaves: (...args) => now().chunks.leaves(...args),
  };
  const log: Log = {
    append: (record) => now().opened().log.append(record),
    appendUnsynced: (record) => now().opened().log.appendUnsynced(record),
    sync: (places) => now().opened().log.sync(places),
    read: (...args) =>
      now()
        .opened()
        .log.read(...args),
    open: () => now().opened().log.open(),
    seal: () => now().opened().log.seal(),
    forget: (pack) => now().opened().log.forget(pack),
    close: async () => undefined,
  };
  const stores = { of: () => now().opened().blobs, numbers: () => [0] };
  // Nothing of it works on other threads, so that a schedule is the same every time.
  const content = createContent({
    keyring,
    log,
    stores,
    chunks,
    random,
    compression: false,
    threads: 0,
    memoryBytesMax: 8 << 20,
  });
  return {
    content,
    begin(next) {
      under = next;
      return keyring.create();
    },
  };
}
