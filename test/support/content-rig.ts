import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLocalDisk } from '#blob/local-disk';
import { createLog } from '#blob/log';
import { createMemoryBlobs } from '#blob/memory';
import { createBlobStores } from '#blob/stores';
import type { BlobStore } from '#contracts/blob-store';
import type { ChunkIndex } from '#contracts/chunk-index';
import type { ChunkPlace, Content, Staged } from '#contracts/content';
import type { KeyStore } from '#contracts/keyring';
import type { Log } from '#contracts/log';
import { CloudStoreError } from '#core/errors';
import { type ContentOptions, createContent } from '#engine/content-store';
import { createKeyring } from '#engine/keyring';
import type { ContentRig } from '../conformance/content.ts';
import type { DeltaRig } from '../conformance/delta.ts';
import { faultyDisk } from './faulty-disk.ts';
import { memoryChunks } from './memory-chunks.ts';
import { memoryContent } from './memory-content.ts';

/** Where an engine's rows are. */
export interface EngineRows {
  chunks: ChunkIndex;
  keys: KeyStore;
  commit(staged: Staged): Promise<void>;
  close(): Promise<void>;
}

/** `written`: bytes that went to this machine's disk since it was opened. */
export interface EngineRig extends DeltaRig {
  written(): number;
}

/** Where its packs are. */
interface Packs {
  open(): Promise<{ log: Log; blobs: BlobStore; close(): Promise<void> }>;
  flip(place: ChunkPlace, offset: number): Promise<void>;
  holds(bytes: Buffer): Promise<boolean>;
  written(): number;
  /** Waited for before anything is written. */
  barrier: Promise<void> | null;
  clean(): void;
}

export function rowsInMemory(): EngineRows {
  const chunks = memoryChunks();
  return { chunks, keys: keysInMemory(), commit: async (staged) => chunks.commit(staged), close: async () => undefined };
}

export function keysInMemory(): KeyStore {
  const wrapped: Buffer[] = [];
  return {
    insert: async (bytes) => wrapped.push(bytes),
    find: async (id) => wrapped[id - 1] ?? null,
    list: async () => wrapped.map((_, index) => index + 1),
    async replace(id, before, after) {
      if (!wrapped[id - 1]?.equals(before)) return false;
      wrapped[id - 1] = after;
      return true;
    },
  };
}

/** The engine, with its packs on this machine's disk or in a blob store that only others have written to, as in a cluster. */
export async function openEngine(
  where: 'disk' | 'blobs',
  rows: EngineRows = rowsInMemory(),
  options: (Partial<ContentOptions> & { seen?(options: ContentOptions): void }) | (() => Partial<ContentOptions>) = {},
): Promise<EngineRig> {
  const packs = where === 'disk' ? packsOnDisk() : packsInBlobs();
  const masterKey = randomBytes(32);
  let leases = 0;
  const chunks: ChunkIndex = {
    ...rows.chunks,
    async lease() {
      const lease = await rows.chunks.lease();
      let held = true;
      leases++;
      return {
        end() {
          if (held) leases--;
          held = false;
          lease.end();
        },
      };
    },
  };

  async function start() {
    const { log, blobs, close } = await packs.open();
    const keyring = createKeyring({ masterKey, keys: rows.keys, random: randomBytes });
    const all: ContentOptions = {
      keyring,
      log,
      stores: createBlobStores(new Map([[0, blobs]])),
      chunks,
      random: randomBytes,
      threads: 2, // so that reading is handed over too, however many cores there are
      ...(typeof options === 'function' ? options() : options),
    };
    const content = createContent(all);
    if (typeof options !== 'function') options.seen?.(all);
    return { content, keyring, log, close };
  }

  let running = await start();
  const stop = async () => {
    await running.content.close();
    await running.close();
  };
  const domains = [await running.keyring.create(), await running.keyring.create()] as const;
  return {
    content: () => running.content,
    delta: () => running.content.delta,
    leases: () => leases,
    written: () => packs.written(),
    domains,
    async commit(staged) {
      await rows.commit(staged);
      staged.release();
    },
    stored: {
      async reopen() {
        await stop();
        running = await start();
      },
      places: (domain, ids) => rows.chunks.places(domain, ids),
      leaves: (domain, ids) => rows.chunks.leaves(domain, ids),
      flip: (place, offset) => packs.flip(place, offset),
      holds: (bytes) => packs.holds(bytes),
      leases: () => leases,
      stall() {
        let resume = (): void => undefined;
        packs.barrier = new Promise((resolve) => {
          resume = resolve;
        });
        return () => {
          packs.barrier = null;
          resume();
        };
      },
    },
    async close() {
      await stop();
      await rows.close();
      packs.clean();
    },
  };
}

function packsOnDisk(): Packs {
  const directory = mkdtempSync(join(tmpdir(), 'cloudstore-content-'));
  const packs: Packs = {
    written: () => 0,
    barrier: null,
    async open() {
      const disk = faultyDisk(nodeDiskOps());
      packs.written = () => disk.written;
      disk.fault = async (call) => {
        if (call === 'writev') await packs.barrier;
        return null;
      };
      const blobs = await createLocalDisk({ directory, disk });
      const log = await createLog({ directory, disk, clock: { now: () => Date.now() }, random: randomBytes });
      return {
        log,
        blobs,
        async close() {
          await log.close();
          await blobs.close();
        },
      };
    },
    async flip(place, offset) {
      const disk = nodeDiskOps();
      const sealed = join(directory, `${place.pack}.pack`);
      const path = (await disk.stat(sealed)) === null ? join(directory, 'open', `${place.pack}.pack`) : sealed;
      const file = await disk.open(path, 'r+');
      const byte = Buffer.alloc(1);
      file.readSync(byte, 0, 1, place.offset + offset);
      byte[0]! ^= 1 << (offset % 8);
      await file.writev([byte], place.offset + offset);
      await file.close();
    },
    async holds(bytes) {
      const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      return files.some(({ parentPath, name }) => readFileSync(join(parentPath, name)).includes(bytes));
    },
    clean: () => rmSync(directory, { recursive: true, force: true }),
  };
  return packs;
}

/** Every record is a pack of its own, which the log has handed on already: reads find it in the blob store only. */
function packsInBlobs(): Packs {
  const blobs = createMemoryBlobs();
  async function* whole(bytes: Buffer) {
    yield bytes;
  }
  const packs: Packs = {
    written: () => 0,
    barrier: null,
    async open() {
      const append: Log['append'] = async (record) => {
        await packs.barrier;
        const bytes = Buffer.concat(record);
        const pack = randomBytes(16).toString('hex');
        await blobs.put(`${pack}.pack`, whole(bytes), bytes.length);
        return { store: 0, pack, offset: 0, length: bytes.length };
      };
      const log: Log = {
        append,
        appendUnsynced: append,
        sync: async () => undefined,
        async read() {
          throw new CloudStoreError('not_found', 'It has no pack any more.');
        },
        open: () => [],
        seal: async () => undefined,
        forget: async () => undefined,
        close: async () => undefined,
      };
      return { log, blobs, close: async () => undefined };
    },
    async flip({ pack, length }, offset) {
      const name = `${pack}.pack`;
      const bytes = await blobs.read(name, 0, length);
      bytes[offset]! ^= 1 << (offset % 8);
      await blobs.remove(name);
      await blobs.put(name, whole(bytes), length);
    },
    async holds(bytes) {
      for await (const { name, size } of blobs.list('')) if ((await blobs.read(name, 0, size)).includes(bytes)) return true;
      return false;
    },
    clean: () => undefined,
  };
  return packs;
}

export function openMemoryContent(): ContentRig {
  const content: Content = memoryContent();
  return {
    content: () => content,
    domains: [1, 2],
    commit: async (staged) => staged.release(),
    stored: null,
    close: async () => undefined,
  };
}
