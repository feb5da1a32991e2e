import type { BlobStore } from '#contracts/blob-store';
import { CloudStoreError } from '#core/errors';

export interface UnsteadyBlobs extends BlobStore {
  /** Asked before each call: out of reach, done and then out of reach, or nothing. */
  fault: ((call: 'put' | 'read' | 'stat' | 'remove', name: string) => 'before' | 'after' | null | Promise<null>) | null;
  /** How often each name was put. */
  readonly puts: Map<string, number>;
}

/** A store that is out of reach now and then. */
export function unsteadyBlobs(inner: BlobStore): UnsteadyBlobs {
  async function call<T>(kind: 'put' | 'read' | 'stat' | 'remove', name: string, work: () => Promise<T>): Promise<T> {
    const fault = (await store.fault?.(kind, name)) ?? null;
    if (fault === 'before') throw new CloudStoreError('unavailable', 'The store is out of reach (planted).');
    const result = await work();
    if (fault === 'after') throw new CloudStoreError('unavailable', 'The answer was lost (planted).');
    return result;
  }
  const store: UnsteadyBlobs = {
    fault: null,
    puts: new Map(),
    capabilities: { shared: true, randomAccess: false },
    put: (name, body, size) =>
      call('put', name, async () => {
        store.puts.set(name, (store.puts.get(name) ?? 0) + 1);
        await inner.put(name, body, size);
      }),
    read: (name, ...args) => call('read', name, () => inner.read(name, ...args)),
    stat: (name) => call('stat', name, () => inner.stat(name)),
    list: (...args) => inner.list(...args),
    remove: (name) => call('remove', name, () => inner.remove(name)),
    close: async () => undefined,
  };
  return store;
}
