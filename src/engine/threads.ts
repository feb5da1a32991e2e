import type { LentFile } from '#contracts/log';
import { CloudStoreError } from '#core/errors';
import type { Arena } from './arena.ts';
import type { SlotPart } from './digests.ts';
import { md5Area } from './md5-module.ts';
import type { SealedSegment } from './record-cipher.ts';
import type { SegmentedHeader } from './record-format.ts';
import type { Slots } from './slots.ts';
import type { FromThread, ToThread } from './thread.ts';
import { type LiveThread, startThread } from './thread-life.ts';

/** What a thread computes of a whole body: a checksum, or the engine's own hash. */
export type ThreadDigest = 'md5' | 'sha1' | 'sha256' | 'sha512' | 'blake3';

/** One checksum of one body, computed on another thread. */
export interface WorkerDigest<Name extends ThreadDigest = ThreadDigest> {
  readonly name: Name;
  /** Retains the slots until the worker has read them. */
  update(parts: SlotPart[]): void;
  /**
   * As `update`, and makes the id of what it is given, a chunk, in the same pass. The slots must stay until it resolves.
   * null: the thread has enough to do, or knows no key; nothing was added. @throws unavailable
   */
  chunkId(parts: SlotPart[]): Promise<Buffer> | null;
  /** @throws unavailable */
  digest(): Promise<Buffer>;
  abort(): void;
}

export interface ThreadSealed {
  /** The sealed segments, each piece alone on its memory. */
  pieces: Buffer[];
  /** CRC32C of the record: header and segments. */
  crc: number;
}

export interface ThreadOpened {
  /** The memory that was handed over, again. */
  sealed: ArrayBuffer;
  /** One piece in that memory, or several, each alone on its own; or the error that says what is wrong with it. null: it could not be read at once. */
  plain: Buffer[] | CloudStoreError | null;
}

/**
 * A few threads for what takes long of big bodies: MD5 and SHA, of which one takes as long as all the rest, BLAKE3 and AES. They read the arena's shared memory
 * where it lies, and hand over what they make. Each body's checksum stays on one thread; each thread works in the order in which chunks come, but for MD5,
 * which is of several bodies at once, in turns: so a small body waits for some chunks of a large one, not for its end. Started when first needed; but for their start and their end, they keep no process alive without work.
 */
export interface Threads {
  /** @param chunkIdKey where ids of chunks will be asked for */
  begin<Name extends ThreadDigest>(name: Name, chunkIdKey?: Buffer): WorkerDigest<Name>;
  /**
   * The sealed segments of a record. `segments` are plaintext in the arena, which must stay until it resolves.
   * null: the threads have enough to do, or cannot see these bytes; the caller does it itself. @throws unavailable
   * @param record in the arena too: where the whole record is made; no pieces come back then
   */
  seal(key: Buffer, header: SegmentedHeader, segments: Uint8Array[][], record?: Buffer): Promise<ThreadSealed> | null;
  /**
   * In place, where that is possible. Takes the buffer's whole memory over until it resolves. null as above. @throws unavailable, and the memory is lost
   * @param file where `sealed` is to be read from before; it must stay open until it resolves
   */
  open(
    key: Buffer,
    header: SegmentedHeader,
    sealed: Buffer,
    segments: SealedSegment[],
    file?: LentFile,
  ): Promise<ThreadOpened> | null;
  close(): Promise<void>;
}

interface Thread extends LiveThread {
  /** It has started: what it is given now begins at once. */
  ready: boolean;
  /** Bytes that it was given and has not answered. */
  load: number;
  digests: Map<number, RunningDigest>;
  jobs: Map<number, RunningJob>;
}

interface RunningDigest {
  /** What the worker was given and has not read yet, in order. */
  queue: { slots: number[]; bytes: number }[];
  resolve: ((digest: Buffer) => void) | null;
  reject: ((error: unknown) => void) | null;
  failed: unknown;
}

interface RunningJob {
  bytes: number;
  resolve(message: FromThread): void;
  reject(error: unknown): void;
}

/** A thread with more before it is left alone: this one is quicker. */
const LOAD_BYTES_MAX = 3 << 20;
/** Of what it reads, too: this thread would be as long over it, and late for all that it sends. */
const READ_LOAD_BYTES_MAX = 8 << 20;

export function createThreads(arena: Arena, slots: Slots, threadsMax: number): Threads {
  const threads: Thread[] = [];
  /** What each thread that runs has of the arena's memory for itself. */
  const numbers = new Set<number>();
  let lastId = 0;

  function start(): Thread {
    let number = 0;
    while (numbers.has(number)) number++;
    numbers.add(number);
    const area = md5Area(number);
    const lanes = arena.wasm === null || area === null ? null : { memory: arena.wasm, area };
    const life = startThread(new URL('./thread.ts', import.meta.url), arena.memory, lanes);
    const { worker } = life;
    const thread: Thread = { ...life, ready: false, load: 0, digests: new Map(), jobs: new Map() };
    worker.on('message', (message: FromThread) => hear(thread, message));
    worker.on('error', (cause) => fail(thread, cause));
    worker.on('exit', () => {
      numbers.delete(number);
      fail(thread, new Error('the thread ended'));
    });
    threads.push(thread);
    return thread;
  }

  function hear(thread: Thread, message: FromThread): void {
    if (message.kind === 'ready') thread.ready = true;
    else if (message.kind === 'digest') hearDigest(thread, message);
    else {
      const job = thread.jobs.get(message.id);
      thread.jobs.delete(message.id);
      thread.load -= job?.bytes ?? 0;
      job?.resolve(message);
    }
    // A thread with work keeps the process alive, as work on this thread would.
    if (thread.digests.size === 0 && thread.jobs.size === 0) thread.letGo();
  }

  function hearDigest(thread: Thread, { id, digest }: FromThread & { kind: 'digest' }): void {
    const running = thread.digests.get(id);
    if (running === undefined) return;
    if (digest === undefined) {
      const read = running.queue.shift();
      thread.load -= read?.bytes ?? 0;
      releaseAll(read?.slots ?? []);
    } else {
      thread.digests.delete(id);
      running.resolve?.(Buffer.from(digest));
    }
  }

  function fail(thread: Thread, cause: unknown): void {
    const at = threads.indexOf(thread);
    if (at >= 0) threads.splice(at, 1);
    const error = new CloudStoreError('unavailable', 'A thread of the content store ended.', { cause });
    for (const running of thread.digests.values()) {
      running.failed = error;
      for (const taken of running.queue.splice(0)) releaseAll(taken.slots);
      running.reject?.(error);
    }
    for (const { reject } of thread.jobs.values()) reject(error);
    thread.digests.clear();
    thread.jobs.clear();
  }

  function releaseAll(taken: number[]): void {
    for (const slot of taken) slots.release(slot);
  }

  function leastLoaded(among: readonly Thread[]): Thread | undefined {
    let found: Thread | undefined;
    for (const thread of among) if (found === undefined || thread.load < found.load) found = thread;
    return found;
  }

  function pickForDigest(): Thread {
    const idle = threads.find(({ digests }) => digests.size === 0);
    if (idle !== undefined) return idle;
    if (threads.length < threadsMax) return start();
    return threads.reduce((a, b) => (b.digests.size < a.digests.size ? b : a));
  }

  /** null: this thread does it sooner. A thread that is missed is started for the next time. */
  function pickForJob(loadMax = LOAD_BYTES_MAX): Thread | null {
    const thread = leastLoaded(threads.filter(({ ready }) => ready));
    const busy = thread === undefined || thread.load > 0;
    if (busy && threads.length < threadsMax && threads.every(({ ready }) => ready)) start();
    return thread === undefined || thread.load > loadMax ? null : thread;
  }

  function rangesOf(parts: SlotPart[]): number[] {
    return parts.flatMap(({ slot, from, length }) => [arena.address(slot) + from, length]);
  }

  function run(thread: Thread, bytes: number, send: (id: number) => void): Promise<FromThread> {
    const id = ++lastId;
    thread.load += bytes;
    thread.hold();
    return new Promise((resolve, reject) => {
      thread.jobs.set(id, { bytes, resolve, reject });
      send(id);
    });
  }

  return {
    begin(name, chunkIdKey) {
      const thread = pickForDigest();
      const id = ++lastId;
      let aborted = false;
      const running: RunningDigest = { queue: [], resolve: null, reject: null, failed: null };
      const send = (message: Omit<ToThread & { kind: 'digest' }, 'kind' | 'id'>): void =>
        thread.worker.postMessage({ kind: 'digest', id, ...message } satisfies ToThread);
      thread.digests.set(id, running);
      thread.hold();
      send(chunkIdKey === undefined ? { begin: name } : { begin: name, chunkIdKey: alone(chunkIdKey) });
      return {
        name,
        chunkId(parts) {
          // The thread has forgotten an aborted body, and its key.
          if (chunkIdKey === undefined || aborted || thread.load > LOAD_BYTES_MAX) return null;
          if (running.failed !== null) return Promise.reject(running.failed);
          const bytes = parts.reduce((sum, { length }) => sum + length, 0);
          const ranges = rangesOf(parts);
          return run(thread, bytes, (job) =>
            thread.worker.postMessage({ kind: 'chunk', id: job, body: id, ranges } satisfies ToThread),
          ).then((message) => {
            if (message.kind !== 'chunk') throw new Error('A thread answered something else.');
            return asBuffer(message.chunk);
          });
        },
        update(parts) {
          if (running.failed !== null) return; // `digest` tells
          const ranges = rangesOf(parts);
          let bytes = 0;
          for (const { slot, length } of parts) {
            slots.retain(slot);
            bytes += length;
          }
          running.queue.push({ slots: parts.map(({ slot }) => slot), bytes });
          thread.load += bytes;
          send({ ranges });
        },
        digest() {
          if (running.failed !== null) return Promise.reject(running.failed);
          return new Promise((resolve, reject) => {
            running.resolve = resolve;
            running.reject = reject;
            send({ end: true });
          });
        },
        abort() {
          aborted = true;
          // What it was given, it reads to the end, and gives back.
          if (running.failed === null) send({ end: true });
        },
      };
    },
    seal(key, { bytes, segments: layout }, segments, record) {
      if (record !== undefined && record.buffer !== arena.memory) return null;
      if (segments.some((pieces) => pieces.some(({ buffer }) => buffer !== arena.memory))) return null;
      const thread = pickForJob();
      if (thread === null) return null;
      const ranges = segments.map((pieces) => pieces.flatMap(({ byteOffset, length }) => [byteOffset, length]));
      const size = layout.reduce((sum, { stored }) => sum + stored, 0);
      const into = record === undefined ? {} : { into: record.byteOffset };
      const job = { kind: 'seal' as const, key: alone(key), header: { bytes: alone(bytes), segments: layout }, ranges, ...into };
      return run(thread, size, (id) => thread.worker.postMessage({ ...job, id } satisfies ToThread)).then((message) => {
        if (message.kind !== 'sealed') throw new Error('A thread answered something else.');
        return { pieces: message.pieces.map(asBuffer), crc: message.crc };
      });
    },
    open(key, { bytes, segments: layout }, sealed, segments, file) {
      const memory = sealed.buffer;
      const thread = memory instanceof ArrayBuffer ? pickForJob(file === undefined ? LOAD_BYTES_MAX : READ_LOAD_BYTES_MAX) : null;
      if (thread === null || !(memory instanceof ArrayBuffer)) return null;
      const where = segments.map((segment) => ({ ...segment, offset: sealed.byteOffset + segment.offset }));
      const header = { bytes: alone(bytes), segments: layout };
      const from = file === undefined ? {} : { file: { ...file, offset: sealed.byteOffset, length: sealed.length } };
      const job = { kind: 'open' as const, key: alone(key), header, sealed: memory, segments: where, ...from };
      return run(thread, sealed.length, (id) => thread.worker.postMessage({ ...job, id } satisfies ToThread, [memory])).then(
        (message) => {
          if (message.kind !== 'opened') throw new Error('A thread answered something else.');
          const { sealed, plain } = message;
          if (plain === null) return { sealed, plain };
          if (Array.isArray(plain)) return { sealed, plain: plain.map(asBuffer) };
          if ('damage' in plain) return { sealed, plain: new CloudStoreError('corrupt', plain.damage) };
          return { sealed, plain: [Buffer.from(sealed, plain.offset, plain.length)] };
        },
      );
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.end()));
    },
  };
}

/** A copy on memory of its own: what is sent takes all the memory along that it lies on, and a small Buffer lies on a page of others. */
function alone(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}
