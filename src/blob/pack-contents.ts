import type { DiskFile } from '#contracts/disk-ops';
import type { PackContents, PackRecord, PackVerdict } from '#contracts/pack-reader';
import { CloudStoreError } from '#core/errors';
import { readFully } from './durable-write.ts';
import {
  decodePackHeader,
  decodePackIndex,
  decodePackTrailer,
  LABEL_BYTES,
  PACK_HEADER_BYTES,
  TRAILER_BYTES,
} from './pack-format.ts';
import { crcOf, walk } from './pack-recovery.ts';

/** A pack as something to read, wherever it lies. */
export type ReadablePack = Pick<DiskFile, 'read' | 'size'>;

const WINDOW_BYTES = 1 << 20;

/** The contract is PackReader's. */
export async function contentsOf(file: ReadablePack, id: string): Promise<PackContents> {
  const size = await file.size();
  await assertHeader(file, id);
  return (await byIndex(file, size)) ?? byFrames(file, size);
}

/** The contract is PackReader's. */
export async function verdictOf(file: ReadablePack, id: string, signal?: AbortSignal): Promise<PackVerdict> {
  const size = await file.size();
  await assertHeader(file, id);
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
  const same = index?.records.length === found.length && index.records.every(({ offset }, at) => offset === found[at]!.start);
  // What the index names and no frame leads to is lost as well.
  const reached = new Set(found.map(({ start }) => start));
  for (const { offset } of index?.records ?? []) if (!reached.has(offset)) damaged.push(offset);
  return { records: found.length, damaged, indexGood: index !== null && same === true, end };
}

async function assertHeader(file: ReadablePack, id: string): Promise<void> {
  const header = Buffer.alloc(PACK_HEADER_BYTES);
  await readFully(file, header, 0, header.length, 0);
  if (decodePackHeader(header)?.id !== id) throw new CloudStoreError('corrupt', `The pack ${id} does not begin as one.`);
}

/** null: no good index. */
async function byIndex(file: ReadablePack, size: number): Promise<(PackContents & { limit: number }) | null> {
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

async function byFrames(file: ReadablePack, size: number): Promise<PackContents> {
  const found = await walk(file, size);
  const records = found.map(({ start, label }): PackRecord => {
    const padded = Buffer.alloc(LABEL_BYTES);
    label.bytes.copy(padded);
    return { offset: start, length: label.recordLength, label: padded };
  });
  return { indexed: false, records, end: found.at(-1)?.end ?? PACK_HEADER_BYTES };
}
