import { join } from 'node:path';
import type { BlobStat, BlobStore } from '#contracts/blob-store';
import type { DiskOps } from '#contracts/disk-ops';
import type { Log } from '#contracts/log';
import type { Logger } from '#contracts/observability';
import type { Clock } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { diskError } from './disk-error.ts';
import { createLocalDisk } from './local-disk.ts';
import { OPEN_DIRECTORY } from './pack-file.ts';
import { createPackInspector } from './pack-inspector.ts';

export interface WriteBackOptions {
  /** Writes into `directory`, under the number of `remote`. */
  log: Log;
  directory: string;
  disk: DiskOps;
  remote: BlobStore;
  /** Of packs on the local disk: those that wait and those that are kept to be read. */
  bytesMax: number;
  /** An open pack ends after so long, so that it is not for ever on this disk only. */
  packAgeMs?: number;
  clock: Clock;
  logger: Logger;
  /** Remove what a crash left half written; not where another process may be writing it. */
  tidy?: boolean;
}

export interface WriteBackState {
  /** On this disk only. */
  waitingPacks: number;
  waitingBytes: number;
  /** Here too, to be read. */
  cachedPacks: number;
  cachedBytes: number;
  /** What the remote store said last, when it was no. */
  failure: string | null;
}

/** Packs that are acknowledged when they lie on the local disk, and go to the remote store afterwards. */
export interface WriteBack {
  log: Log;
  /** All packs of the remote store's number, wherever they are now. */
  store: BlobStore;
  /**
   * Sends what is sealed, oldest first, what could not be sent before last; with `all`, what is open too. Resolves when nothing waits.
   * @throws unavailable, insufficient_storage of the remote; what was sent stays sent
   */
  flush(options: { all: boolean; signal: AbortSignal }): Promise<void>;
  /** Ends open packs that are old enough, and sees what other processes have sealed and sent. */
  look(): Promise<void>;
  state(): WriteBackState;
  /** So many bytes of packs that are here to be read only, the least used first, or all of them. Gives how many it were. */
  giveBack(bytes: number): Promise<number>;
  /** Resolves when something was written or sealed, or the time is up. */
  news(withinMs: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

const CACHE = 'cache';
const PIECE_BYTES = 1 << 20;
const PACK_AGE_MS = 30_000;
const PACK = /^([0-9a-f]{32})\.pack$/;
/** How long an append waits for room while packs are leaving. */
const ROOM_MS = 30_000;

export async function createWriteBack(options: WriteBackOptions): Promise<WriteBack> {
  const { log, directory, disk, remote, bytesMax, clock, logger, tidy = true, packAgeMs = PACK_AGE_MS } = options;
  /** Sealed, not yet with the remote: a name here waits, and leaves by a rename into the cache. */
  const spool = await createLocalDisk({ directory, disk, tidy });
  const cache = await createLocalDisk({ directory: join(directory, CACHE), disk, tidy });
  const waiting = new Map<string, number>();
  const cached = new Map<string, { size: number; usedMs: number }>();
  /** Bytes in packs of ours that are not sealed yet. */
  const open = new Map<string, number>();
  const sending = new Map<string, Promise<void>>();
  /** Of `waiting` and `open`. */
  let waitingSum = 0;
  let failure: string | null = null;
  /** Packs that could not be sent, with how often: the others go first. */
  const refused = new Map<string, number>();
  let wake: (() => void)[] = [];
  let latestMs = clock.now();
  await look();
  for await (const { name, size } of cache.list('')) cached.set(name, { size, usedMs: 0 });

  function tell(): void {
    for (const one of wake.splice(0)) one();
  }

  /** What lies in the directory: other processes of this gateway seal packs there too. */
  async function look(): Promise<void> {
    try {
      const stillOpen = new Set(await disk.readdir(join(directory, OPEN_DIRECTORY)));
      const found = new Map<string, number>();
      for await (const { name, size } of spool.list('')) if (PACK.test(name)) found.set(name, size);
      waiting.clear();
      for (const [name, size] of found) waiting.set(name, size);
      for (const name of open.keys()) if (!stillOpen.has(name)) open.delete(name);
      for (const name of refused.keys()) if (!found.has(name)) refused.delete(name);
    } catch (error) {
      throw diskError(error, `looking into ${directory}`);
    }
    waitingSum = [...waiting.values(), ...open.values()].reduce((total, size) => total + size, 0);
  }

  const cachedBytes = (): number => [...cached.values()].reduce((total, { size }) => total + size, 0);

  async function news(withinMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, withinMs);
      function done(): void {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        wake = wake.filter((one) => one !== done);
        resolve();
      }
      wake.push(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** Open packs that were begun before end now. All of them, where the clock was set back: nobody knows how old they are. */
  function dueMs(): number {
    const now = clock.now();
    const back = now < latestMs;
    latestMs = now;
    return back ? Number.POSITIVE_INFINITY : now - packAgeMs;
  }

  /** Waits while packs are leaving; where they cannot leave, it is an error. */
  async function room(): Promise<void> {
    if (waitingSum < bytesMax) return;
    const since = clock.now();
    while (waitingSum >= bytesMax) {
      const left = ROOM_MS - Math.abs(clock.now() - since);
      if (failure !== null || left <= 0)
        throw new CloudStoreError(
          'unavailable',
          `${waitingSum} bytes wait on the local disk for the chunk store, which is all that may (chunks-local-bytes); ${failure ?? 'they leave too slowly.'}`,
        );
      await log.seal(Infinity);
      await look();
      await news(Math.min(left, 500));
    }
  }

  function count(pack: string, length: number): void {
    const name = `${pack}.pack`;
    open.set(name, (open.get(name) ?? 0) + length);
    waitingSum += length;
  }

  async function send(name: string): Promise<void> {
    const found = await spool.stat(name);
    if (found === null) return void waiting.delete(name); // removed meanwhile, or sent by another process
    await putAnew(name, found.size);
    const there = await remote.stat(name);
    if (there?.size !== found.size)
      throw new CloudStoreError('unavailable', `The chunk store does not have ${name} as it was sent.`);
    await keep(name, found.size);
  }

  /** What the remote has under our name, and is not ours, is what is left of a put that broke off there: the good one is here. */
  async function putAnew(name: string, size: number): Promise<void> {
    try {
      await remote.put(name, bytesIn(name, size), size);
    } catch (error) {
      if (!isCloudStoreError(error, 'already_exists') || !(await isSound(name))) throw error;
      logger.warn({ name }, 'the chunk store has other bytes of a pack that is on its way; they are replaced');
      await remote.remove(name);
      await remote.put(name, bytesIn(name, size), size);
    }
  }

  /** Every record of the one here has its checksum. */
  async function isSound(name: string): Promise<boolean> {
    const [, pack = ''] = PACK.exec(name) ?? [];
    for await (const part of createPackInspector().inspect(spool, pack)) if (part.kind === 'damage' || !part.fits) return false;
    return true;
  }

  async function* bytesIn(name: string, size: number): AsyncIterable<Uint8Array> {
    for (let at = 0; at < size; at += PIECE_BYTES) yield spool.read(name, at, Math.min(PIECE_BYTES, size - at));
  }

  /** The remote has it: from here on the local one may go. */
  async function keep(name: string, size: number): Promise<void> {
    try {
      await disk.rename(join(directory, name), join(directory, CACHE, name));
      await disk.syncDirectory(join(directory, CACHE));
      await disk.syncDirectory(directory);
    } catch (error) {
      throw diskError(error, `moving ${name}`);
    }
    if (waiting.delete(name)) waitingSum -= size;
    cached.set(name, { size, usedMs: clock.now() });
    await letGo(name);
    await giveBack(waitingSum + cachedBytes() - bytesMax);
    tell();
  }

  /** Takes the pack away where it was, if it is there, and closes the files that show it: their bytes are not free before. */
  async function letGo(name: string): Promise<void> {
    const [, pack = ''] = PACK.exec(name) ?? [];
    await Promise.all([log.forget(pack), spool.remove(name)]);
  }

  async function giveBack(bytes: number): Promise<number> {
    let freed = 0;
    for (const [name, { size }] of [...cached].sort(([, a], [, b]) => a.usedMs - b.usedMs)) {
      if (freed >= bytes) break;
      cached.delete(name);
      await cache.remove(name);
      freed += size;
    }
    return freed;
  }

  /** The oldest first; behind them what could not be sent, so that one that never can keeps no other from leaving. */
  function inOrder(): string[] {
    const times = (name: string): number => refused.get(name) ?? 0;
    return [...waiting.keys()].sort().sort((a, b) => times(a) - times(b));
  }

  async function flush({ all, signal }: { all: boolean; signal: AbortSignal }): Promise<void> {
    await log.seal(all ? Infinity : dueMs());
    await look();
    while (waiting.size > 0 && !signal.aborted) {
      for (const name of inOrder()) {
        if (signal.aborted) return;
        const running = send(name);
        sending.set(name, running);
        try {
          await running;
          if (failure !== null) logger.info({}, 'the chunk store takes packs again');
          failure = null;
          refused.delete(name);
        } catch (error) {
          refused.set(name, (refused.get(name) ?? 0) + 1);
          const message = error instanceof Error ? error.message : String(error);
          if (failure === null)
            logger.warn({ err: error }, 'a pack cannot be sent to the chunk store; it waits on the local disk');
          failure = message;
          tell();
          throw error;
        } finally {
          sending.delete(name);
        }
      }
      await look();
    }
  }

  const store: BlobStore = {
    capabilities: remote.capabilities,
    put: (name, body, size) => remote.put(name, body, size),
    async read(name, offset, length, into) {
      try {
        return await spool.read(name, offset, length, into);
      } catch (error) {
        if (!isCloudStoreError(error, 'not_found')) throw error;
        return remote.read(name, offset, length, into);
      }
    },
    stat: async (name) => (await spool.stat(name)) ?? remote.stat(name),
    async *list(prefix, after = '') {
      yield* merged(spool.list(prefix, after), remote.list(prefix, after));
    },
    async remove(name) {
      await sending.get(name)?.catch(() => undefined); // or it would come to be there once more
      await letGo(name);
      await cache.remove(name);
      cached.delete(name);
      const size = waiting.get(name) ?? 0;
      if (waiting.delete(name)) waitingSum -= size;
      await remote.remove(name);
      tell();
    },
    close: async () => undefined,
  };

  return {
    store,
    flush,
    async look() {
      await log.seal(dueMs());
      await look();
    },
    log: {
      async append(record, crc) {
        await room();
        const place = await log.append(record, crc);
        count(place.pack, place.length);
        return place;
      },
      async appendUnsynced(record, crc, blocks) {
        await room();
        const place = await log.appendUnsynced(record, crc, blocks);
        count(place.pack, place.length);
        return place;
      },
      sync: (places) => log.sync(places),
      async read(place, offset, length, into) {
        try {
          return await log.read(place, offset, length, into);
        } catch (error) {
          if (!isCloudStoreError(error, 'not_found')) throw error;
          const name = `${place.pack}.pack`;
          const kept = cached.get(name);
          if (kept !== undefined) kept.usedMs = clock.now();
          return cache.read(name, place.offset + offset, length, into); // not_found: the remote has it
        }
      },
      readNow: (place, offset, length, into) => log.readNow?.(place, offset, length, into) ?? false,
      lend: async (place, use) => (await log.lend?.(place, use)) ?? null,
      open: () => log.open(),
      seal: (beforeMs) => log.seal(beforeMs),
      forget: (pack) => log.forget(pack),
      close: () => log.close(),
    },
    state: () => ({
      waitingPacks: waiting.size + open.size,
      waitingBytes: waitingSum,
      cachedPacks: cached.size,
      cachedBytes: cachedBytes(),
      failure,
    }),
    giveBack,
    news,
    async close() {
      tell();
      await Promise.allSettled(sending.values());
      await spool.close();
      await cache.close();
    },
  };
}

/** Two lists in byte order as one; of two with one name, the first. */
async function* merged(first: AsyncIterable<BlobStat>, second: AsyncIterable<BlobStat>): AsyncIterable<BlobStat> {
  const [left, right] = [first[Symbol.asyncIterator](), second[Symbol.asyncIterator]()];
  let [a, b] = [await left.next(), await right.next()];
  while (!a.done || !b.done) {
    if (!a.done && (b.done || a.value.name <= b.value.name)) {
      if (!b.done && a.value.name === b.value.name) b = await right.next();
      yield a.value;
      a = await left.next();
    } else if (!b.done) {
      yield b.value;
      b = await right.next();
    }
  }
}
