import { hostname } from 'node:os';
import { nodeDiskOps } from '#blob/disk-ops';
import { createShelf } from '#blob/shelf';
import type { Authorizer } from '#contracts/authorizer';
import { BACKUP_CHECK_JOB, BACKUP_JOB, type Backups, type BackupThere, RESTORE_JOB } from '#contracts/backups';
import type { Buckets } from '#contracts/buckets';
import type { Jobs } from '#contracts/jobs';
import type { RunStore } from '#contracts/runs';
import type { Shelf } from '#contracts/shelf';
import type { Clock, Random } from '#core/clock';
import { isCloudStoreError } from '#core/errors';
import { backupHolder, refusal } from './backup-lock.ts';
import { assertBackupName, backupPlace, backupSource, restorePlace } from './backup-place.ts';
import { createBackupsInside } from './backups-inside.ts';
import { type BackupFile, backupFiles, backupPaths, readBackupList } from './cli/offline/backup-list.ts';
import { assertRestorable } from './cli/offline/restore.ts';
import type { Config } from './config/load.ts';
import { masterKeyFile } from './key-files.ts';

export interface BackupsOptions {
  config: Config;
  jobs: Jobs;
  runs: RunStore;
  buckets: Pick<Buckets, 'resolve'>;
  authorizer: Pick<Authorizer, 'require'>;
  clock: Clock;
  random: Random;
  /** Of now. */
  masterKey(): Buffer;
}

const OF_ONE_INSTALLATION = ['database-url', 'chunks-url', 'pack-dirs', 'mirror-dir', 'mirror-url'] as const;
/** Of a directory, so many are looked into. */
const LOOKED_INTO_MAX = 50;

/** The contract is Backups. What is wrong with a place is told to who names it, and looked at again by the job. */
export function createBackups(options: BackupsOptions): Backups {
  const { config, jobs, runs, masterKey } = options;
  const { values } = config;
  const inside = createBackupsInside(options);
  return {
    ...inside,
    async begin({ to, verify, keep }) {
      const place = await backupPlace(to, config);
      const holder = await backupHolder(place);
      if (holder !== null) throw refusal(to, holder);
      await jobs.start(BACKUP_JOB, { to: place, verify, keep });
    },
    async check({ from, name }) {
      if (name !== null) assertBackupName(name);
      await jobs.start(BACKUP_CHECK_JOB, { from: await backupSource(from), name });
    },
    async look(from) {
      const directory = await backupSource(from);
      const lists = createShelf({ directory: backupPaths(directory).lists, disk: nodeDiskOps() });
      const files = (await backupFiles(lists)).reverse();
      const backups: BackupThere[] = [];
      for (const file of files.slice(0, LOOKED_INTO_MAX)) backups.push(await lookInto(lists, file, masterKey()));
      return { directory, backups, count: files.length };
    },
    async restore({ from, name, to }) {
      assertBackupName(name);
      const source = await backupSource(from);
      const place = await restorePlace(to, source, config);
      await assertRestorable(place, name);
      await jobs.start(RESTORE_JOB, { from: source, name, to: place });
    },
    async history(limit) {
      const [backups, checks, restores, extracts] = await Promise.all([
        runs.list('backup', limit),
        runs.list('backup-check', limit),
        runs.list('restore', limit),
        runs.list('backup-extract', limit),
      ]);
      return { backups, checks, restores, extracts };
    },
    about: () => ({
      host: hostname(),
      dataDirectory: values['data-dir'],
      settingsApart: OF_ONE_INSTALLATION.filter((name) => config.sources[name] !== 'default'),
      masterKey:
        values['master-key'] !== null
          ? { from: 'setting' }
          : values['master-passphrase'] !== null
            ? { from: 'passphrase' }
            : { from: 'file', path: masterKeyFile(values['data-dir']) },
    }),
  };
}

async function lookInto(lists: Shelf, { name, takenMs }: BackupFile, masterKey: Buffer): Promise<BackupThere> {
  try {
    const { packs } = await readBackupList(lists, name, masterKey);
    return { name, takenMs, holds: { packs: packs.length, bytes: packs.reduce((sum, { bytes }) => sum + bytes, 0) }, why: null };
  } catch (error) {
    if (!isCloudStoreError(error)) throw error;
    return { name, takenMs, holds: null, why: error.message };
  }
}
