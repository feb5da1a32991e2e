import type { BlobStore } from '#contracts/blob-store';
import type { BlobStores } from '#contracts/blob-stores';
import { CloudStoreError } from '#core/errors';

export function createBlobStores(stores: ReadonlyMap<number, BlobStore>): BlobStores {
  return {
    of(store) {
      const found = stores.get(store);
      if (found === undefined)
        throw new CloudStoreError(
          'unavailable',
          `Store ${store} of packs is not connected here; cloudstore disk list says where it was.`,
        );
      return found;
    },
    numbers: () => [...stores.keys()].sort((a, b) => a - b),
  };
}
