import type { ChunkPlace } from '#contracts/content';
import { CloudStoreError } from '#core/errors';
import { createStaging, type Staging, writeDirect } from './direct-write.ts';
import { codeOf, diskError } from './disk-error.ts';
import { writeFully } from './durable-write.ts';
import { type Appended, layOut, type Run } from './lay-out.ts';
import { endPackFile, type PackFile } from './pack-file.ts';

export interface LaneOptions {
  /** The next pack, wherever it goes. @throws insufficient_storage, unavailable, and what the disk says: nowhere */
  begin(allocateBytes: number, direct: boolean): Promise<PackFile>;
  packBytesMax: number;
  recordsMax: number;
  /** A pack's file grows by this much at a time. */
  allocateBytes: number;
  /**
   * How much may be written before the lane asks for an fsync by itself, running beside further writes. For big bodies; without
   * it the lane writes, syncs and acknowledges in turn, which is what groups small records best.
   */
  writeBehindBytes: number | null;
  /**
   * Write past the page cache where the file system can: big bodies then cost no copy in the kernel and push nothing out of its cache, and an
   * fsync finds nothing left to write.
   */
  direct: boolean;
  /** See `createStaging`. */
  stagingBytes: number | undefined;
  /** A pack is open and can be read. */
  opened(pack: PackFile): void;
  /** The lane needs the pack's file no more. Its pack is sealed, or could not be and stays where it is, good up to its last sync. */
  ended(pack: PackFile): Promise<void>;
  /** Records of this pack behind `synced` are lost. */
  lost(pack: PackFile): void;
}

/** One open pack and the queue before it: one committer, whatever arrived while it was busy goes out together. */
export interface Lane {
  /** Bytes that wait. */
  readonly pending: number;
  /** The id of the open pack; null between two. */
  readonly pack: string | null;
  /** Bytes of the open pack. */
  readonly size: number;
  /** Resolves when written, or when `durable`, after the fsync that covers it. */
  append(record: Uint8Array[], durable: boolean, crc?: number, blocks?: Buffer): Promise<ChunkPlace>;
  /** Resolves when all that was appended before is durable. */
  sync(): Promise<void>;
  /** Ends the open pack, if it was begun before `beforeMs`; the next append begins another. */
  seal(beforeMs: number): Promise<void>;
  close(): Promise<void>;
}

interface Entry extends Appended {
  durable: boolean;
  resolve(place: ChunkPlace): void;
  reject(error: unknown): void;
}

interface Waiter {
  /** The fsync must cover this much of the pack. */
  end: number;
  settle(error: unknown): void;
}

const BATCH_BYTES_MAX = 8 << 20;
/** What a barrier resolves to; nobody looks. */
const NOWHERE: ChunkPlace = { store: 0, pack: '', offset: 0, length: 0 };

export function createLane(options: LaneOptions): Lane {
  const { packBytesMax, recordsMax, allocateBytes, writeBehindBytes } = options;
  let queue: Entry[] = [];
  let pending = 0;
  let pack: PackFile | null = null;
  let waiters: Waiter[] = [];
  let syncing: Promise<void> | null = null;
  let writing: Promise<void> | null = null;
  let running: Promise<void> | null = null;
  let closed = false;
  /** The pack that is to end, however full. */
  let ending: PackFile | null = null;
  const sealWaiters: (() => void)[] = [];
  let staging: Staging | null = null;
  let direct = options.direct;

  function enqueue(record: Uint8Array[], durable: boolean, crc?: number, blocks?: Buffer): Promise<ChunkPlace> {
    if (closed) return Promise.reject(new CloudStoreError('unavailable', 'The log is closed.'));
    const length = record.reduce((sum, part) => sum + part.length, 0);
    pending += length;
    return new Promise((resolve, reject) => {
      queue.push({ record, crc, blocks, length, durable, resolve, reject });
      running ??= run();
    });
  }

  async function run(): Promise<void> {
    // One turn of the loop later, so that what arrives in the same turn shares the first write.
    await Promise.resolve();
    while (queue.length > 0) {
      const batch = takeBatch();
      try {
        if (pack === null && batch.every(({ length }) => length === 0)) for (const barrier of batch) barrier.resolve(NOWHERE);
        else await write((pack ??= await open()), batch);
      } catch (error) {
        const failed = diskError(error, 'writing a pack');
        for (const { reject } of batch) reject(failed);
        const broken: PackFile | null = pack;
        if (broken !== null) await Promise.all([syncing, giveUp(broken, failed)]);
      }
      pending -= batch.reduce((sum, { length }) => sum + length, 0);
      if (pack !== null && isFull(pack)) await rotate(pack);
      for (const resolve of sealWaiters.splice(0)) resolve();
    }
    running = null;
  }

  function isFull(of: PackFile): boolean {
    return of.tail >= packBytesMax || of.index.count >= recordsMax || of === ending;
  }

  function takeBatch(): Entry[] {
    let bytes = 0;
    let count = 0;
    const room = recordsMax - (pack?.index.count ?? 0);
    while (count < queue.length && count < Math.max(1, room) && (count === 0 || bytes < BATCH_BYTES_MAX)) {
      bytes += queue[count++]!.length;
    }
    if (count === queue.length) {
      const all = queue;
      queue = [];
      return all;
    }
    return queue.splice(0, count);
  }

  async function open(): Promise<PackFile> {
    const created = await options.begin(allocateBytes, direct);
    options.opened(created);
    return created;
  }

  async function write(to: PackFile, batch: Entry[]): Promise<void> {
    if (to.direct !== null) staging ??= createStaging(options.stagingBytes);
    const { runs, offsets, end: tail } = layOut(batch, to.tail, to.direct !== null);
    if (runs.length > 0) {
      writing = writeRuns(to, runs, tail);
      await writing.finally(() => {
        writing = null;
      });
    }
    to.tail = tail;
    let last: Promise<void> | null = null;
    for (const [index, { record, length, durable, resolve, reject }] of batch.entries()) {
      const place = { store: to.packs.store, pack: to.id, offset: offsets[index]!, length };
      const at = place.offset + length;
      if (length > 0) to.index.add(place.offset, length, record);
      if (durable) last = covered(to, at, (error) => (error === null ? resolve(place) : reject(error)));
      else resolve(place);
    }
    if (writeBehindBytes === null) await last;
    else if (to.tail - to.synced > 2 * writeBehindBytes) await covered(to, to.tail, () => {});
    else if (to.tail - to.synced > writeBehindBytes) startSync(to);
  }

  async function writeRuns(to: PackFile, runs: Run[], tail: number): Promise<void> {
    if (tail > to.allocated) {
      const size = tail + allocateBytes;
      await to.file.allocate(size);
      to.allocated = size;
      // An fsync has failed meanwhile: the pack ends where it was good last.
      if (pack !== to) throw new CloudStoreError('unavailable', 'The disk failed while a pack was written.');
    }
    for (const run of runs) await writeRun(to, run);
  }

  async function writeRun(to: PackFile, { start, buffers, blocks }: Run): Promise<void> {
    if (to.direct === null || (staging === null && !blocks)) return writeFully(to.file, buffers, start);
    try {
      if (blocks || staging === null) await writeFully(to.direct, buffers, start);
      else await writeDirect(to.direct, staging, buffers, start);
    } catch (error) {
      if (codeOf(error) !== 'EINVAL') throw error;
      // A file system that opens files so, and can't write them so.
      direct = false;
      await closeDirect(to);
      await writeFully(to.file, buffers, start);
    }
  }

  async function closeDirect(of: PackFile): Promise<void> {
    const file = of.direct;
    of.direct = null;
    await file?.close().catch(() => {}); // nothing of it is left in memory: the fsync of the other descriptor tells
  }

  /** Settles when the disk has confirmed the pack up to `end`, or failed to; never rejects. */
  function covered(of: PackFile, end: number, settle: (error: unknown) => void): Promise<void> {
    if (end <= of.synced || pack !== of) {
      settle(end <= of.synced ? null : new CloudStoreError('unavailable', 'The disk failed while a pack was written.'));
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      waiters.push({
        end,
        settle(error) {
          settle(error);
          resolve();
        },
      });
      startSync(of);
    });
  }

  function startSync(of: PackFile): void {
    syncing ??= syncAll(of).finally(() => {
      syncing = null;
      // Of this pack, or of the one that was begun while a failed one was given up.
      if (pack !== null && waiters.length > 0) startSync(pack);
    });
  }

  async function syncAll(of: PackFile): Promise<void> {
    // A turn later: the rest of the batch's waiters come along.
    await Promise.resolve();
    const end = of.tail;
    try {
      await of.file.datasync();
    } catch (error) {
      // The kernel may have dropped the dirty pages and say yes next time: what this fsync was to cover is lost.
      await giveUp(of, diskError(error, 'syncing a pack'));
      return;
    }
    if (pack !== of) return;
    of.synced = end;
    const done = waiters.filter((waiter) => waiter.end <= end);
    waiters = waiters.filter((waiter) => waiter.end > end);
    for (const { settle } of done) settle(null);
  }

  /** No trust any more: what is not confirmed is lost, the pack ends at its last good sync, the next append begins a new one. */
  async function giveUp(of: PackFile, error: unknown): Promise<void> {
    if (pack !== of) return;
    pack = null;
    options.lost(of);
    const lost = waiters;
    waiters = [];
    for (const { settle } of lost) settle(error);
    // Not before the growth and the write under way have ended (they may land behind the pack's end), and the fsync (it needs the file).
    await writing?.catch(() => {});
    await end(of);
  }

  async function rotate(of: PackFile): Promise<void> {
    await covered(of, of.tail, () => {});
    if (syncing !== null) await syncing;
    if (pack !== of) return; // the sync failed, and gave it up
    pack = null;
    await end(of);
  }

  async function end(of: PackFile): Promise<void> {
    await closeDirect(of);
    try {
      await endPackFile(of);
    } catch {
      // It stays in open/, readable here up to its last good sync; the next start ends it.
    }
    await options.ended(of);
  }

  return {
    get pending() {
      return pending;
    },
    get pack() {
      return pack?.id ?? null;
    },
    get size() {
      return pack?.tail ?? 0;
    },
    append: enqueue,
    async sync() {
      if (pack === null && queue.length === 0 && running === null) return;
      if (running === null && pack !== null && pack.tail === pack.synced) return;
      await enqueue([], true);
    },
    async seal(beforeMs) {
      // One that is just ending is waited for.
      if (closed || (pack === null ? running === null : pack.begun >= beforeMs)) return;
      ending = pack;
      await new Promise<void>((resolve) => {
        sealWaiters.push(resolve);
        enqueue([], true).catch(() => {}); // who appended hears of it
      });
    },
    async close() {
      closed = true;
      // A pack that a failed fsync ended may still be on its way, though nobody waits for it.
      while (running !== null || syncing !== null) await (running ?? syncing);
      if (pack !== null) await rotate(pack);
    },
  };
}
