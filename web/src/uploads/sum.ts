/** SHA-256 of buffers: the browser's own, or, on plain http in a network, where pages have none, that of a worker. */
function createSha256(): (bytes: ArrayBuffer) => Promise<ArrayBuffer> {
  if (crypto.subtle !== undefined) return (bytes) => crypto.subtle.digest('SHA-256', bytes);
  const state = { worker: null as Worker | null, id: 0 };
  const waiting = new Map<number, { resolve(bytes: ArrayBuffer): void; reject(error: Error): void }>();

  function start(): Worker {
    const worker = new Worker(new URL('../../worker/sum.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<{ id: number; hex?: string; error?: string }>) => {
      const one = waiting.get(data.id);
      waiting.delete(data.id);
      if (data.hex === undefined) one?.reject(new Error(data.error));
      else one?.resolve(bytesOf(data.hex));
    });
    worker.addEventListener('error', () => {
      state.worker = null;
      for (const { reject } of waiting.values()) reject(new Error('SHA-256'));
      waiting.clear();
    });
    return worker;
  }

  return (bytes) =>
    new Promise((resolve, reject) => {
      const id = ++state.id;
      waiting.set(id, { resolve, reject });
      state.worker ??= start();
      state.worker.postMessage({ id, bytes }, [bytes]);
    });
}

function bytesOf(hex: string): ArrayBuffer {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)).buffer;
}

export const sha256 = createSha256();
