import type { BlobStore } from '#contracts/blob-store';
import { CloudStoreError } from '#core/errors';
import { blobCorrupt, blobNotFound, checkBlobName, sameAs } from './blob-names.ts';

/** Blobs that end with the process: for tests, and as the smallest example of the contract. */
export function createMemoryBlobs(): BlobStore {
  const blobs = new Map<string, Buffer>();

  async function gather(body: AsyncIterable<Uint8Array>, size: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > size) break;
      chunks.push(Buffer.from(chunk));
    }
    if (bytes !== size) throw new CloudStoreError('incomplete_body', `The blob has ${bytes} bytes, ${size} were declared.`);
    return Buffer.concat(chunks, size);
  }

  return {
    capabilities: { shared: false, randomAccess: true },
    async put(name, body, size) {
      checkBlobName(name);
      const blob = blobs.get(name) ?? (await gather(body, size));
      const there = blobs.get(name);
      if (there === undefined) blobs.set(name, blob);
      else {
        const source = there === blob ? body : [blob];
        const same = await sameAs(asyncOf(source), there.length, async (at, length) => there.subarray(at, at + length));
        if (!same) throw new CloudStoreError('already_exists', `The blob ${name} exists with other bytes.`);
      }
    },
    async read(name, offset, length, into) {
      checkBlobName(name);
      const blob = blobs.get(name);
      if (blob === undefined) throw blobNotFound(name);
      if (offset + length > blob.length) throw blobCorrupt(name);
      const out = into?.subarray(0, length) ?? Buffer.allocUnsafe(length);
      blob.copy(out, 0, offset, offset + length);
      return out;
    },
    async stat(name) {
      checkBlobName(name);
      const blob = blobs.get(name);
      return blob === undefined ? null : { name, size: blob.length };
    },
    async *list(prefix, after = '') {
      for (const name of [...blobs.keys()].sort()) {
        const blob = blobs.get(name);
        if (blob !== undefined && name.startsWith(prefix) && name > after) yield { name, size: blob.length };
      }
    },
    async remove(name) {
      checkBlobName(name);
      blobs.delete(name);
    },
    async close() {},
  };
}

async function* asyncOf(source: AsyncIterable<Uint8Array> | Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* source;
}
