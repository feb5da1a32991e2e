import { Play } from 'lucide';
import type { Job } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { ago, bytes, compareNames, duration, fromGateway, isText, type MessageKey, t } from '../i18n/index.ts';
import { href } from '../router.ts';
import { Button } from '../ui/button.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Show } from '../ui/page.tsx';
import { fail } from '../ui/toast.tsx';
import { CancelJob, isBusy, JobProgress } from './job-progress.tsx';

const EVERY_MS = 2_000;

/** What goes on behind the requests: how far it is, how it ended, and that it can be started and stopped. */
export function JobsPage() {
  const jobs = useLoad(async () => (await client.call('ListJobs', {})).jobs, [], EVERY_MS);
  const start = (name: string, argument?: object): void =>
    void client.call('StartJob', { path: { name }, body: argument === undefined ? {} : { argument } }).then(jobs.reload, fail);
  return (
    <Page title={t('admin.jobs')} text={t('jobs.text')}>
      <Show of={jobs}>
        {(list) => (
          <div class="jobs">
            {[...list].sort(byWeight).map((job) => (
              <JobCard key={job.name} job={job} start={(argument) => start(job.name, argument)} reload={jobs.reload} />
            ))}
          </div>
        )}
      </Show>
    </Page>
  );
}

/** What people call it; commands and messages call it by its name. */
function jobTitle(name: string): string {
  const key = `jobName.${name}`;
  return isText(key) ? t(key) : name;
}

/** What runs and what failed comes first, else in the order of what they are called. */
function byWeight(a: Job, b: Job): number {
  const weight = (job: Job): number => (isBusy(job) ? 0 : job.outcome?.kind === 'failed' ? 1 : 2);
  return weight(a) - weight(b) || compareNames()(jobTitle(a.name), jobTitle(b.name));
}

/** Those that have to be told what to do begin elsewhere. */
const ELSEWHERE: Record<string, string> = {
  backup: href('admin', ['backups']),
  'backup-check': href('admin', ['backups']),
  'backup-extract': href('admin', ['backups']),
  'backup-open': href('admin', ['backups']),
  restore: href('admin', ['backups']),
  drain: href('admin', ['storage']),
  verify: href('admin', ['storage']),
  'check-storage': href('admin', ['storage']),
  rekey: href('admin', ['keys']),
};

/** Jobs that can be run another way too. */
const LIGHTER: Record<string, { label: MessageKey; argument: object }> = {
  gc: { label: 'jobs.onlyCount', argument: { dryRun: true } },
};

function JobCard({ job, start, reload }: { job: Job; start: (argument?: object) => void; reload: () => void }) {
  const { name, outcome, ended, started } = job;
  const busy = isBusy(job);
  const text = `job.${name}` as MessageKey;
  const title = jobTitle(name);
  return (
    <article class="card job">
      <header>
        <div class="grow">
          <h2>{title}</h2>
          {title !== name && <code class="small muted">{name}</code>}
        </div>
        {busy ? (
          <CancelJob name={name} label={title} done={reload} />
        ) : ELSEWHERE[name] !== undefined ? (
          <a class="button plain" href={ELSEWHERE[name]}>
            {t('jobs.open')}
          </a>
        ) : (
          <>
            {LIGHTER[name] !== undefined && (
              <Button onClick={() => start(LIGHTER[name]?.argument)}>{t(LIGHTER[name].label)}</Button>
            )}
            <Button icon={Play} onClick={() => start()} label={t('jobs.startOf', { name: title })}>
              {t('jobs.start')}
            </Button>
          </>
        )}
      </header>
      {isText(text) && <p class="small muted">{t(text)}</p>}
      {!busy && name === 'gc' && outcome?.kind === 'done' && job.progress?.counts !== undefined && (
        <p class="small">
          {t('jobs.gcCounts', {
            removed: bytes(job.progress.counts.removedBytes ?? 0),
            freed: bytes(job.progress.counts.freedBytes ?? 0),
          })}
        </p>
      )}
      {busy ? (
        <JobProgress job={job} label={title} />
      ) : (
        <p class="small muted">
          {outcome === null ? (
            t('jobs.never')
          ) : (
            <>
              <span class={`badge ${outcome.kind === 'failed' ? 'bad' : outcome.kind === 'done' ? 'good' : 'warn'}`}>
                {t(`jobs.${outcome.kind}`)}
              </span>{' '}
              {ended !== null && ago(ended)}
              {ended !== null && started !== null && ` · ${t('jobs.took', { time: took(started, ended) })}`}{' '}
              {outcome.message !== null && <span class="wrap">{fromGateway(outcome.message)}</span>}
            </>
          )}
        </p>
      )}
    </article>
  );
}

function took(started: string, ended: string): string {
  return duration(Math.max(1, Math.round((Date.parse(ended) - Date.parse(started)) / 1000)));
}
