import type { DiskFile } from '#contracts/disk-ops';
import { BLOCK_BYTES } from '#contracts/log';
import { writeFully } from './durable-write.ts';

/** What we use of it; its types come with the DOM's, which we are not in. */
declare const WebAssembly: { Memory: new (limits: { initial: number }) => { buffer: ArrayBuffer } };

/** Both halves together. */
const STAGING_BYTES = 8 << 20;

/** Memory at a page's border, in two halves: one is filled while the disk reads the other. */
export type Staging = readonly [Buffer, Buffer];

/**
 * WebAssembly's memory is the one that Node gives at a page's border. null: there is none.
 * @param bytes of both halves, a multiple of 64 KiB
 */
export function createStaging(bytes = STAGING_BYTES): Staging | null {
  try {
    const { buffer } = new WebAssembly.Memory({ initial: bytes / 65_536 });
    return [Buffer.from(buffer, 0, bytes / 2), Buffer.from(buffer, bytes / 2)];
  } catch {
    return null;
  }
}

export function nextBlock(position: number): number {
  return Math.ceil(position / BLOCK_BYTES) * BLOCK_BYTES;
}

/**
 * Writes buffers one behind the other past the page cache, and zeros up to the next block.
 * @param file from DiskOps.openDirect
 * @param position a multiple of BLOCK_BYTES
 */
export async function writeDirect(file: DiskFile, staging: Staging, buffers: Uint8Array[], position: number): Promise<void> {
  const halfBytes = staging[0].length;
  let at = position;
  let current: 0 | 1 = 0;
  let filled = 0;
  let writing: Promise<void> = Promise.resolve();

  async function flush(bytes: number): Promise<void> {
    await writing;
    writing = writeFully(file, [staging[current].subarray(0, bytes)], at);
    writing.catch(() => {}); // awaited ahead of the next one, or at the end
    at += bytes;
    current = current === 0 ? 1 : 0;
    filled = 0;
  }

  for (const buffer of buffers) {
    for (let from = 0; from < buffer.length; ) {
      const some = Math.min(buffer.length - from, halfBytes - filled);
      staging[current].set(buffer.subarray(from, from + some), filled);
      filled += some;
      from += some;
      if (filled === halfBytes) await flush(filled);
    }
  }
  if (filled > 0) {
    const end = nextBlock(filled);
    staging[current].fill(0, filled, end);
    await flush(end);
  }
  await writing;
}
