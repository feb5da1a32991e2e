import { dirname } from 'node:path';
import { codeOf, diskError } from '#blob/disk-error';
import { readFully, writeDurably, writeFully } from '#blob/durable-write';
import type { DiskFile, DiskOps } from '#contracts/disk-ops';
import type { PackReader } from '#contracts/pack-reader';
import { isCloudStoreError } from '#core/errors';
import { untilAborted } from '../../snapshots.ts';

const PIECE_BYTES = 1 << 20;

/** A whole copy under its name, or none. false: the source is not there any more. @throws insufficient_storage, unavailable; the signal's reason */
export async function copyFile(
  disk: DiskOps,
  from: string,
  to: string,
  bytes: number | null,
  signal?: AbortSignal,
): Promise<boolean> {
  const source = await openSource(disk, from);
  if (source === null) return false;
  try {
    await disk.mkdir(dirname(to), 0o700);
    const size = bytes ?? (await source.size());
    await writeDurably(disk, `${to}.new`, to, untilAborted(piecesOf(source, 0, size), signal), size);
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    throw diskError(error, `copying ${from} to ${to}`);
  } finally {
    await source.close();
  }
}

/** The first bytes of a pack, from wherever it lies, as a whole file or none. false: it is not there any more. @throws insufficient_storage, unavailable; the signal's reason */
export async function copyPack(
  disk: DiskOps,
  packs: PackReader,
  id: string,
  to: string,
  bytes: number,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    await disk.mkdir(dirname(to), 0o700);
    await writeDurably(disk, `${to}.new`, to, untilAborted(packs.bytes(id, 0, bytes), signal), bytes);
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    if (isCloudStoreError(error, 'not_found')) return false;
    throw diskError(error, `copying the pack ${id} to ${to}`);
  }
}

/** What comes behind the first `at` bytes, up to `end`. The copy ends there then. */
export async function appendPack(
  disk: DiskOps,
  packs: PackReader,
  id: string,
  to: string,
  { at, end, signal }: { at: number; end: number; signal?: AbortSignal | undefined },
): Promise<boolean> {
  try {
    const target = await disk.open(to, 'r+');
    try {
      let position = at;
      for await (const piece of untilAborted(packs.bytes(id, at, end), signal)) {
        await writeFully(target, [piece], position);
        position += piece.length;
      }
      await target.truncate(end);
      await target.sync();
    } finally {
      await target.close();
    }
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    if (isCloudStoreError(error, 'not_found')) return false;
    throw diskError(error, `copying the pack ${id} to ${to}`);
  }
}

/** null: it is not there. */
async function openSource(disk: DiskOps, path: string): Promise<DiskFile | null> {
  try {
    return await disk.open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw diskError(error, `reading ${path}`);
  }
}

async function* piecesOf(file: DiskFile, from: number, end: number): AsyncGenerator<Buffer> {
  for (let at = from; at < end; ) {
    const into = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end - at));
    const bytes = await readFully(file, into, 0, into.length, at);
    if (bytes > 0) yield into.subarray(0, bytes);
    if (bytes < into.length) return; // whoever counts sees that it is shorter
    at += bytes;
  }
}
