import { join } from 'node:path';
import type { DiskOps } from '#contracts/disk-ops';
import type { Shelf } from '#contracts/shelf';
import { CloudStoreError } from '#core/errors';
import { codeOf, diskError } from './disk-error.ts';
import { readFully, writeDurably } from './durable-write.ts';

const NAME = /^[a-z0-9][a-z0-9._-]{0,199}$/;
/** What is being written; no name of ours ends so. */
const UNFINISHED = '.new';
const READ_BYTES = 1 << 20;

/** A directory as a shelf; made by the first `put`, so that looking at one changes nothing. */
export function createShelf({ directory, disk }: { directory: string; disk: DiskOps }): Shelf {
  const pathOf = (name: string): string => {
    if (!NAME.test(name) || name.endsWith(UNFINISHED)) {
      throw new CloudStoreError('invalid_argument', `${JSON.stringify(name)} is no name for a file of this kind.`);
    }
    return join(directory, name);
  };
  return {
    async put(name, body) {
      const path = pathOf(name);
      let own: { error: unknown } | null = null;
      async function* told(): AsyncGenerator<Uint8Array> {
        try {
          yield* body;
        } catch (error) {
          own = { error };
          throw error;
        }
      }
      try {
        await disk.mkdir(directory, 0o700);
        return { bytes: await writeDurably(disk, `${path}${UNFINISHED}`, path, told(), null) };
      } catch (error) {
        throw own === null ? diskError(error, `writing ${path}`) : error;
      }
    },
    async *read(name) {
      const path = pathOf(name);
      try {
        const file = await disk.open(path, 'r');
        try {
          for (let at = 0; ; ) {
            const into = Buffer.allocUnsafe(READ_BYTES);
            const bytes = await readFully(file, into, 0, into.length, at);
            if (bytes > 0) yield into.subarray(0, bytes);
            if (bytes < into.length) return;
            at += bytes;
          }
        } finally {
          await file.close();
        }
      } catch (error) {
        if (codeOf(error) === 'ENOENT') throw new CloudStoreError('not_found', `There is no ${path}.`);
        throw codeOf(error) === undefined ? error : diskError(error, `reading ${path}`);
      }
    },
    async list() {
      const out: { name: string; bytes: number }[] = [];
      try {
        for (const name of (await disk.readdir(directory)).sort()) {
          if (!NAME.test(name) || name.endsWith(UNFINISHED)) continue;
          const found = await disk.stat(join(directory, name));
          if (found?.isFile) out.push({ name, bytes: found.size });
        }
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw diskError(error, `reading ${directory}`);
      }
      return out;
    },
    async remove(name) {
      try {
        await disk.unlink(pathOf(name));
        await disk.syncDirectory(directory);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw diskError(error, `removing ${name}`);
      }
    },
  };
}
