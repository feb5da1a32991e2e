import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import type { DiskFile } from '#contracts/disk-ops';
import { nextBlock } from './direct-write.ts';
import { diskError } from './disk-error.ts';
import { readFully } from './durable-write.ts';
import { OPEN_DIRECTORY, openPath, type PackDirectory, processOf, sealPackFile } from './pack-file.ts';
import { createPackIndex, decodeFrame, decodePackHeader, FRAME_BYTES, LABEL_BYTES, PACK_HEADER_BYTES } from './pack-format.ts';

/** More than a lane can have written without an fsync: before this much from its end, a pack was confirmed by the disk. */
const UNCONFIRMED_BYTES_MAX = 256 << 20;
const WINDOW_BYTES = 1 << 20;

export interface Recovered {
  id: string;
  records: number;
  /** Where the records end. */
  end: number;
  /** What lay behind them. */
  cutBytes: number;
}

/**
 * Seals what a crash left open: each pack is cut at its last whole record. What comes behind was never acknowledged, because
 * an acknowledgement waits for the fsync of everything before it. Empty ones are removed.
 * `of` a process: of its dead predecessor only, while the packs of other processes are being written.
 * @throws unavailable, insufficient_storage; corrupt for a pack of another format version
 */
export async function recoverOpenPacks(packs: PackDirectory, of: 'all' | 'own'): Promise<Recovered[]> {
  const { disk, directory } = packs;
  const out: Recovered[] = [];
  try {
    for (const name of (await disk.readdir(join(directory, OPEN_DIRECTORY))).sort()) {
      const id = /^([0-9a-f]{32})\.pack$/.exec(name)?.[1];
      if (id === undefined || (of === 'own' && processOf(id) !== packs.process)) continue;
      out.push(await recover(packs, id));
    }
  } catch (error) {
    throw diskError(error, 'recovering packs');
  }
  return out;
}

async function recover(packs: PackDirectory, id: string): Promise<Recovered> {
  const { disk } = packs;
  const path = openPath(packs, id);
  const file = await disk.open(path, 'r+');
  try {
    const size = await file.size();
    const header = Buffer.alloc(PACK_HEADER_BYTES);
    await readFully(file, header, 0, header.length, 0);
    const records = decodePackHeader(header)?.id === id ? await wholeRecords(file, size) : [];
    const end = records.length === 0 ? PACK_HEADER_BYTES : records.at(-1)!.end;
    if (records.length === 0) {
      await remove(packs, path);
    } else {
      const index = createPackIndex();
      for (const { start, label } of records) index.add(start, label.recordLength, [label.bytes]);
      await sealPackFile({ id, packs, file, begun: 0, direct: null, index, tail: end, synced: end, allocated: size });
      // A crash between the two halves of a rename leaves both names where no journal joins them, and then renaming is no work at all (POSIX).
      if ((await disk.stat(path)) !== null) await remove(packs, path);
    }
    return { id, records: records.length, end, cutBytes: Math.max(0, size - end) };
  } finally {
    await file.close();
  }
}

async function remove({ disk, directory }: PackDirectory, path: string): Promise<void> {
  await disk.unlink(path);
  await disk.syncDirectory(join(directory, OPEN_DIRECTORY));
}

export interface FoundRecord {
  /** Of the record, behind its frame. */
  start: number;
  end: number;
  crc: number;
  label: { bytes: Buffer; recordLength: number };
}

async function wholeRecords(file: DiskFile, size: number): Promise<FoundRecord[]> {
  const found = await walk(file, size);
  const end = found.at(-1)?.end ?? 0;
  const window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, end));
  for (const [index, record] of found.entries()) {
    if (record.end < end - UNCONFIRMED_BYTES_MAX) continue;
    if ((await crcOf(file, record, window)) !== record.crc) return found.slice(0, index);
  }
  return found;
}

/**
 * From frame to frame, as far as they lead; a batch that was written past the page cache begins at the next block. Many small records are read
 * through one window.
 */
export async function walk(file: Pick<DiskFile, 'read'>, size: number): Promise<FoundRecord[]> {
  const out: FoundRecord[] = [];
  const window = Buffer.allocUnsafe(64 << 10);
  let base = 0;
  let filled = 0;
  for (let at = PACK_HEADER_BYTES; at + FRAME_BYTES <= size; ) {
    const need = FRAME_BYTES + LABEL_BYTES;
    if (at < base || at + need > base + filled) {
      base = at;
      filled = await readFully(file, window, 0, window.length, at);
    }
    const here = window.subarray(at - base, filled);
    const frame = decodeFrame(here);
    if (frame === null) {
      if (nextBlock(at) === at) break;
      at = nextBlock(at);
      continue;
    }
    const start = at + FRAME_BYTES;
    const end = start + frame.length;
    if (end > size) break;
    const bytes = Buffer.from(here.subarray(FRAME_BYTES, FRAME_BYTES + Math.min(LABEL_BYTES, frame.length)));
    out.push({ start, end, crc: frame.crc, label: { bytes, recordLength: frame.length } });
    at = end;
  }
  return out;
}

export async function crcOf(file: Pick<DiskFile, 'read'>, { start, end }: FoundRecord, window: Buffer): Promise<number> {
  let crc = 0;
  for (let at = start; at < end; ) {
    const length = Math.min(window.length, end - at);
    if ((await readFully(file, window, 0, length, at)) !== length) return -1;
    crc = crc32c(window.subarray(0, length), crc);
    at += length;
  }
  return crc;
}
