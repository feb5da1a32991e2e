import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import type { DiskFile } from '#contracts/disk-ops';
import { nextBlock } from './direct-write.ts';
import { diskError } from './disk-error.ts';
import { readFully, writeFully } from './durable-write.ts';
import { madeAt, OPEN_DIRECTORY, openPath, type PackDirectory, processOf, sealPackFile } from './pack-file.ts';
import {
  createPackIndex,
  decodeFrame,
  decodePackHeader,
  encodePackHeader,
  FRAME_BYTES,
  LABEL_BYTES,
  PACK_HEADER_BYTES,
} from './pack-format.ts';

/** More than a lane can have written without an fsync: before this much from its end, a pack was confirmed by the disk. */
const UNCONFIRMED_BYTES_MAX = 256 << 20;
const WINDOW_BYTES = 1 << 20;
const FRAME_MAGIC = Buffer.from('CSFR');
const SEARCH_BYTES = 64 << 10;

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
 * an acknowledgement waits for the fsync of everything before it. Damage in the middle costs what it hit and no more. Empty ones are removed.
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
    const headed = decodePackHeader(header)?.id === id;
    const records = await wholeRecords(file, size);
    const end = records.length === 0 ? PACK_HEADER_BYTES : records.at(-1)!.end;
    if (records.length === 0) {
      await remove(packs, path);
    } else {
      // Its name and its records say all that the header did: one that was damaged is no reason to lose them.
      if (!headed) await writeFully(file, [encodePackHeader({ id, instance: packs.instance, created: madeAt(id) })], 0);
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

/**
 * Those whose bytes are what their frames say. One that is damaged between good ones stays where it is and out of the index: what lies behind it
 * may well have been acknowledged, and whoever looks for damage may be able to mend it.
 */
async function wholeRecords(file: DiskFile, size: number): Promise<FoundRecord[]> {
  const found = await walk(file, size);
  for (;;) {
    const next = await findFrame(file, found.at(-1)?.end ?? PACK_HEADER_BYTES, size);
    if (next === null) break;
    found.push(...(await walk(file, size, next)));
  }
  const end = found.at(-1)?.end ?? 0;
  const window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, end));
  const whole: FoundRecord[] = [];
  for (const record of found) {
    const confirmed = record.end < end - UNCONFIRMED_BYTES_MAX;
    if (confirmed || (await crcOf(file, record, window)) === record.crc) whole.push(record);
  }
  return whole;
}

/** Where frames lead no further, one of them may be damaged: looks for the next whole record in what follows, up to where nothing was written. */
async function findFrame(file: DiskFile, from: number, size: number): Promise<number | null> {
  const window = Buffer.alloc(SEARCH_BYTES);
  for (let base = from; base + FRAME_BYTES <= size; ) {
    const filled = await readFully(file, window, 0, window.length, base);
    const here = window.subarray(0, filled);
    if (here.every((byte) => byte === 0)) return null;
    for (let at = here.indexOf(FRAME_MAGIC); at >= 0 && at + FRAME_BYTES <= filled; at = here.indexOf(FRAME_MAGIC, at + 1)) {
      const frame = decodeFrame(here.subarray(at));
      if (frame === null) continue;
      const start = base + at + FRAME_BYTES;
      const record = { start, end: start + frame.length };
      if (record.end <= size && (await crcOf(file, record, Buffer.alloc(SEARCH_BYTES))) === frame.crc) return base + at;
    }
    if (filled < window.length) return null;
    base += filled - FRAME_BYTES + 1; // one may lie across the border
  }
  return null;
}

/**
 * From frame to frame, as far as they lead; a batch that was written past the page cache begins at the next block. Many small records are read
 * through one window.
 */
export async function walk(file: Pick<DiskFile, 'read'>, size: number, from = PACK_HEADER_BYTES): Promise<FoundRecord[]> {
  const out: FoundRecord[] = [];
  const window = Buffer.allocUnsafe(64 << 10);
  let base = 0;
  let filled = 0;
  for (let at = from; at + FRAME_BYTES <= size; ) {
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

export async function crcOf(
  file: Pick<DiskFile, 'read'>,
  { start, end }: Pick<FoundRecord, 'start' | 'end'>,
  window: Buffer,
): Promise<number> {
  let crc = 0;
  for (let at = start; at < end; ) {
    const length = Math.min(window.length, end - at);
    if ((await readFully(file, window, 0, length, at)) !== length) return -1;
    crc = crc32c(window.subarray(0, length), crc);
    at += length;
  }
  return crc;
}
