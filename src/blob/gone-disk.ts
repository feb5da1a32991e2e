import { join } from 'node:path';
import type { DiskFile, DiskOps } from '#contracts/disk-ops';
import { codeOf } from './disk-error.ts';
import type { OpenFiles } from './open-files.ts';

/** Whether a disk that reported a fault is gone: pulled out, and its file system still mounted. Asked again and again, it looks once at a time. */
export type GoneDisk = () => Promise<boolean>;

const FAULTS: ReadonlySet<string | undefined> = new Set(['EIO', 'ENODEV', 'ENXIO', 'ENOTCONN', 'ESTALE']);
const PLACES = 4;
/** A step that comes near every place of a file, and back to none soon: what was read once lies in memory. */
const STEP = 0.618_034;
const SAMPLE_BYTES = 512;

/** A disk with sectors that cannot be read takes what is written, or, where the system let nobody write to it any more, reads elsewhere. */
export function createGoneDisk(disk: DiskOps, directory: string): GoneDisk {
  let looking: Promise<boolean> | null = null;
  let turn = 0;

  async function takesNothing(): Promise<boolean> {
    const path = join(directory, 'tmp', 'probe');
    try {
      const file = await disk.open(path, 'w');
      try {
        await file.writev([Buffer.of(0)], 0);
        await file.sync();
      } finally {
        await file.close();
      }
      await disk.unlink(path);
      return false;
    } catch (error) {
      return FAULTS.has(codeOf(error)) || (codeOf(error) === 'EROFS' && (await readsNothing()));
    }
  }

  async function readsNothing(): Promise<boolean> {
    try {
      const packs = (await disk.readdir(directory)).filter((name) => name.endsWith('.pack'));
      for (let n = 0; n < PLACES && packs.length > 0; n++) if (await reads(packs)) return false;
      return packs.length > 0;
    } catch (error) {
      return FAULTS.has(codeOf(error));
    }
  }

  async function reads(packs: string[]): Promise<boolean> {
    const share = (++turn * STEP) % 1;
    const path = join(directory, packs[turn % packs.length]!);
    try {
      const file = await disk.open(path, 'r');
      try {
        const at = Math.floor((await file.size()) * share);
        await file.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, at);
      } finally {
        await file.close();
      }
      return true;
    } catch (error) {
      return !FAULTS.has(codeOf(error));
    }
  }

  return () => {
    looking ??= takesNothing().finally(() => (looking = null));
    return looking;
  };
}

/**
 * Reads of an open file; where the disk reports a fault, once more of the file opened anew, for the disk may have been taken away and be back.
 * @throws what the disk says; ENODEV in place of EIO where it is gone: then what lies on it is out of reach, and no damage
 */
export async function readSurely<T>(
  files: OpenFiles,
  name: string,
  read: (file: DiskFile) => Promise<T>,
  gone: GoneDisk,
): Promise<T> {
  try {
    return await files.with(name, read);
  } catch (error) {
    if (!FAULTS.has(codeOf(error))) throw error;
  }
  if (files.pinned(name) === null) await files.forget(name);
  try {
    return await files.with(name, read);
  } catch (error) {
    if (codeOf(error) !== 'EIO' || !(await gone())) throw error;
    throw Object.assign(new Error('the disk is gone', { cause: error }), { code: 'ENODEV' });
  }
}
