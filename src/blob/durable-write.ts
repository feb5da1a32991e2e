import { dirname } from 'node:path';
import type { DiskFile, DiskOps } from '#contracts/disk-ops';
import { CloudStoreError } from '#core/errors';

/** Linux takes at most 1,024 buffers a call (IOV_MAX). */
const BUFFERS_MAX = 1024;

/**
 * The one way in which a whole file comes to be: written beside its place, fsynced, renamed, directory fsynced.
 * When it resolves, the file is complete and durable; when it rejects, `path` is as it was.
 * @param temporary on the same file system as `path`; removed on failure
 * @param size null where it is not known beforehand
 * @returns the bytes written
 * @throws incomplete_body when the body is not of `size` bytes; what the disk says
 */
export async function writeDurably(
  disk: DiskOps,
  temporary: string,
  path: string,
  body: AsyncIterable<Uint8Array>,
  size: number | null,
): Promise<number> {
  const file = await disk.open(temporary, 'w');
  let open = true;
  let position = 0;
  try {
    for await (const chunk of body) {
      position += chunk.length;
      if (size !== null && position > size) break;
      await writeFully(file, [chunk], position - chunk.length);
    }
    if (size !== null && position !== size)
      throw new CloudStoreError('incomplete_body', `The blob has ${position} bytes, ${size} were declared.`);
    await file.sync();
    open = false;
    await file.close();
    await disk.rename(temporary, path);
  } catch (error) {
    // The first error is the one to report: a full disk may well refuse these too.
    if (open) await file.close().catch(ignore);
    await disk.unlink(temporary).catch(ignore);
    throw error;
  }
  await disk.syncDirectory(dirname(path));
  return position;
}

/**
 * Makes a directory within one of ours, both where missing; when it resolves, neither goes with the power. Synced at every start, because an earlier
 * one may have died between the two steps.
 * @param above false: ENOENT where the one of ours is missing
 */
export async function makeDirectoryDurably(disk: DiskOps, path: string, above = true): Promise<void> {
  await disk.mkdir(path, 0o700, above);
  await disk.syncDirectory(dirname(path));
  await disk.syncDirectory(dirname(dirname(path)));
}

/** Writes all of the buffers, however short the single writes turn out. */
export async function writeFully(file: DiskFile, buffers: Uint8Array[], position: number): Promise<void> {
  let rest = buffers;
  let at = position;
  while (rest.length > 0) {
    const some = rest.length > BUFFERS_MAX ? rest.slice(0, BUFFERS_MAX) : rest;
    let written = await file.writev(some, at);
    if (written === 0 && some.some((buffer) => buffer.length > 0)) {
      throw Object.assign(new Error('a write took no byte'), { code: 'EIO' });
    }
    at += written;
    let index = 0;
    while (index < some.length && written >= some[index]!.length) written -= some[index++]!.length;
    rest = rest.slice(index);
    if (written > 0) rest[0] = rest[0]!.subarray(written);
  }
}

/** Reads exactly `length` bytes; fewer only at the end of the file. */
export async function readFully(
  file: Pick<DiskFile, 'read'>,
  into: Uint8Array,
  offset: number,
  length: number,
  position: number,
): Promise<number> {
  let done = 0;
  while (done < length) {
    const bytes = await file.read(into, offset + done, length - done, position + done);
    if (bytes === 0) break;
    done += bytes;
  }
  return done;
}

function ignore(): void {}
