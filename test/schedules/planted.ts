import type { DiskFile, DiskOps } from '#contracts/disk-ops';
import type { Planted } from './schedule.ts';

/** Mistakes that somebody may make one day, each of which the schedules must find. */
export const PLANTED: Record<string, Planted> = {
  'no fsync of any directory': { disk: (disk) => ({ ...disk, syncDirectory: async () => undefined }) },
  'no fsync of the directory of open packs': {
    disk: (disk) => ({
      ...disk,
      syncDirectory: async (path) => (path.endsWith('/open') ? undefined : disk.syncDirectory(path)),
    }),
  },
  'no fsync of a pack that is sealed': { disk: (disk) => withFiles(disk, (file) => ({ ...file, sync: async () => undefined })) },
  'no fdatasync': { disk: (disk) => withFiles(disk, (file) => ({ ...file, datasync: async () => undefined })) },
  'an answer before the fsync': { log: (log) => ({ ...log, append: (record) => log.appendUnsynced(record) }) },
  'an answer before the commit': { tellsEarly: true },
  'a pack trusted after its fsync failed, because the next one did not': {
    disk: (disk) =>
      withFiles(disk, (file) => ({
        ...file,
        datasync: () => file.datasync().catch(() => file.datasync()),
        sync: () => file.sync().catch(() => file.sync()),
      })),
  },
  'a full disk taken for a short write': {
    disk: (disk) =>
      withFiles(disk, (file) => ({
        ...file,
        writev: (buffers, position) =>
          file.writev(buffers, position).catch(() => buffers.reduce((sum, { length }) => sum + length, 0)),
      })),
  },
};

function withFiles(disk: DiskOps, wrap: (file: DiskFile) => DiskFile): DiskOps {
  return {
    ...disk,
    open: async (...args) => wrap(await disk.open(...args)),
    async openDirect(path) {
      const file = await disk.openDirect(path);
      return file && wrap(file);
    },
  };
}
