import type { BlobStore } from './blob-store.ts';

/** The stores of packs that this gateway reaches, by the numbers that places carry. 0 is the data directory. */
export interface BlobStores {
  /** @throws unavailable: no such store is connected here (a disk that is not mounted, a store that was not configured) */
  of(store: number): BlobStore;
  /** Ascending. */
  numbers(): number[];
}
