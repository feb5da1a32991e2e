import { join } from 'node:path';
import type { BlobStore } from '#contracts/blob-store';
import type { DiskFile, DiskOps } from '#contracts/disk-ops';
import { CloudStoreError } from '#core/errors';
import { blobCorrupt, blobNotFound, checkBlobName, sameAs } from './blob-names.ts';
import { codeOf, diskError } from './disk-error.ts';
import { makeDirectoryDurably, readFully, writeDurably } from './durable-write.ts';
import { createGoneDisk, readSurely } from './gone-disk.ts';
import { createOneAtATime } from './one-at-a-time.ts';
import { createOpenFiles } from './open-files.ts';

export interface LocalDiskOptions {
  directory: string;
  disk: DiskOps;
  /** Remove what a crash left half written; not where another process may be writing it. Default true. */
  tidy?: boolean;
  /** The directory is made where it is missing. Default true; not of a disk that comes and goes. */
  make?: boolean;
}

const OPEN_FILES_MAX = 64;

/**
 * Blobs as files of one directory, written beside it in `tmp/`.
 * @throws unavailable when the directory cannot be made
 */
export async function createLocalDisk({ directory, disk, tidy = true, make = true }: LocalDiskOptions): Promise<BlobStore> {
  const temporary = join(directory, 'tmp');
  try {
    await makeDirectoryDurably(disk, temporary, make);
    if (tidy) for (const name of await disk.readdir(temporary)) await disk.unlink(join(temporary, name));
  } catch (error) {
    throw diskError(error, `making ${directory}`);
  }
  const files = createOpenFiles((name) => disk.open(join(directory, name), 'r'), OPEN_FILES_MAX);
  const gone = createGoneDisk(disk, directory);
  /** One put of a name at a time: rename replaces silently. */
  const putting = createOneAtATime();

  async function put(name: string, body: AsyncIterable<Uint8Array>, size: number): Promise<void> {
    const found = await stat(name);
    if (found === null) {
      await writeDurably(disk, join(temporary, name), join(directory, name), body, size);
      return;
    }
    const same = await files.with(name, (file) => sameAs(body, found.size, (at, length) => readSome(file, at, length)));
    if (!same) throw new CloudStoreError('already_exists', `The blob ${name} exists with other bytes.`);
    // Whoever wrote it may have died, or been refused, between the rename and this.
    await disk.syncDirectory(directory);
  }

  async function stat(name: string): Promise<{ size: number } | null> {
    const found = await disk.stat(join(directory, name));
    return found?.isFile ? found : null;
  }

  return {
    capabilities: { shared: false, randomAccess: true },
    async put(name, body, size) {
      checkBlobName(name);
      await putting(name, () =>
        put(name, body, size).catch((error: unknown) => {
          throw diskError(error, `writing ${name}`);
        }),
      );
    },
    async read(name, offset, length, into) {
      checkBlobName(name);
      const out = into?.subarray(0, length) ?? Buffer.allocUnsafe(length);
      const bytes = await readSurely(files, name, (file) => readFully(file, out, 0, length, offset), gone).catch(
        (error: unknown) => {
          throw codeOf(error) === 'ENOENT' ? blobNotFound(name) : diskError(error, `reading ${name}`);
        },
      );
      if (bytes !== length) throw blobCorrupt(name);
      return out;
    },
    async stat(name) {
      checkBlobName(name);
      try {
        const found = await stat(name);
        return found && { name, size: found.size };
      } catch (error) {
        throw diskError(error, `looking at ${name}`);
      }
    },
    async *list(prefix, after = '') {
      const failed = (error: unknown): never => {
        throw diskError(error, `listing ${directory}`);
      };
      const all = await disk.readdir(directory).catch(failed);
      for (const name of all.filter((one) => one.startsWith(prefix) && one > after).sort()) {
        const found = await stat(name).catch(failed);
        if (found !== null) yield { name, size: found.size };
      }
    },
    async remove(name) {
      checkBlobName(name);
      await files.forget(name);
      try {
        await disk.unlink(join(directory, name)).catch((error: unknown) => {
          if (codeOf(error) !== 'ENOENT') throw error;
        });
        // Also of what is gone already: that may be known to the memory only.
        await disk.syncDirectory(directory);
      } catch (error) {
        throw diskError(error, `removing ${name}`);
      }
    },
    close: () => files.close(),
  };
}

async function readSome(file: DiskFile, at: number, length: number): Promise<Buffer> {
  const out = Buffer.allocUnsafe(length);
  return out.subarray(0, await readFully(file, out, 0, length, at));
}
