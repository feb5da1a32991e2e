import { hostname } from 'node:os';
import { BACKUP_CHECK_JOB, BACKUP_JOB, type Backups } from '#contracts/backups';
import type { Jobs } from '#contracts/jobs';
import type { RunStore } from '#contracts/runs';
import { CloudStoreError } from '#core/errors';
import { backupHolder, refusal } from './backup-lock.ts';
import { backupPlace, backupSource } from './backup-place.ts';
import type { Config } from './config/load.ts';
import { masterKeyFile } from './key-files.ts';

/** Names of backups, as the check takes them from the wire. */
const NAME = /^\d{10}\.\d{1,15}\.[0-9a-f]{32}\.backup$/;

/** The contract is Backups. What is wrong with a place is told to who names it, and looked at again by the job. */
export function createBackups({ config, jobs, runs }: { config: Config; jobs: Jobs; runs: RunStore }): Backups {
  const { values } = config;
  return {
    async begin({ to, verify, keep }) {
      const place = await backupPlace(to, config);
      const holder = await backupHolder(place);
      if (holder !== null) throw refusal(to, holder);
      await jobs.start(BACKUP_JOB, { to: place, verify, keep });
    },
    async check({ from, name }) {
      if (name !== null && !NAME.test(name)) throw new CloudStoreError('invalid_argument', 'There is no backup of that name.');
      await jobs.start(BACKUP_CHECK_JOB, { from: await backupSource(from), name });
    },
    async history(limit) {
      const [backups, checks] = await Promise.all([runs.list('backup', limit), runs.list('backup-check', limit)]);
      return { backups, checks };
    },
    about: () => ({
      host: hostname(),
      dataDirectory: values['data-dir'],
      masterKey:
        values['master-key'] !== null
          ? { from: 'setting' }
          : values['master-passphrase'] !== null
            ? { from: 'passphrase' }
            : { from: 'file', path: masterKeyFile(values['data-dir']) },
    }),
  };
}
