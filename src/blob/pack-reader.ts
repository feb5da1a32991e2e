import { join } from 'node:path';
import type { DiskFile, DiskOps } from '#contracts/disk-ops';
import type { PackContents, PackOnDisk, PackReader, PackRecord } from '#contracts/pack-reader';
import { CloudStoreError } from '#core/errors';
import { codeOf, diskError } from './disk-error.ts';
import { readFully } from './durable-write.ts';
import { createOpenFiles } from './open-files.ts';
import { OPEN_DIRECTORY, packName } from './pack-file.ts';
import {
  decodePackHeader,
  decodePackIndex,
  decodePackTrailer,
  LABEL_BYTES,
  PACK_HEADER_BYTES,
  TRAILER_BYTES,
} from './pack-format.ts';
import { crcOf, walk } from './pack-recovery.ts';

const FILES_MAX = 32;
const WINDOW_BYTES = 1 << 20;
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
    contents: (pack) =>
      withFile(pack.id, async (file) => {
        const size = await file.size();
        await assertHeader(file, pack.id);
        return (await byIndex(file, size)) ?? byFrames(file, size);
      }),
    async read(pack, offset, length, into) {
      const out = into?.subarray(0, length) ?? Buffer.allocUnsafe(length);
      const bytes = await withFile(pack, (file) => readFully(file, out, 0, length, offset));
      if (bytes !== length) throw new CloudStoreError('corrupt', `The pack ${pack} is shorter than its record.`);
      return out;
    },
    verify: (pack, signal) =>
      withFile(pack.id, async (file) => {
        const size = await file.size();
        await assertHeader(file, pack.id);
        const index = await byIndex(file, size);
        const limit = index === null ? size : index.limit;
        const found = await walk(file, limit);
        const window = Buffer.allocUnsafe(WINDOW_BYTES);
        const damaged: number[] = [];
        let end = PACK_HEADER_BYTES;
        for (const record of found) {
          signal?.throwIfAborted();
          if ((await crcOf(file, record, window)) !== record.crc) damaged.push(record.start);
          else end = record.end;
        }
        const same =
          index?.records.length === found.length && index.records.every(({ offset }, at) => offset === found[at]!.start);
        // What the index names and no frame leads to is lost as well.
        const reached = new Set(found.map(({ start }) => start));
        for (const { offset } of index?.records ?? []) if (!reached.has(offset)) damaged.push(offset);
        return { records: found.length, damaged, indexGood: index !== null && same === true, end };
      }),
    forget: (pack) => files.forget(pack),
    close: () => files.close(),
  };
}

async function assertHeader(file: DiskFile, id: string): Promise<void> {
  const header = Buffer.alloc(PACK_HEADER_BYTES);
  await readFully(file, header, 0, header.length, 0);
  if (decodePackHeader(header)?.id !== id) throw new CloudStoreError('corrupt', `The pack ${id} does not begin as one.`);
}

/** null: no good index. */
async function byIndex(file: DiskFile, size: number): Promise<(PackContents & { limit: number }) | null> {
  if (size < PACK_HEADER_BYTES + TRAILER_BYTES) return null;
  const end = Buffer.alloc(TRAILER_BYTES);
  await readFully(file, end, 0, end.length, size - TRAILER_BYTES);
  const trailer = decodePackTrailer(end);
  const length = size - TRAILER_BYTES - (trailer?.offset ?? 0);
  if (trailer === null || trailer.offset < PACK_HEADER_BYTES || length < 0) return null;
  const bytes = Buffer.allocUnsafe(length);
  await readFully(file, bytes, 0, length, trailer.offset);
  try {
    return { indexed: true, records: decodePackIndex(bytes, trailer), end: trailer.offset, limit: trailer.offset };
  } catch {
    return null; // its frames tell
  }
}

async function byFrames(file: DiskFile, size: number): Promise<PackContents> {
  const found = await walk(file, size);
  const records = found.map(({ start, label }): PackRecord => {
    const padded = Buffer.alloc(LABEL_BYTES);
    label.bytes.copy(padded);
    return { offset: start, length: label.recordLength, label: padded };
  });
  return { indexed: false, records, end: found.at(-1)?.end ?? PACK_HEADER_BYTES };
}
