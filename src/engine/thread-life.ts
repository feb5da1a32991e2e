import { Worker } from 'node:worker_threads';
import { type ForeignThread, mayCallForeign } from '#core/foreign-calls';
import type { WasmMemory } from './wasm-code.ts';

/** What its script finds as workerData. */
export interface ThreadStart extends ForeignThread {
  memory: SharedArrayBuffer;
  /** For MD5 in lanes; null: without. */
  lanes: ThreadLanes | null;
  /** One number, set by `hasStarted`. */
  started: Int32Array;
}

/** `area`: of `md5Area`, the thread's alone. */
export interface ThreadLanes {
  memory: WasmMemory;
  area: number;
}

/** What it is told last: it closes its port, and ends when it has done what came before. */
export const END = 'end';

/** A worker thread that is never ended from outside: while it loads foreign calls that takes the process along. */
export interface LiveThread {
  readonly worker: Worker;
  /** It keeps the process alive, as it does while it starts and while it ends. */
  hold(): void;
  letGo(): void;
  /** Does what it was given before, then ends. */
  end(): Promise<void>;
}

/** Longer than a thread takes to start on a busy machine; then it is given up. */
const START_MS_MAX = 10_000;

const starting = new Set<Int32Array>();

/** Its script calls `hasStarted` when all that it needs is loaded, and then sends its first message. */
export function startThread(script: URL, memory: SharedArrayBuffer, lanes: ThreadLanes | null = null): LiveThread {
  const started = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(script, { workerData: { ...mayCallForeign, memory, lanes, started } satisfies ThreadStart });
  if (starting.size === 0) process.on('exit', awaitStarting);
  starting.add(started);
  const settled = new Promise<void>((resolve) => {
    worker.once('message', resolve);
    worker.once('exit', () => resolve());
  });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  settled.then(() => {
    starting.delete(started);
    if (starting.size === 0) process.off('exit', awaitStarting);
  });
  let ending = false;
  return {
    worker,
    hold: () => worker.ref(),
    letGo() {
      if (!ending) worker.unref();
    },
    async end() {
      ending = true;
      worker.ref();
      await settled;
      worker.postMessage(END);
      await exited;
    },
  };
}

/** On the thread, before its first message. */
export function hasStarted({ started }: ThreadStart): void {
  Atomics.store(started, 0, 1);
  Atomics.notify(started, 0);
}

/** Node ends threads with the process, wherever they are. */
function awaitStarting(): void {
  for (const started of starting) Atomics.wait(started, 0, 0, START_MS_MAX);
}
