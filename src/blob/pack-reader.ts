import { join } from 'node:path';
import type { DiskFile, DiskOps } from '#contracts/disk-ops';
import type { PackOnDisk, PackReader } from '#contracts/pack-reader';
import { CloudStoreError } from '#core/errors';
import { codeOf, diskError } from './disk-error.ts';
import { readFully } from './durable-write.ts';
import { createOpenFiles } from './open-files.ts';
import { contentsOf, verdictOf } from './pack-contents.ts';
import { OPEN_DIRECTORY, packName } from './pack-file.ts';

const FILES_MAX = 32;
const PIECE_BYTES = 1 << 20;
const PACK = /^([0-9a-f]{32})\.pack$/;

/** @param directories of packs, the first that has one wins; each with its `open/` */
export function createPackReader({ directories, disk }: { directories: readonly string[]; disk: DiskOps }): PackReader {
  const places = directories.flatMap((directory) => [
    { directory, open: false },
    { directory: join(directory, OPEN_DIRECTORY), open: true },
  ]);
  const files = createOpenFiles(openPack, FILES_MAX);

  /** A pack that is sealed meanwhile is renamed: it may be in neither place for one who looks in the wrong order. */
  async function openPack(id: string): Promise<DiskFile> {
    let missing: unknown = null;
    for (const { directory } of [...places, ...places]) {
      try {
        return await disk.open(join(directory, packName(id)), 'r');
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error;
        missing = error;
      }
    }
    throw missing;
  }

  async function withFile<T>(id: string, use: (file: DiskFile) => Promise<T>): Promise<T> {
    try {
      return await files.with(id, use);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') throw new CloudStoreError('not_found', `There is no pack ${id} here.`);
      throw diskError(error, 'reading a pack');
    }
  }

  async function listOne({ directory, open }: { directory: string; open: boolean }): Promise<PackOnDisk[]> {
    const out: PackOnDisk[] = [];
    let names: string[];
    try {
      names = await disk.readdir(directory);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw diskError(error, `reading ${directory}`);
    }
    for (const name of names) {
      const id = PACK.exec(name)?.[1];
      const path = join(directory, name);
      const found = id === undefined ? null : await disk.stat(path);
      if (id !== undefined && found?.isFile) out.push({ id, path, open, size: found.size });
    }
    return out;
  }

  return {
    async list() {
      const byId = new Map<string, PackOnDisk>();
      // Open ones first: one that is sealed in between is then seen twice, and not never.
      for (const place of places.toReversed()) for (const pack of await listOne(place)) byId.set(pack.id, pack);
      return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    contents: ({ id }) => withFile(id, (file) => contentsOf(file, id)),
    async read(pack, offset, length, into) {
      const out = into?.subarray(0, length) ?? Buffer.allocUnsafe(length);
      const bytes = await withFile(pack, (file) => readFully(file, out, 0, length, offset));
      if (bytes !== length) throw new CloudStoreError('corrupt', `The pack ${pack} is shorter than its record.`);
      return out;
    },
    verify: ({ id }, signal) => withFile(id, (file) => verdictOf(file, id, signal)),
    async *bytes(pack, from, end) {
      for (let at = from; at < end; ) {
        const into = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end - at));
        const bytes = await withFile(pack, (file) => readFully(file, into, 0, into.length, at));
        if (bytes > 0) yield into.subarray(0, bytes);
        if (bytes < into.length) return; // whoever counts sees that it is shorter
        at += bytes;
      }
    },
    forget: (pack) => files.forget(pack),
    close: () => files.close(),
  };
}
