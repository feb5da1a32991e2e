import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDiskOps } from '#blob/disk-ops';
import { createLog } from '#blob/log';
import type { ChunkPlace } from '#contracts/content';
import type { DiskOps } from '#contracts/disk-ops';
import { CLOCK } from './golden.ts';
import { seededRandom } from './random.ts';

/** Batches of records, each written at once: two in one, one that ends in the middle of a block, one that ends at its border, one of several blocks. */
const BATCHES = [[500, 1500], [5000], [4096 - 16], [9000, 1]];
export const DIRECT_RECORDS = BATCHES.flat().map((size, n) => seededRandom(`direct ${n}`)(size));

/** Direct writes on every file system: as they are asked for, through the page cache. */
function directAnywhere(): DiskOps {
  const disk = nodeDiskOps();
  return {
    ...disk,
    async openDirect(path) {
      const file = await disk.open(path, 'r+');
      return {
        ...file,
        writev(buffers, position) {
          const unaligned = [position, ...buffers.map(({ length }) => length)].some((bytes) => bytes % 4096 !== 0);
          if (unaligned) throw new Error('a direct write that no disk would take');
          return file.writev(buffers, position);
        },
      };
    },
  };
}

/**
 * Packs whose batches were written past the page cache: one that was sealed, in open/ one that was open when the power failed in the middle of its
 * last batch, and `places.json`, where each record lies in the sealed one.
 */
export async function makeDirect(directory: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'cloudstore-golden-'));
  mkdirSync(join(directory, 'open'), { recursive: true });
  try {
    const make = async (seed: string) => {
      const log = await createLog({ directory: work, disk: directAnywhere(), clock: CLOCK, random: seededRandom(seed) });
      const places: ChunkPlace[] = [];
      let next = 0;
      for (const batch of BATCHES) {
        const records = DIRECT_RECORDS.slice(next, (next += batch.length));
        places.push(...(await Promise.all(records.map((record) => log.appendUnsynced([record])))));
        await log.sync(places);
      }
      return { log, places, name: `${places[0]!.pack}.pack` };
    };
    const sealed = await make('direct packs');
    await sealed.log.close();
    copyFileSync(join(work, sealed.name), join(directory, sealed.name));
    writeFileSync(join(directory, 'places.json'), `${JSON.stringify(sealed.places, null, 2)}\n`);
    const open = await make('direct open packs');
    const torn = join(directory, 'open', open.name);
    copyFileSync(join(work, 'open', open.name), torn);
    truncateSync(torn, open.places.at(-2)!.offset + 4096);
    await open.log.close();
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export function packsOf(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.endsWith('.pack'));
}
