import type { RunningDigest } from '../../../clients/typescript/index.ts';

interface Answer {
  id: number;
  value?: string | null;
  error?: string;
}

/** Sums that a worker makes: the page stays smooth, and they are there on plain http too, where browsers give pages no digests. */
function createSums() {
  const state = { worker: null as Worker | null, id: 0 };
  const waiting = new Map<number, { resolve(value: string | null): void; reject(error: Error): void }[]>();

  function start(): Worker {
    const worker = new Worker(new URL('../../worker/sum.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
      const [first] = waiting.get(data.id)?.splice(0, 1) ?? [];
      if (data.error === undefined) first?.resolve(data.value ?? null);
      else first?.reject(new Error(data.error));
    });
    worker.addEventListener('error', () => {
      state.worker = null;
      for (const all of waiting.values()) for (const one of all.splice(0)) one.reject(new Error('The sums cannot be made here.'));
    });
    return worker;
  }

  return function sum(): RunningDigest {
    const id = ++state.id;
    const worker = (state.worker ??= start());
    const asked: { resolve(value: string | null): void; reject(error: Error): void }[] = [];
    waiting.set(id, asked);
    const ask = (what: { bytes?: ArrayBuffer; end?: boolean }): Promise<string | null> =>
      new Promise((resolve, reject) => {
        asked.push({ resolve, reject });
        worker.postMessage({ id, ...what });
      });
    return {
      async update(bytes) {
        await ask({ bytes });
      },
      async value() {
        return base64Of((await ask({ end: false })) ?? '');
      },
      end() {
        worker.postMessage({ id, end: true });
        waiting.delete(id);
      },
    };
  };
}

function base64Of(hex: string): string {
  return btoa(String.fromCharCode(...(hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16))));
}

export const runningSum = createSums();
