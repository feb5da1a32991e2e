import type { BlobStore } from '#contracts/blob-store';
import type { PackReader } from '#contracts/pack-reader';
import { CloudStoreError } from '#core/errors';
import { contentsOf, type ReadablePack, verdictOf } from './pack-contents.ts';
import { packName } from './pack-file.ts';

const PACK = /^([0-9a-f]{32})\.pack$/;
const PIECE_BYTES = 8 << 20;

/** The packs of a store that is no directory of this machine: all of them sealed. Closes nothing of the store's. */
export function createBlobPackReader(blobs: BlobStore): PackReader {
  async function sizeOf(id: string): Promise<number> {
    const found = await blobs.stat(packName(id));
    if (found === null) throw new CloudStoreError('not_found', `There is no pack ${id} here.`);
    return found.size;
  }

  async function asFile(id: string): Promise<ReadablePack> {
    const size = await sizeOf(id);
    return {
      size: async () => size,
      async read(into, offset, length, position) {
        const bytes = Math.min(length, size - position);
        if (bytes <= 0) return 0;
        const target = Buffer.from(into.buffer, into.byteOffset + offset, bytes);
        await blobs.read(packName(id), position, bytes, target);
        return bytes;
      },
    };
  }

  return {
    async list() {
      const out = [];
      for await (const { name, size } of blobs.list('')) {
        const id = PACK.exec(name)?.[1];
        if (id !== undefined) out.push({ id, path: name, open: false, size });
      }
      return out;
    },
    contents: async ({ id }) => contentsOf(await asFile(id), id),
    verify: async ({ id }, signal) => verdictOf(await asFile(id), id, signal),
    read: (pack, offset, length, into) => blobs.read(packName(pack), offset, length, into),
    async *bytes(pack, from, end) {
      const size = await sizeOf(pack);
      for (let at = from; at < Math.min(end, size); ) {
        const piece = await blobs.read(packName(pack), at, Math.min(PIECE_BYTES, end - at, size - at));
        yield piece;
        at += piece.length;
      }
    },
    forget: async () => undefined,
    close: async () => undefined,
  };
}
