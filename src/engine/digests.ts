import { createHash, hash } from 'node:crypto';
import { crc32, crc32c } from '@node-rs/crc32';
import type { DigestName, Digests } from '#core/digest';
import { isXxHash } from '#core/xxhash';
import { type Arena, crcHalves, plainCrc64 } from './arena.ts';
import type { Hashes } from './hashes.ts';
import type { Threads, WorkerDigest } from './threads.ts';
import { createXxDigests, type XxDigests } from './xx-digests.ts';

/** The bytes [from, from + length) of a slot. */
export interface SlotPart {
  slot: number;
  from: number;
  length: number;
}

/** The checksums of one body, computed as its chunks go by. */
export interface BodyDigests {
  /** In the order of the body, before they are in a chunk. What other threads still read, they retain. */
  update(parts: SlotPart[]): void;
  /**
   * To be told of every chunk in the order of the body. Its id, where a thread makes it beside the hash of the whole: its slots must stay until then.
   * null: the caller makes it. @throws unavailable
   */
  chunkId(parts: SlotPart[]): Promise<Buffer> | null;
  /** Waits for the workers. 32 bytes of BLAKE3 and what was asked for. @throws unavailable when a worker died */
  digest(): Promise<{ contentHash: Buffer | null; digests: Digests }>;
  /** Lets the workers forget it. */
  abort(): void;
}

export interface DigestMaker {
  /** To be waited for before any of `names` is asked for; null, for nearly all: there is nothing to wait for. */
  ready(names: readonly DigestName[]): Promise<void> | null;
  /** Of a body that is at hand. On this thread: for so little no other is worth its messages. */
  ofBuffer(body: Buffer, names: readonly DigestName[]): { contentHash: Buffer; digests: Digests };
  /**
   * Of a big body. MD5, SHA and, where it is long, BLAKE3 run on threads, where the arena's slots are shared memory; the rest is too quick for that.
   * @param size in bytes; undefined: nobody knows yet
   * @param whole false: no BLAKE3
   */
  ofBody(names: readonly DigestName[], size: number | undefined, whole: boolean, chunkIdKey: Buffer): BodyDigests;
}

const HEAVY = ['md5', 'sha1', 'sha256', 'sha512'] as const satisfies DigestName[];
type Heavy = (typeof HEAVY)[number];
/** Of less, BLAKE3 takes this thread about as long as the messages would. */
const THREAD_BLAKE3_BYTES_MIN = 4 << 20;

export function createDigestMaker(hashes: Hashes, arena: Arena, threads: Threads | null): DigestMaker {
  let halves: ReturnType<typeof crcHalves> | null = null;
  const xx = createXxDigests();
  const isHeavy = (name: DigestName): name is Heavy => HEAVY.some((heavy) => heavy === name);
  return {
    ready: xx.ready,
    ofBuffer(body, names) {
      const digests: Digests = {};
      for (const name of names) {
        if (isHeavy(name)) digests[name] = hash(name, body, 'buffer');
        else if (isXxHash(name)) digests[name] = xx.ofBuffer(name, body);
        else if (name === 'crc64nvme') digests[name] = crc64Bytes(plainCrc64(0n, body, (halves ??= crcHalves())));
        else digests[name] = crc32Bytes(name === 'crc32' ? crc32(body) : crc32c(body));
      }
      return { contentHash: hashes.plainOf(body), digests };
    },
    ofBody(names, size = Infinity, whole, chunkIdKey) {
      const threaded = threads !== null && size >= THREAD_BLAKE3_BYTES_MIN;
      // A thread that has an MD5 to make has more to do than this one.
      const key = names.some(isHeavy) ? undefined : chunkIdKey;
      const content = !whole ? null : threaded ? threads.begin('blake3', key) : localContent(hashes, arena);
      const byChunk = threaded && key !== undefined;
      const heavy = names.filter(isHeavy).map((name) => (threads === null ? localHash(name, arena) : threads.begin(name)));
      const light = names.filter((name) => !isHeavy(name)).map((name) => lightDigest(name, arena, xx));
      return {
        update(parts) {
          for (const one of heavy) one.update(parts);
          if (!byChunk) content?.update(parts);
          for (const one of light) one.update(parts);
        },
        chunkId(parts) {
          if (!byChunk || content === null) return null;
          const id = content.chunkId(parts);
          if (id === null) content.update(parts);
          return id;
        },
        async digest() {
          const digests: Digests = {};
          for (const one of light) digests[one.name] = one.digest();
          const ends = heavy.map(async (one) => (digests[one.name] = await one.digest()));
          const [contentHash] = await Promise.all([content?.digest() ?? null, ...ends]);
          return { contentHash, digests };
        },
        abort() {
          for (const one of [...heavy, content]) one?.abort();
        },
      };
    },
  };
}

function lightDigest(
  name: DigestName,
  arena: Arena,
  xx: XxDigests,
): { name: DigestName; update(parts: SlotPart[]): void; digest(): Buffer } {
  if (isXxHash(name)) {
    const state = xx.begin(name);
    return {
      name,
      update(parts) {
        for (const part of parts) state.update(viewOf(arena, part));
      },
      digest: () => state.digest(),
    };
  }
  if (name === 'crc64nvme') {
    let crc = 0n;
    return {
      name,
      update(parts) {
        for (const { slot, from, length } of parts) crc = arena.crc64(crc, slot, from, from + length);
      },
      digest: () => crc64Bytes(crc),
    };
  }
  const step = name === 'crc32' ? crc32 : crc32c;
  let crc = 0;
  return {
    name,
    update(parts) {
      for (const part of parts) crc = step(viewOf(arena, part), crc);
    },
    digest: () => crc32Bytes(crc),
  };
}

function localContent(hashes: Hashes, arena: Arena): Omit<WorkerDigest, 'name'> {
  const state = hashes.plain();
  return {
    chunkId: () => null,
    update(parts) {
      for (const part of parts) state.update(viewOf(arena, part));
    },
    digest: async () => state.digest(),
    abort() {},
  };
}

/** Without workers: the same on this thread. */
function localHash(name: Heavy, arena: Arena): WorkerDigest<Heavy> {
  const state = createHash(name);
  return {
    name,
    chunkId: () => null,
    update(parts) {
      for (const part of parts) state.update(viewOf(arena, part));
    },
    digest: async () => state.digest(),
    abort() {},
  };
}

export function viewOf(arena: Arena, { slot, from, length }: SlotPart): Buffer {
  return arena.view(slot, from, from + length);
}

function crc32Bytes(crc: number): Buffer {
  const out = Buffer.allocUnsafe(4);
  out.writeUInt32BE(crc >>> 0);
  return out;
}

function crc64Bytes(crc: bigint): Buffer {
  const out = Buffer.allocUnsafe(8);
  out.writeBigUInt64BE(crc);
  return out;
}
