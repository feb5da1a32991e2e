import { Play, Square } from 'lucide';
import type { Job } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { ago, number, percent, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Show } from '../ui/page.tsx';
import { fail } from '../ui/toast.tsx';

const EVERY_MS = 2_000;

/** What goes on behind the requests: how far it is, how it ended, and that it can be started and stopped. */
export function JobsPage() {
  const jobs = useLoad(async () => (await client.call('ListJobs', {})).jobs, [], EVERY_MS);
  const act = (name: string, verb: 'start' | 'cancel'): void => {
    const asked =
      verb === 'start' ? client.call('StartJob', { path: { name }, body: {} }) : client.call('CancelJob', { path: { name } });
    asked.then(() => jobs.reload(), fail);
  };
  return (
    <Page title={t('admin.jobs')} text={t('jobs.text')}>
      <Show of={jobs}>
        {(list) => (
          <div class="jobs">
            {list.map((job) => (
              <JobCard key={job.name} job={job} act={(verb) => act(job.name, verb)} />
            ))}
          </div>
        )}
      </Show>
    </Page>
  );
}

function JobCard({ job, act }: { job: Job; act: (verb: 'start' | 'cancel') => void }) {
  const { name, state, progress, outcome, ended, started } = job;
  const busy = state !== 'idle';
  const known = progress !== null && progress.total !== null && progress.total > 0;
  return (
    <article class="card job">
      <header class="row">
        <h2>{name}</h2>
        <span class="grow" />
        {busy ? (
          <Button icon={Square} onClick={() => act('cancel')} label={t('cancelOf', { name })}>
            {t('cancel')}
          </Button>
        ) : (
          <Button icon={Play} onClick={() => act('start')} label={t('jobs.startOf', { name })}>
            {t('jobs.start')}
          </Button>
        )}
      </header>
      {busy ? (
        <>
          {known ? (
            <progress value={progress.done} max={progress.total ?? 1} aria-label={name} />
          ) : (
            <progress aria-label={name} />
          )}
          <p class="small muted">
            {progress === null
              ? t(state === 'requested' ? 'jobs.requested' : 'jobs.running')
              : known
                ? `${number(progress.done)} / ${number(progress.total ?? 0)} ${progress.unit} · ${percent(progress.done / (progress.total ?? 1))}`
                : `${number(progress.done)} ${progress.unit}`}
            {started !== null && ` · ${ago(started)}`}
          </p>
        </>
      ) : (
        <p class="small muted">
          {outcome === null ? (
            t('jobs.never')
          ) : (
            <>
              <span class={`badge ${outcome.kind === 'failed' ? 'bad' : outcome.kind === 'done' ? 'good' : 'warn'}`}>
                {t(`jobs.${outcome.kind}`)}
              </span>{' '}
              {ended !== null && ago(ended)} {outcome.message !== null && <span class="wrap">{outcome.message}</span>}
            </>
          )}
        </p>
      )}
    </article>
  );
}
