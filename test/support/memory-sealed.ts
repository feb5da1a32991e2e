import type { KnownMasterKey, SealedStore } from '#contracts/sealed-store';
import { CloudStoreError } from '#core/errors';

export interface MemorySealed extends SealedStore {
  /** Sealed values by context. */
  values: Map<string, Buffer>;
}

/** What is sealed under the master key, in memory. */
export function memorySealed(): MemorySealed {
  let known: KnownMasterKey | null = null;
  const values = new Map<string, Buffer>();
  let turn: Promise<unknown> = Promise.resolve();

  async function replace(...[from, to, reseal, prepare]: Parameters<SealedStore['replaceMasterKey']>): Promise<number> {
    if (known?.check !== from) throw new CloudStoreError('conflict', 'Another key.');
    await prepare();
    const resealed = [...values].map(([context, sealed]) => [context, reseal(sealed, context)] as const);
    for (const [context, sealed] of resealed) values.set(context, sealed);
    known = to;
    return values.size;
  }

  return {
    values,
    masterKey: async () => known,
    masterKeyOrInsert: async (key) => (known ??= key),
    replaceMasterKey(...args) {
      const mine = turn.then(() => replace(...args));
      turn = mine.catch(() => undefined);
      return mine;
    },
  };
}
