import { Square } from 'lucide';
import type { Job } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { ago, bytes, duration, fromGateway, number, percent, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { fail } from '../ui/toast.tsx';

/** How far a job is that runs or was asked for, and how long it will take at this pace. */
export function JobProgress({ job, label }: { job: Job; label: string }) {
  const { state, progress, started } = job;
  const total = progress?.total ?? 0;
  const known = progress !== null && total > 0;
  return (
    <>
      {known ? <progress value={progress.done} max={total} aria-label={label} /> : <progress aria-label={label} />}
      <p class="small muted">
        {progress === null
          ? t(state === 'requested' ? 'jobs.requested' : 'jobs.running')
          : known
            ? `${amount(progress.done, progress.unit)} / ${amount(total, progress.unit)} · ${percent(progress.done / total)}`
            : amount(progress.done, progress.unit)}
        {started !== null && ` · ${t('jobs.since', { time: ago(started) })}`}
        {known && left(job, total)}
      </p>
    </>
  );
}

export function CancelJob({ name, label, done }: { name: string; label: string; done: () => void }) {
  const cancel = (): void => void client.call('CancelJob', { path: { name } }).then(done, fail);
  return (
    <Button icon={Square} onClick={cancel} label={t('cancelOf', { name: label })}>
      {t('cancel')}
    </Button>
  );
}

export function isBusy(job: Job | null): job is Job & { state: 'requested' | 'running' } {
  return job !== null && job.state !== 'idle';
}

/** Units are words of the gateway. */
function amount(value: number, unit: string): string {
  return unit === 'bytes' ? bytes(value) : `${number(value)} ${fromGateway(unit)}`;
}

const SHARE_MIN = 0.02;

function left({ progress, started }: Job, total: number): string {
  const share = (progress?.done ?? 0) / total;
  if (started === null || share < SHARE_MIN || share >= 1) return '';
  const seconds = ((Date.now() - Date.parse(started)) / 1000) * (1 / share - 1);
  return seconds < 1 ? '' : ` · ${t('jobs.left', { time: duration(seconds) })}`;
}
