import type { DiskDesk } from '#contracts/disk-desk';
import type { Jobs } from '#contracts/jobs';
import type { Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { diskPlace } from './backup-place.ts';
import { addDisk, type DiskWork, drainDisk, listDisks, removeDisk, replaceDisk } from './cli/disks.ts';
import type { Config } from './config/load.ts';

export interface DiskDeskOptions extends DiskWork {
  config: Config;
  jobs: Jobs;
  random: Random;
}

/** The contract is DiskDesk: the command's code, into directories that are looked at, as those of backups are. */
export function createDiskDesk({ config, metadata, jobs, random }: DiskDeskOptions): DiskDesk {
  const work = { metadata };

  /** No store lies in another one. A row may name a directory of another machine: there it is only a name. */
  async function placeFor(directory: string, except: number | null): Promise<string> {
    const others = (await listDisks(work)).filter(({ number, kind }) => kind === 'local' && number !== 0 && number !== except);
    return diskPlace(directory, config, others);
  }

  return {
    list: () => listDisks(work),
    async add(directory) {
      await addDisk(work, await placeFor(directory, null), random);
    },
    async drain(number, cancel) {
      await drainDisk(work, number, cancel);
      if (!cancel) await jobs.start('drain');
    },
    remove: async (number) => void (await removeDisk(work, number)),
    async replace(number, directory) {
      if (number === 0)
        throw new CloudStoreError('conflict', 'Store 0 is the data directory; it moves with that, while no gateway runs.');
      const { missingPacks } = await replaceDisk(work, number, await placeFor(directory, number), random);
      return { missingPacks: missingPacks.length };
    },
  };
}
