import { Worker } from 'node:worker_threads';
import type { DigestName } from '#core/digest';
import { CloudStoreError } from '#core/errors';
import type { Arena } from './arena.ts';
import type { FromWorker, ToWorker } from './digest-worker.ts';
import type { SlotPart } from './digests.ts';
import type { Slots } from './slots.ts';

/** One checksum of one body, computed on another thread. */
export interface WorkerDigest {
  readonly name: DigestName;
  /** Retains the slots until the worker has read them. */
  update(parts: SlotPart[]): void;
  /** @throws unavailable */
  digest(): Promise<Buffer>;
  abort(): void;
}

/**
 * A few threads that compute MD5 and SHA over the arena's shared memory: of one big body, MD5 alone takes as long as all the rest.
 * Each body's checksum stays on one thread; each thread serves its bodies in the order in which their chunks come, so a
 * small one waits for one chunk of a large one, not for its end. Started when first needed; they keep no process alive.
 */
export interface DigestWorkers {
  begin(name: 'md5' | 'sha1' | 'sha256'): WorkerDigest;
  close(): Promise<void>;
}

interface Thread {
  worker: Worker;
  digests: Map<number, Running>;
}

interface Running {
  /** What the worker was given and has not read yet, in order. */
  queue: number[][];
  resolve: ((digest: Buffer) => void) | null;
  reject: ((error: unknown) => void) | null;
  failed: unknown;
}

export function createDigestWorkers(arena: Arena, slots: Slots, threadsMax: number): DigestWorkers {
  const threads: Thread[] = [];
  let lastId = 0;

  function start(): Thread {
    const worker = new Worker(new URL('./digest-worker.ts', import.meta.url), { workerData: arena.memory });
    worker.unref();
    const thread: Thread = { worker, digests: new Map() };
    worker.on('message', (message: FromWorker) => {
      const running = thread.digests.get(message.id);
      if (running === undefined) return;
      if (message.digest === undefined) releaseAll(running.queue.shift() ?? []);
      else {
        thread.digests.delete(message.id);
        running.resolve?.(Buffer.from(message.digest));
      }
      settle(thread);
    });
    worker.on('error', (cause) => fail(thread, cause));
    worker.on('exit', () => fail(thread, new Error('the thread ended')));
    threads.push(thread);
    return thread;
  }

  /** A thread with work keeps the process alive, as work on this thread would. */
  function settle({ worker, digests }: Thread): void {
    if (digests.size === 0) worker.unref();
  }

  function fail(thread: Thread, cause: unknown): void {
    const at = threads.indexOf(thread);
    if (at >= 0) threads.splice(at, 1);
    for (const running of thread.digests.values()) {
      running.failed = new CloudStoreError('unavailable', 'A thread that computed a checksum ended.', { cause });
      for (const taken of running.queue.splice(0)) releaseAll(taken);
      running.reject?.(running.failed);
    }
    thread.digests.clear();
  }

  function releaseAll(taken: number[]): void {
    for (const slot of taken) slots.release(slot);
  }

  function pick(): Thread {
    const idle = threads.find(({ digests }) => digests.size === 0);
    if (idle !== undefined) return idle;
    if (threads.length < threadsMax) return start();
    return threads.reduce((a, b) => (b.digests.size < a.digests.size ? b : a));
  }

  return {
    begin(name) {
      const thread = pick();
      const id = ++lastId;
      const running: Running = { queue: [], resolve: null, reject: null, failed: null };
      const send = (message: ToWorker): void => thread.worker.postMessage(message);
      thread.digests.set(id, running);
      thread.worker.ref();
      send({ id, begin: name });
      return {
        name,
        update(parts) {
          if (running.failed !== null) return; // `digest` tells
          const ranges: number[] = [];
          for (const { slot, from, length } of parts) {
            slots.retain(slot);
            ranges.push(arena.address(slot) + from, length);
          }
          running.queue.push(parts.map(({ slot }) => slot));
          send({ id, ranges });
        },
        digest() {
          if (running.failed !== null) return Promise.reject(running.failed);
          return new Promise((resolve, reject) => {
            running.resolve = resolve;
            running.reject = reject;
            send({ id, end: true });
          });
        },
        abort() {
          // What it was given, it reads to the end, and gives back.
          if (running.failed === null) send({ id, end: true });
        },
      };
    },
    async close() {
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
}
