import { userFreshly } from '#auth/confirmation';
import { type CheckDesk, STORE_CHECK_JOB, type StoreToCheck, VERIFY_JOB } from '#contracts/check-desk';
import type { Jobs } from '#contracts/jobs';
import type { Seal } from '#contracts/seal';
import type { Clock, Random } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { describeS3Location, parseS3Location } from '#core/s3-location';
import type { Metadata } from '#metadata/open';
import { diskPlace } from './backup-place.ts';
import { listDisks } from './cli/disks.ts';
import type { Config } from './config/load.ts';
import { pathOf } from './disks.ts';
import { type OrderedCheck, sealOrder } from './store-check-job.ts';

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
  /** One that runs already would go on as it was asked for, and this one be forgotten. */
  async function begin(job: string, argument: object): Promise<string> {
    const ask = random(12).toString('hex');
    const busy = (await jobs.list()).some(({ name, state }) => name === job && state !== 'idle');
    if (busy) throw new CloudStoreError('conflict', 'Another check of this kind is running; wait for it, or cancel it.');
    await jobs.start(job, { ...argument, ask });
    return ask;
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
