import type { BlobStores } from '#contracts/blob-stores';
import type { ChunkIndex } from '#contracts/chunk-index';
import type { Keyring } from '#contracts/keyring';
import type { Log } from '#contracts/log';
import type { Random } from '#core/clock';
import type { ContentRef } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import type { ByteRange } from '#core/range';
import type { Bytes } from '#core/stream';
import { type ReadDeps, readContent } from './content-read.ts';
import { createHashes, type Hasher } from './hashes.ts';
import { createPlainCache } from './plain-cache.ts';
import { createPlainPolicy } from './plain-policy.ts';
import { createReadBuffers } from './read-buffers.ts';
import { createRecordKeys } from './record-keys.ts';
import { FETCH_BYTES } from './record-reader.ts';

export interface ContentReader {
  /** As Content.read. */
  read(content: ContentRef, range?: ByteRange): Bytes;
  /** Of a whole plaintext, as versions keep it. */
  hasher(): Hasher;
}

const BUFFERS = 8;

/** The engine's way out alone, for commands that serve nobody: no arena, no workers, nothing that could write. */
export function createContentReader(deps: {
  keyring: Keyring;
  chunks: Pick<ChunkIndex, 'places' | 'leaves'>;
  read: Log['read'];
  /** As of createContent. */
  wasPlain?: () => Promise<boolean>;
  random: Random;
}): ContentReader {
  const hashes = createHashes();
  const no = (): never => {
    throw new CloudStoreError('internal', 'This reads only.');
  };
  const stores: BlobStores = {
    numbers: () => [],
    of: (store) => {
      throw new CloudStoreError('not_found', `Store ${store} is not at hand.`);
    },
  };
  const reading: ReadDeps = {
    keyring: deps.keyring,
    recordKeys: createRecordKeys(deps.random),
    hashes,
    plain: createPlainPolicy(deps.wasPlain ?? (async () => false), false),
    threads: null,
    chunks: { ...deps.chunks, claim: no, claimSizes: no, record: no, lease: no },
    log: {
      read: deps.read,
      append: no,
      appendUnsynced: no,
      sync: no,
      open: no,
      seal: no,
      forget: no,
      close: async () => undefined,
    },
    stores,
    cache: createPlainCache(0),
    buffers: createReadBuffers(FETCH_BYTES, BUFFERS),
  };
  return { read: (content, range) => readContent(reading, content, range), hasher: hashes.plain };
}
