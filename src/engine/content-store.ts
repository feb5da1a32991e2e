import { availableParallelism } from 'node:os';
import type { BlobStores } from '#contracts/blob-stores';
import type { ChunkIndex } from '#contracts/chunk-index';
import type { Content } from '#contracts/content';
import type { Delta } from '#contracts/delta';
import type { Keyring } from '#contracts/keyring';
import type { Log } from '#contracts/log';
import type { Rekeying } from '#contracts/rekeying';
import type { Repair } from '#contracts/repair';
import type { Random } from '#core/clock';
import { createArena, REGION_BYTES, SLOT_BYTES } from './arena.ts';
import { createClaim, withSharedLooks } from './claims.ts';
import { concatContents } from './content-concat.ts';
import { peekContent, type ReadDeps, readContent, readSmall, verifyContent } from './content-read.ts';
import { type WriteDeps, writeContent } from './content-write.ts';
import { createDelta } from './delta.ts';
import { createDigestMaker } from './digests.ts';
import { createGate } from './gate.ts';
import { createHashes } from './hashes.ts';
import { createPlainCache } from './plain-cache.ts';
import { createPlainPolicy } from './plain-policy.ts';
import { createReadBuffers } from './read-buffers.ts';
import { readOneChunk } from './read-one-chunk.ts';
import { CIPHER_AES_256_GCM, CIPHER_NONE } from './record-format.ts';
import { createRecordKeys } from './record-keys.ts';
import { FETCH_BYTES } from './record-reader.ts';
import { createRegions } from './regions.ts';
import { createRekeying } from './rekey.ts';
import { createSeal } from './sealer.ts';
import { createSlots } from './slots.ts';
import { createStoreChunk } from './stored-chunks.ts';
import { createThreads } from './threads.ts';

export interface ContentOptions {
  keyring: Keyring;
  log: Log;
  /** Where packs lie that this gateway's log does not have. */
  stores: BlobStores;
  chunks: ChunkIndex;
  random: Random;
  /** Asked when a read meets damage. */
  repair?: Repair;
  /** What all bodies on their way in and out, and the cache of small plaintext, may hold together. 96 MiB by default. */
  memoryBytesMax?: number;
  /** zstd where a sample says that it pays. On by default. */
  compression?: boolean;
  /** What is written from now on. On by default; what is stored is read either way. */
  encryption?: boolean;
  /** With encryption: whether it was once off, so that what is not encrypted may be believed. By default it never was. */
  wasPlain?: () => Promise<boolean>;
  /** Threads for MD5, SHA and AES of big bodies; 0: on the calling thread. All cores but one by default, at most 4. */
  threads?: number;
}

const MEMORY_BYTES = 96 << 20;
const THREADS_MAX = 4;
const SLOTS_MIN = 16;

/** The content store over one log. `close` after the last read and write. */
export function createContent(options: ContentOptions): Content & { delta: Delta; rekeying: Rekeying; close(): Promise<void> } {
  const { keyring, log, stores, chunks, random, memoryBytesMax = MEMORY_BYTES, compression = true, encryption = true } = options;
  const cipher = encryption ? CIPHER_AES_256_GCM : CIPHER_NONE;
  const repair = options.repair === undefined ? {} : { repair: options.repair };
  const { threads = Math.min(THREADS_MAX, Math.max(1, availableParallelism() - 1)) } = options;
  // In: a third for plaintext, an eighth and a little for ciphertext on its way to the disk. Out: a sixth. The cache: a third.
  const regionCount = Math.max(1, Math.floor(memoryBytesMax / 8 / REGION_BYTES));
  const arena = createArena(Math.max(SLOTS_MIN, Math.floor(memoryBytesMax / 3 / SLOT_BYTES)), 'wasm', regionCount);
  const slots = createSlots(arena);
  const hashes = createHashes();
  const pool = threads > 0 ? createThreads(arena, slots, threads) : null;
  const recordKeys = createRecordKeys(random);
  const plain = createPlainPolicy(options.wasPlain ?? (async () => false), !encryption);
  const gates = { small: createGate(Math.floor(memoryBytesMax / 32)), bulk: createGate(Math.floor(memoryBytesMax / 8)) };
  const writing: WriteDeps = {
    keyring,
    recordKeys,
    cipher,
    plain,
    arena,
    slots,
    hashes,
    digestMaker: createDigestMaker(hashes, arena, pool),
    claim: createClaim(chunks),
    storeChunk: createStoreChunk({
      seal: createSeal(recordKeys, { compression, cipher, threads: pool, regions: createRegions(arena) }),
      log,
      gates,
    }),
    chunks,
    log,
    ...repair,
  };
  const reading: ReadDeps = {
    keyring,
    recordKeys,
    plain,
    threads: pool,
    hashes,
    chunks: withSharedLooks(chunks),
    log,
    stores,
    ...repair,
    cache: createPlainCache(Math.floor(memoryBytesMax / 3)),
    buffers: createReadBuffers(FETCH_BYTES, Math.max(4, Math.floor(memoryBytesMax / 6 / FETCH_BYTES.whole))),
  };
  return {
    write: (body, write) => writeContent(writing, body, write),
    read: (content, range, signal) =>
      readSmall(reading, content, range) ??
      readOneChunk(reading, content, range, signal) ??
      readContent(reading, content, range, signal),
    peek: (content) => peekContent(reading, content),
    concat: (parts, domain) => concatContents(writing, parts, domain),
    verify: (content, signal) => verifyContent(reading, content, signal),
    delta: createDelta(writing),
    rekeying: createRekeying({ keyring, recordKeys, plain, cipher, log, stores }),
    async close() {
      await pool?.close();
    },
  };
}
