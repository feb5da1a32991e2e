import { randomBytes } from 'node:crypto';
import { BLOB_CHECKS } from '#blob/checks';
import type { BlobStore } from '#contracts/blob-store';

/** What every BlobStore owes its callers, whatever lies behind. */
export function describeBlobStore(name: string, make: () => Promise<{ store: BlobStore; clean(): void | Promise<void> }>): void {
  describe(`BlobStore: ${name}`, () => {
    let store: BlobStore;
    let clean: () => void | Promise<void>;
    beforeEach(async () => {
      ({ store, clean } = await make());
    });
    afterEach(async () => {
      await store.close();
      await clean();
    });
    for (const { sentence, run } of BLOB_CHECKS) {
      it(sentence, () => run(store, `check-${randomBytes(6).toString('hex')}-`));
    }
  });
}
