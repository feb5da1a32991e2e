import type { Log } from '#contracts/log';
import type { PackFile, PackFiles } from '#contracts/pack-files';
import type { Handlers } from './peer.ts';

/** The other processes that write the same directory. */
export interface Others {
  /** What each of them answers; those that do not, or not soon, are left out. */
  all<T>(what: string, value?: unknown): Promise<T[]>;
}

const OPEN = 'open packs';
const SEAL = 'seal packs';
const FORGET = 'forget pack';

/** Packs of a directory that several processes write. What they have open is asked of each, and a file that is removed must be let go by all, or its space stays taken. */
export function sharedPacks(own: PackFiles, others: Others): PackFiles {
  return {
    ...own,
    open: async () => [...(await own.open()), ...(await others.all<PackFile[]>(OPEN)).flat()],
    async seal() {
      await Promise.all([own.seal(), others.all(SEAL)]);
    },
    async remove(file) {
      await own.remove(file);
      await others.all(FORGET, file.pack);
    },
  };
}

/** The other end of it. */
export function answerPacks(log: Log): Handlers {
  return {
    [OPEN]: () => log.open().map(({ pack, size }): PackFile => ({ store: 0, pack, size })),
    [SEAL]: () => log.seal(),
    [FORGET]: (pack: string) => log.forget(pack),
  };
}
