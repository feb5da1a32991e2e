import { Archive, BadgeCheck, CircleAlert, DatabaseBackup, FolderOpen, TriangleAlert } from 'lucide';
import type { ComponentChildren } from 'preact';
import type { BackupCheck, BackupRun, Backups } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { ago, bytes, fromGateway, longDate, type MessageKey, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { askForm } from '../ui/form.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Section, Show, Table } from '../ui/page.tsx';
import { inItsWords, Told } from '../ui/said.ts';
import { Empty } from '../ui/states.tsx';
import { fail } from '../ui/toast.tsx';
import { Extracts, lookInside } from './backup-inside.tsx';
import { CancelJob, isBusy, JobProgress } from './job-progress.tsx';
import { LookForBackups, Restores } from './restore-apart.tsx';
import { RestoreSteps } from './restore-steps.tsx';

const EVERY_MS = 2_000;
const KEPT = '30';
const WORKING: Record<string, MessageKey> = {
  'backup-check': 'backup.checking',
  'backup-extract': 'inside.running',
  restore: 'restore.running',
};

/** Backups: made, read again, and what it takes to bring one back. */
export function BackupsPage() {
  const all = useLoad(() => client.call('ListBackups', {}), [], EVERY_MS);
  const begin = async (): Promise<void> => {
    const made = await askForm({
      title: t('backup.begin'),
      text: t('backup.beginText', { host: all.data?.host ?? '' }),
      action: t('backup.begin'),
      fields: [
        { name: 'to', label: t('backup.to'), initial: all.data?.backups[0]?.directory ?? '', hint: t('backup.toHint') },
        { name: 'keep', label: t('backup.keep'), kind: 'number', initial: KEPT, optional: true, hint: t('backup.keepHint') },
        { name: 'verify', label: t('backup.verify'), kind: 'check', initial: 'yes' },
      ],
      act: async ({ to = '', keep = '', verify }) => {
        if (keep !== '' && !/^[1-9]\d{0,4}$/.test(keep)) throw new Told(t('backup.keepWrong'));
        try {
          return await client.call('MakeBackup', {
            body: { to: to.trim(), keep: keep === '' ? null : Number(keep), verify: verify === 'yes' },
          });
        } catch (error) {
          throw inItsWords(error);
        }
      },
    });
    if (made !== null) all.set(made);
  };
  const busy = all.data !== null && (isBusy(all.data.running) || isBusy(all.data.checking));
  return (
    <Page
      title={t('admin.backups')}
      text={t('backup.text')}
      actions={
        <Button kind="primary" icon={DatabaseBackup} disabled={all.data === null || busy} onClick={() => void begin()}>
          {t('backup.begin')}
        </Button>
      }
    >
      <Show of={all}>{(data) => <Sections data={data} begin={begin} reload={all.reload} set={all.set} />}</Show>
    </Page>
  );
}

interface SectionsProps {
  data: Backups;
  begin: () => Promise<void>;
  reload: () => void;
  set: (data: Backups) => void;
}

function Sections({ data, begin, reload, set }: SectionsProps) {
  const { backups, checks, running, checking, restoring, extracting } = data;
  const check = (from: string, name: string | null): void =>
    void client.call('CheckBackup', { body: { from, name } }).then(set, (error) => fail(inItsWords(error)));
  const back = (
    <>
      <LookForBackups data={data} set={set} check={check} />
      <Extracts data={data} />
      <Restores data={data} set={set} />
      <RestoreSteps data={data} />
    </>
  );
  const working = [running, checking, restoring, extracting].map((job) => {
    if (!isBusy(job)) return null;
    const label = t(WORKING[job.name] ?? 'backup.running');
    return (
      <article key={job.name} class="card job">
        <header class="row">
          <h2>{label}</h2>
          <span class="grow" />
          <CancelJob name={job.name} label={label} done={reload} />
        </header>
        <JobProgress job={job} label={label} />
        {job.name === 'restore' && job.progress !== null && job.progress.done === job.progress.total && (
          <p class="small muted">{t('restore.database')}</p>
        )}
      </article>
    );
  });
  if (backups.length === 0 && checks.length === 0 && !isBusy(running))
    return (
      <>
        {working}
        <LastFailure job={running} />
        <Empty icon={Archive} title={t('backup.none')}>
          <p>{t('backup.noneText')}</p>
          <Button kind="primary" icon={DatabaseBackup} onClick={() => void begin()}>
            {t('backup.first')}
          </Button>
        </Empty>
        {back}
      </>
    );
  return (
    <>
      {working}
      {!isBusy(running) && <Latest data={data} />}
      <Section title={t('backup.history')}>
        <Table
          stacked
          label={t('backup.history')}
          head={[
            t('backup.when'),
            { text: t('backup.holds'), number: true, spare: true },
            { text: t('backup.copied'), number: true, spare: true },
            t('backup.state'),
            '',
          ]}
        >
          {backups.map((run) => (
            <tr key={run.id}>
              <th scope="row">
                {longDate(run.made?.taken ?? run.started)}
                <p class="muted small alert-words">
                  <code class="wrap">{run.directory}</code> {run.host !== data.host && t('backup.on', { host: run.host })}{' '}
                  {t(`backup.by.${run.by}`)}
                </p>
              </th>
              <td class="number spare">{run.made === null ? '–' : bytes(run.made.bytes)}</td>
              <td class="number spare">{run.made === null ? '–' : bytes(run.made.copiedBytes)}</td>
              <td>
                <State run={run} />
              </td>
              <td class="actions">
                {run.made !== null && (
                  <Button
                    icon={FolderOpen}
                    disabled={run.host !== data.host}
                    label={t('inside.openOf', { time: longDate(run.made.taken) })}
                    onClick={() =>
                      lookInside({ from: run.directory, name: run.made?.name ?? '' }, run.made?.taken ?? run.started, set)
                    }
                  >
                    {t('inside.begin')}
                  </Button>
                )}{' '}
                {run.made !== null && (
                  <Button
                    disabled={isBusy(checking)}
                    label={t('backup.checkOf', { time: longDate(run.made.taken) })}
                    onClick={() => check(run.directory, run.made?.name ?? null)}
                  >
                    {t('backup.check')}
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </Table>
      </Section>
      {(checks.length > 0 || checking?.outcome?.kind === 'failed') && <Checks checks={checks} />}
      {back}
    </>
  );
}

/** How the newest one is: whole, never read, or none. */
function Latest({ data: { backups, running } }: { data: Backups }) {
  const [newest] = backups;
  const good = backups.find(({ outcome }) => outcome === 'done');
  if (running?.outcome?.kind === 'failed' && newest?.outcome !== 'done') return <LastFailure job={running} />;
  if (good?.made == null) return null;
  const { verified, taken, sameDisk } = good.made;
  const hurt = verified !== null && verified.faultCount > 0;
  const time = ago(taken);
  return (
    <>
      <Note kind={hurt ? 'bad' : 'good'}>
        {hurt ? t('backup.latestHurt', { time }) : t(verified === null ? 'backup.latest' : 'backup.latestWhole', { time })}
      </Note>
      {sameDisk && <Note kind="warn">{t('backup.sameDisk', { directory: good.directory })}</Note>}
    </>
  );
}

function LastFailure({ job }: { job: Backups['running'] }) {
  if (job?.outcome?.kind !== 'failed') return null;
  return <Note kind="bad">{t('backup.lastFailed', { why: fromGateway(job.outcome.message ?? '') })}</Note>;
}

function Note({ kind, children }: { kind: 'good' | 'warn' | 'bad'; children: ComponentChildren }) {
  const icon = { good: BadgeCheck, warn: TriangleAlert, bad: CircleAlert }[kind];
  return (
    <p class={`note row ${kind === 'good' ? 'health-ok' : kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      <Icon of={icon} class={kind === 'good' ? 'good' : ''} /> <span class="wrap">{children}</span>
    </p>
  );
}

function State({ run: { outcome, message, made } }: { run: BackupRun }) {
  if (outcome !== 'done')
    return (
      <>
        <span class={`badge ${outcome === 'failed' ? 'bad' : 'warn'}`}>{t(`jobs.${outcome}`)}</span>
        {message !== null && <p class="small wrap">{message}</p>}
      </>
    );
  const verified = made?.verified ?? null;
  if (verified === null) return <span class="badge">{t('backup.unread')}</span>;
  return <Verdict faults={verified.faults} count={verified.faultCount} />;
}

function Verdict({ faults, count }: { faults: string[]; count: number }) {
  if (count === 0) return <span class="badge good">{t('backup.whole')}</span>;
  return (
    <>
      <span class="badge bad">{t('backup.faults', { count })}</span>
      <p class="small wrap">{fromGateway(faults[0] ?? '')}</p>
    </>
  );
}

function Checks({ checks }: { checks: BackupCheck[] }) {
  return (
    <Section title={t('backup.checks')}>
      {checks.length === 0 ? (
        <p class="muted">{t('jobs.never')}</p>
      ) : (
        <Table
          stacked
          label={t('backup.checks')}
          head={[t('backup.of'), { text: t('backup.read'), spare: true }, t('backup.state')]}
        >
          {checks.map(({ id, ended, taken, directory, verdict, outcome, message }) => (
            <tr key={id}>
              <th scope="row">
                {taken === null ? '–' : longDate(taken)}
                <p class="muted small alert-words">
                  <code class="wrap">{directory}</code>
                </p>
              </th>
              <td class="muted spare">{longDate(ended)}</td>
              <td>
                {verdict === null ? (
                  <>
                    <span class={`badge ${outcome === 'failed' ? 'bad' : 'warn'}`}>
                      {t(outcome === 'cancelled' ? 'jobs.cancelled' : 'jobs.failed')}
                    </span>
                    {message !== null && <p class="small wrap">{message}</p>}
                  </>
                ) : (
                  <Verdict faults={verdict.faults} count={verdict.faultCount} />
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Section>
  );
}
