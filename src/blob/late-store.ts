import type { BlobStore } from '#contracts/blob-store';

/** A store that may not be there yet (a disk that is not mounted): opened by whatever first needs it, and tried again until it is there. */
export function createLateStore(open: () => Promise<BlobStore>, capabilities: BlobStore['capabilities']): BlobStore {
  let opening: Promise<BlobStore> | null = null;
  let closed = false;

  function store(): Promise<BlobStore> {
    opening ??= open().catch((error: unknown) => {
      opening = null;
      throw error;
    });
    return opening;
  }

  return {
    capabilities,
    put: async (name, body, size) => (await store()).put(name, body, size),
    read: async (name, offset, length, into) => (await store()).read(name, offset, length, into),
    stat: async (name) => (await store()).stat(name),
    async *list(prefix, after) {
      yield* (await store()).list(prefix, after);
    },
    remove: async (name) => (await store()).remove(name),
    async close() {
      if (closed) return;
      closed = true;
      await (await opening?.catch(() => null))?.close();
    },
  };
}
