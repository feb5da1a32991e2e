import { Pencil } from 'lucide';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { BucketUsage, Job } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { changeRetention, retentionOf, sayRetention } from '../history/retention.tsx';
import { ago, bytes, t } from '../i18n/index.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { askForm } from '../ui/form.tsx';
import { useLoad } from '../ui/load.ts';
import { Show } from '../ui/page.tsx';
import { fail } from '../ui/toast.tsx';
import { CancelJob, isBusy, JobProgress } from './job-progress.tsx';
import { whole } from './json.ts';
import { gigabytes, quotaField, quotaFilesField, sayQuota } from './quota.ts';

/** How much a bucket may hold, what it takes, and for how long it keeps what it held. */
export function Limits({ bucket }: { bucket: string }) {
  const usage = useLoad(
    async () => (await client.call('GetUsage', {})).buckets.find((one) => one.name === bucket) ?? null,
    [bucket],
  );
  const retention = useLoad(() => retentionOf(bucket), [bucket]);
  const quota = async (now: BucketUsage | null): Promise<void> => {
    const done = await askForm({
      title: t('bucket.quota'),
      action: t('save'),
      fields: [quotaField(now?.quota.bytes ?? null), quotaFilesField(now?.quota.objects ?? null)],
      act: ({ quota: most = '', objects }) =>
        client.call('UpdateBucket', {
          path: { bucket },
          body: { quota: { bytes: gigabytes(most), objects: whole(objects) ?? null } },
        }),
    });
    if (done !== null) usage.reload();
  };
  return (
    <div class="settings-list">
      <Show of={usage} rows={1}>
        {(now) => (
          <Setting name={t('bucket.quota')} edit={() => void quota(now)}>
            {now === null ? '–' : sayUse(now)}
          </Setting>
        )}
      </Show>
      {usage.data !== null && <Taken physical={usage.data.physical} reload={usage.reload} />}
      <Show of={retention} rows={1}>
        {(now) => (
          <Setting
            name={t('bucket.history')}
            edit={() => void changeRetention(bucket).then((done) => done && retention.reload(), fail)}
          >
            {now === null ? '–' : sayRetention(now)}
          </Setting>
        )}
      </Show>
    </div>
  );
}

function sayUse({ objects, bytes: size, quota }: BucketUsage): string {
  const values = { count: objects, size: bytes(size) };
  if (quota.bytes === null && quota.objects === null) return t('bucket.usedFree', values);
  return t('bucket.used', { ...values, most: sayQuota({ quotaBytes: quota.bytes, quotaObjects: quota.objects }) });
}

const LOOK_MS = 1_500;

/** What its contents take after deduplication, as of when that was last counted; and that it can be counted now. */
function Taken({ physical, reload }: { physical: BucketUsage['physical']; reload: () => void }) {
  const [job, setJob] = useState<Job | null>(null);
  const busy = isBusy(job);
  useEffect(() => {
    if (!isBusy(job)) return;
    const look = async (): Promise<void> => {
      const now = await client.call('GetJob', { path: { name: job.name } });
      setJob(now);
      if (!isBusy(now)) reload();
    };
    const timer = setTimeout(() => void look().catch(fail), LOOK_MS);
    return () => clearTimeout(timer);
  }, [job]);
  const measure = async (): Promise<void> => {
    try {
      const begun = await client.call('MeasureUsage', {});
      setJob(begun);
      if (!isBusy(begun)) reload();
    } catch (error) {
      fail(error);
    }
  };
  return (
    <div class="setting">
      <h2>{t('bucket.taken')}</h2>
      <div class="setting-value">
        {physical === null
          ? t('bucket.neverMeasured')
          : t('bucket.takes', { own: bytes(physical.ownBytes + physical.inlineBytes), shared: bytes(physical.sharedBytes) })}{' '}
        {physical !== null && (
          <span class="muted">{physical.current ? t('bucket.exact') : t('bucket.asOf', { time: ago(physical.measured) })}</span>
        )}
        {busy && <JobProgress job={job} label={t('bucket.taken')} />}
      </div>
      <div class="row">
        {busy ? (
          <CancelJob name={job.name} label={t('bucket.taken')} done={() => undefined} />
        ) : (
          <Button disabled={physical?.current === true} onClick={() => void measure()}>
            {t('bucket.measure')}
          </Button>
        )}
      </div>
    </div>
  );
}

function Setting({ name, children, edit }: { name: string; children: ComponentChildren; edit: () => void }) {
  return (
    <div class="setting">
      <h2>{name}</h2>
      <div class="setting-value">{children}</div>
      <div class="row">
        <IconButton icon={Pencil} label={t('document.edit', { name })} onClick={edit} />
      </div>
    </div>
  );
}
