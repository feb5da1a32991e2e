import { setTimeout as sleep } from 'node:timers/promises';
import { userFreshly } from '#auth/confirmation';
import { type CheckDesk, STORE_CHECK_JOB, type StoreToCheck, VERIFY_JOB } from '#contracts/check-desk';
import type { Jobs } from '#contracts/jobs';
import type { Seal } from '#contracts/seal';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { describeS3Location, parseS3Location } from '#core/s3-location';
import type { Metadata } from '#metadata/open';
import { diskPlace } from './backup-place.ts';
import { listDisks } from './cli/disks.ts';
import type { Config } from './config/load.ts';
import { pathOf } from './disks.ts';
import { type OrderedCheck, sealOrder } from './store-check-job.ts';

const WAIT_MS = [20, 50, 100, 200, 500, 1000];

export interface CheckDeskOptions {
  config: Config;
  metadata: Pick<Metadata, 'stores' | 'instance' | 'runs' | 'store' | 'buckets'>;
  jobs: Jobs;
  seal: Seal;
  clock: Clock;
  random: Random;
}

/** The contract is CheckDesk. What is wrong with a place is told to who names it. */
export function createCheckDesk({ config, metadata, jobs, seal, clock, random }: CheckDeskOptions): CheckDesk {
  /** One that runs already would go on as it was asked for, and this one be forgotten; one that has told its end is over in a moment. */
  async function begin(job: typeof VERIFY_JOB | typeof STORE_CHECK_JOB, argument: object): Promise<string> {
    const ask = random(12).toString('hex');
    for (let tries = 0; ; tries++) {
      try {
        await jobs.startAlone(job, { ...argument, ask });
        return ask;
      } catch (error) {
        if (!isCloudStoreError(error, 'conflict')) throw error;
        const wait = WAIT_MS[tries];
        if (wait === undefined || !(await isEnding(job)))
          throw new CloudStoreError('conflict', 'Another check of this kind is running; wait for it, or cancel it.');
        await sleep(wait);
      }
    }
  }

  /** What it has to tell of its run is there, and it is about to stop. */
  async function isEnding(job: typeof VERIFY_JOB | typeof STORE_CHECK_JOB): Promise<boolean> {
    const [[last], all] = await Promise.all([metadata.runs.list(job, 1), jobs.list()]);
    const { state, startedMs } = all.find(({ name }) => name === job) ?? { state: 'idle', startedMs: null };
    return state === 'idle' || (state === 'running' && last !== undefined && startedMs !== null && last.endedMs >= startedMs);
  }

  async function orderOf(store: StoreToCheck): Promise<OrderedCheck> {
    const disks = (await listDisks({ metadata })).filter(({ kind }) => kind === 'local');
    if (store.kind === 'directory') {
      const others = disks.filter(({ number }) => number !== 0);
      return { kind: 'directory', directory: await diskPlace(store.directory, config, others) };
    }
    if (store.kind === 's3') return { kind: 's3', url: urlOf(store) };
    const row = (await metadata.stores.list()).find(({ number, state }) => number === store.number && state !== 'removed');
    if (row === undefined) throw new CloudStoreError('not_found', `There is no store ${store.number}.`);
    if (row.kind === 'local') {
      if (disks.find(({ number }) => number === row.number)?.present !== true)
        throw new CloudStoreError('conflict', `Store ${row.number} is not there, or cannot be read; the check-up says more.`);
      return { kind: 'directory', directory: pathOf(row.location) };
    }
    const url = config.values['chunks-url'];
    if (url === null || describeS3Location(parseS3Location(url)) !== row.location)
      throw new CloudStoreError('conflict', `Store ${row.number} is not the one that chunks-url names.`);
    return { kind: 's3', url };
  }

  return {
    async verify({ bucket, key, versionId }) {
      const found = await metadata.buckets.resolve(null, bucket);
      const at = { bucket: found?.id ?? 0, key };
      const info =
        found === null
          ? null
          : versionId === null
            ? await metadata.store.current(at)
            : await metadata.store.version(at, versionId, { hidden: true });
      if (info === null || info.content === null) throw new CloudStoreError('not_found', 'There is nothing at this key.');
      return begin(VERIFY_JOB, { bucket, key, ...(versionId === null ? {} : { version: versionId }) });
    },
    async checkStore(who, store) {
      // Else whoever found a session open could have the gateway call any machine of its network.
      if (store.kind === 's3') userFreshly(who, clock);
      return begin(STORE_CHECK_JOB, sealOrder(seal, await orderOf(store)));
    },
    async history(limit) {
      const [files, stores] = await Promise.all([
        metadata.runs.list('verify', limit),
        metadata.runs.list('check-storage', limit),
      ]);
      return { files, stores };
    },
  };
}

/** As the command takes it. @throws invalid_argument */
function urlOf({ bucket, prefix, endpoint, region, accessKeyId, secretAccessKey }: StoreToCheck & { kind: 's3' }): string {
  const query = new URLSearchParams({ ...(endpoint && { endpoint }), ...(region && { region }) });
  const key = `${encodeURIComponent(accessKeyId)}:${encodeURIComponent(secretAccessKey)}`;
  const path = prefix.split('/').map(encodeURIComponent).join('/');
  const url = `s3://${key}@${bucket}/${path}${query.size === 0 ? '' : `?${query}`}`;
  parseS3Location(url);
  return url;
}
