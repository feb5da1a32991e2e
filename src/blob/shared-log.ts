import type { BlobStore } from '#contracts/blob-store';
import type { ChunkPlace } from '#contracts/content';
import type { Log } from '#contracts/log';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { bytesOf } from '#core/stream';
import { createMemoryPack, type MemoryPack } from './memory-pack.ts';

export interface SharedLogOptions {
  /** Where every gateway of the database looks. */
  blobs: BlobStore;
  /** Its number. */
  store: number;
  clock: Clock;
  random: Random;
  /** 32 hex digits, written into every pack. */
  instance: string;
  /** A pack of big bodies; with those on their way it is what bodies hold here at most. */
  bulkPackBytes?: number;
  /** How long a record waits for others while a pack is on its way. */
  gatherMs?: number;
}

const BULK_PACK_BYTES = 8 << 20;
const BULK_PUTS_AT_ONCE = 3;
const SMALL_PACK_BYTES_MAX = 8 << 20;
const SMALL_PUTS_AT_ONCE = 4;
const SMALL_BYTES_AT_ONCE = 1 << 20;
const GATHER_MS = 10;
/** Who syncs a pack that was lost so many packs ago is long gone. */
const LOST_MAX = 10_000;

interface Waiting {
  record: Uint8Array[];
  length: number;
  sinceMs: number;
  resolve(place: ChunkPlace): void;
  reject(error: unknown): void;
}

/** A pack of big bodies: what is known of its put. */
interface Bulk {
  pack: MemoryPack;
  /** Resolves when it is durable, or was lost; never rejects. */
  done: Promise<void>;
  lost: unknown;
  finish(): void;
}

/**
 * The log of a gateway that is one of several: nothing is acknowledged that the others cannot read, so packs are made in memory and put to the
 * shared store before an append resolves. Small records are grouped: the first goes at once, what comes while it is on its way goes
 * together in the next. Records of big bodies fill packs that are put side by side, and `sync` waits for those.
 */
export function createSharedLog(options: SharedLogOptions): Log {
  const { blobs, store, clock, random, instance, bulkPackBytes = BULK_PACK_BYTES, gatherMs = GATHER_MS } = options;
  let queue: Waiting[] = [];
  let queued = 0;
  let smallPuts = 0;
  let timer: NodeJS.Timeout | null = null;
  let current: Bulk | null = null;
  const onTheirWay = new Map<string, Bulk>();
  /** Packs that never arrived; whoever syncs one of their places hears of it. */
  const lost = new Map<string, unknown>();
  let lostSinceSync: unknown = null;
  const smallRunning = new Set<Promise<void>>();
  let closed = false;

  const newPack = (): MemoryPack => createMemoryPack({ instance, store, created: clock.now(), random });

  function pump(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    while (queue.length > 0 && smallPuts < SMALL_PUTS_AT_ONCE) {
      // What may travel alone goes at once; with another under way it is worth a moment to wait for company.
      const waitMs = smallPuts === 0 || queued >= SMALL_BYTES_AT_ONCE || closed ? 0 : queue[0]!.sinceMs + gatherMs - clock.now();
      if (waitMs > 0) {
        timer = setTimeout(pump, Math.min(waitMs, gatherMs));
        return;
      }
      const running = putSmall(takeBatch());
      smallRunning.add(running);
      void running.then(() => smallRunning.delete(running));
    }
  }

  function takeBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < queue.length && (count === 0 || bytes + queue[count]!.length <= SMALL_PACK_BYTES_MAX))
      bytes += queue[count++]!.length;
    queued -= bytes;
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    return batch;
  }

  /** Never rejects. */
  async function putSmall(batch: Waiting[]): Promise<void> {
    smallPuts++;
    try {
      const pack = newPack();
      const places = batch.map(({ record }) => pack.add(record));
      await put(pack);
      for (const [index, { resolve }] of batch.entries()) resolve(places[index]!);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      smallPuts--;
      pump();
    }
  }

  async function put(pack: MemoryPack): Promise<void> {
    const buffers = pack.seal(clock.now());
    await blobs.put(
      `${pack.id}.pack`,
      bytesOf(...buffers),
      buffers.reduce((sum, { length }) => sum + length, 0),
    );
  }

  function begin(): Bulk {
    let finish = (): void => undefined;
    const done = new Promise<void>((resolve) => {
      finish = resolve;
    });
    return { pack: newPack(), done, lost: null, finish };
  }

  /** Sends the pack that is being filled, if there is one. */
  function send(): void {
    const bulk = current;
    if (bulk === null) return;
    current = null;
    onTheirWay.set(bulk.pack.id, bulk);
    void put(bulk.pack)
      .catch((error: unknown) => {
        bulk.lost = error;
        lost.set(bulk.pack.id, error);
        if (lost.size > LOST_MAX) lost.delete(lost.keys().next().value ?? '');
        lostSinceSync = error;
      })
      .finally(() => {
        onTheirWay.delete(bulk.pack.id);
        bulk.finish();
      });
  }

  function refuseWhenClosed(): void {
    if (closed) throw new CloudStoreError('unavailable', 'The log is closed.');
  }

  return {
    async append(record) {
      refuseWhenClosed();
      const length = record.reduce((sum, part) => sum + part.length, 0);
      return new Promise((resolve, reject) => {
        queue.push({ record, length, sinceMs: clock.now(), resolve, reject });
        queued += length;
        // A turn later, so that what arrives in the same turn shares the first pack.
        if (queue.length === 1) setImmediate(pump);
        else if (queued >= SMALL_BYTES_AT_ONCE) pump();
      });
    },
    async appendUnsynced(record) {
      refuseWhenClosed();
      while (current === null && onTheirWay.size >= BULK_PUTS_AT_ONCE)
        await Promise.race([...onTheirWay.values()].map(({ done }) => done));
      refuseWhenClosed();
      current ??= begin();
      const place = current.pack.add(record);
      if (current.pack.bytes >= bulkPackBytes) send();
      return place;
    },
    async sync(places) {
      const wanted = places && new Set(places.map(({ pack }) => pack));
      if (current !== null && (wanted?.has(current.pack.id) ?? true)) send();
      await Promise.all([...onTheirWay.values()].filter(({ pack }) => wanted?.has(pack.id) ?? true).map(({ done }) => done));
      const error =
        wanted === undefined ? lostSinceSync : [...wanted].map((pack) => lost.get(pack)).find((one) => one !== undefined);
      if (wanted === undefined) lostSinceSync = null;
      if (error) throw error;
    },
    async read(place, offset, length, into) {
      if (offset + length > place.length) throw new CloudStoreError('corrupt', 'A read goes past the end of its record.');
      const bulk = current?.pack.id === place.pack ? current : onTheirWay.get(place.pack);
      if (bulk === undefined) throw new CloudStoreError('not_found', `The pack ${place.pack} is not in the making here.`);
      const out = into?.subarray(0, length) ?? Buffer.allocUnsafe(length);
      bulk.pack.read(place.offset + offset, out);
      return out;
    },
    open: () => (current === null ? [] : [{ pack: current.pack.id, size: current.pack.bytes }]),
    async seal() {
      send();
      await Promise.all([...onTheirWay.values()].map(({ done }) => done));
    },
    async forget() {},
    async close() {
      closed = true;
      pump();
      send();
      while (smallRunning.size > 0 || onTheirWay.size > 0)
        await Promise.all([...smallRunning, ...[...onTheirWay.values()].map(({ done }) => done)]);
    },
  };
}
