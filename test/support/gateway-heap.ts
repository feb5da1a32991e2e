import { setTimeout as sleep } from 'node:timers/promises';
import type { TestGateway } from './gateway.ts';

/** What a gateway's process keeps once its garbage has been collected, bytes. */
export interface KeptMemory {
  /** V8's heap. */
  heap: number;
  /** Buffers outside of it. */
  buffers: number;
}

/** For a gateway whose inspector can be asked. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

const COLLECTIONS = 3;
/** Between two, for what is let go of by the first and by sockets that close. */
const PAUSE_MS = 100;
const ASK = '(({ heapUsed, arrayBuffers }) => [heapUsed, arrayBuffers])(process.memoryUsage())';

/** Asks the gateway's inspector. */
export async function openHeap(gateway: TestGateway): Promise<{ collected(): Promise<KeptMemory>; close(): void }> {
  const address = /Debugger listening on (ws:\S+)/.exec(gateway.output().stderr)?.[1];
  if (address === undefined) throw new Error('The gateway was not started to be inspected.');
  const socket = new WebSocket(address);
  const waiting = new Map<number, (answer: { result?: { result?: { value?: unknown } } }) => void>();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const answer = JSON.parse(String(data));
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error('The inspector cannot be reached.')), { once: true });
  });
  async function ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++last;
    const answer = new Promise<{ result?: { result?: { value?: unknown } } }>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params }));
    return (await answer).result?.result?.value;
  }
  await ask('HeapProfiler.enable');
  return {
    async collected() {
      for (let n = 0; n < COLLECTIONS; n++) {
        await ask('HeapProfiler.collectGarbage');
        await sleep(PAUSE_MS);
      }
      const [heap, buffers] = (await ask('Runtime.evaluate', { expression: ASK, returnByValue: true })) as [number, number];
      return { heap, buffers };
    },
    close: () => socket.close(),
  };
}
