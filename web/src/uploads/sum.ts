import type { OpenReading, Reading } from '../../../clients/typescript/index.ts';
import { readingBy } from '../../../clients/typescript/index.ts';
import type { FromSum, ToSum } from '../../worker/sum.ts';

/** A message without its `id`, as each of its kinds. */
type Asked = ToSum extends infer One ? (One extends ToSum ? Omit<One, 'id'> : never) : never;

interface Waiting {
  told(message: FromSum): void;
  /** The worker could not be started, or has died. */
  lost(error: Error): void;
}

interface Sums {
  /** SHA-256 of a buffer, which is given away where the browser has none of its own: on plain http in a network. */
  sha256(bytes: ArrayBuffer): Promise<ArrayBuffer>;
  /** Of a file while it is sent, away from the thread that draws. */
  reading: OpenReading;
}

function createSums(): Sums {
  const state = { worker: null as Worker | null, id: 0 };
  const waiting = new Map<number, Waiting>();

  function start(): Worker {
    const worker = new Worker(new URL('../../worker/sum.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<FromSum>) => waiting.get(data.id)?.told(data));
    worker.addEventListener('error', (event) => {
      state.worker = null;
      const all = [...waiting.values()];
      waiting.clear();
      for (const { lost } of all) lost(new Error(event.message || 'SHA-256'));
    });
    return worker;
  }

  function ask(id: number, asked: Asked, transfer: Transferable[] = []): void {
    state.worker ??= start();
    state.worker.postMessage({ id, ...asked } as ToSum, transfer);
  }

  function sha256(bytes: ArrayBuffer): Promise<ArrayBuffer> {
    if (crypto.subtle !== undefined) return crypto.subtle.digest('SHA-256', bytes);
    return new Promise((resolve, reject) => {
      const id = ++state.id;
      waiting.set(id, {
        told(message) {
          waiting.delete(id);
          if ('hash' in message) resolve(message.hash);
          else if ('error' in message) reject(message.error);
        },
        lost: reject,
      });
      ask(id, { bytes }, [bytes]);
    });
  }

  return {
    sha256,
    reading(source, onAdded) {
      const id = ++state.id;
      let followed = 0;
      let sum: Promise<string> | null = null;
      /** Instead of the worker. */
      let here: Reading | null = null;
      let failed: Error | null = null;
      let settle = { resolve(_sum: string): void {}, reject(_error: unknown): void {} };
      waiting.set(id, {
        told(message) {
          if ('added' in message) onAdded(message.added);
          else if ('sum' in message) settle.resolve(message.sum);
          else if ('error' in message) settle.reject(message.error);
        },
        // Where the gateway serves a newer page than this one, its worker is gone, and the upload need not fail for it.
        lost(error) {
          if (crypto.subtle === undefined) {
            failed = error;
            return settle.reject(error);
          }
          here = readingBy((bytes) => crypto.subtle.digest('SHA-256', bytes))(source, onAdded);
          here.follow(followed);
          if (sum !== null) here.sum().then(settle.resolve, settle.reject);
        },
      });
      ask(id, { file: source });
      return {
        follow(to) {
          followed = to;
          if (here !== null) here.follow(to);
          else if (failed === null) ask(id, { follow: to });
        },
        sum() {
          sum ??= new Promise((resolve, reject) => {
            settle = { resolve, reject };
            if (here !== null) here.sum().then(resolve, reject);
            else if (failed !== null) reject(failed);
            else ask(id, { sum: true });
          });
          return sum;
        },
        end() {
          here?.end();
          if (waiting.delete(id)) ask(id, { end: true });
        },
      };
    },
  };
}

export const sums = createSums();
