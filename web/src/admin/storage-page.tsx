import { BadgeCheck, ScanSearch, ShieldAlert } from 'lucide';
import type { StorageHealth } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { ago, bytes, duration, longDate, number, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Section, Show, Table } from '../ui/page.tsx';
import { fail } from '../ui/toast.tsx';
import { ChecksSections } from './checks.tsx';
import { CancelJob, isBusy, JobProgress } from './job-progress.tsx';
import { Quarantine } from './quarantine.tsx';
import { Stores } from './stores.tsx';

const EVERY_MS = 3_000;

/** Whether what is stored is good, where it lies, and which files are hurt. */
export function StoragePage() {
  const health = useLoad(() => client.call('StorageHealth', {}), [], EVERY_MS);
  const scrub = (): void => void client.call('Scrub', {}).then(() => health.reload(), fail);
  return (
    <Page
      title={t('admin.storage')}
      actions={
        <Button icon={ScanSearch} disabled={isBusy(health.data?.scrub ?? null)} onClick={scrub}>
          {t('storage.scrub')}
        </Button>
      }
    >
      <Show of={health}>{(data) => <Sections health={data} reload={health.reload} />}</Show>
    </Page>
  );
}

function Sections({ health, reload }: { health: StorageHealth; reload: () => void }) {
  const { ok, lastScrub, damagedCount, scrub, scrubs } = health;
  const running = isBusy(scrub);
  return (
    <>
      <div class={`note row ${ok ? 'health-ok' : 'bad'}`} role={ok ? 'status' : 'alert'}>
        <Icon of={ok ? BadgeCheck : ShieldAlert} class={ok ? 'good' : ''} />
        <span>
          {ok ? t('storage.ok') : t('storage.damaged', { count: damagedCount })}{' '}
          {running
            ? t('storage.running')
            : lastScrub === null
              ? t('storage.never')
              : t('storage.last', { time: ago(lastScrub.ended) })}
        </span>
      </div>
      {running && (
        <article class="card job">
          <header class="row">
            <h2>{t('storage.running')}</h2>
            <span class="grow" />
            <CancelJob name="scrub" label={t('storage.scrub')} done={reload} />
          </header>
          <JobProgress job={scrub} label={t('storage.running')} />
          {scrub.progress?.counts !== undefined && <Found counts={scrub.progress.counts} />}
        </article>
      )}
      {!ok && <Quarantine news={`${damagedCount} ${lastScrub?.ended ?? ''}`} />}
      <Section title={t('scrub.history')}>
        {scrubs.length === 0 ? (
          <p class="muted">{t('storage.never')}</p>
        ) : (
          <Table
            label={t('scrub.history')}
            head={[
              t('scrub.ended'),
              { text: t('scrub.took'), spare: true },
              { text: t('scrub.bytes'), number: true },
              { text: t('storage.packs'), number: true, spare: true },
              t('scrub.found'),
            ]}
          >
            {scrubs.map(({ id, started, ended, outcome, message, counts }) => (
              <tr key={id}>
                <th scope="row">{longDate(ended)}</th>
                <td class="nowrap spare">{duration(Math.max(1, (Date.parse(ended) - Date.parse(started)) / 1000))}</td>
                <td class="number">{bytes(counts.bytes ?? 0)}</td>
                <td class="number spare">{number(counts.packs ?? 0)}</td>
                <td>
                  {outcome === 'done' ? (
                    <Found counts={counts} />
                  ) : (
                    <>
                      <span class={`badge ${outcome === 'failed' ? 'bad' : 'warn'}`}>{t(`jobs.${outcome}`)}</span>{' '}
                      {message !== null && <span class="wrap small">{message}</span>}
                    </>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Section>
      <Stores health={health} reload={reload} />
      <ChecksSections />
    </>
  );
}

/** What a pass has come upon. */
function Found({ counts }: { counts: Record<string, number> }) {
  const { damaged = 0, healed = 0, lost = 0, unreachable = 0 } = counts;
  if (damaged === 0 && unreachable === 0) return <span class="badge good">{t('scrub.nothing')}</span>;
  return (
    <span class="row">
      {damaged > 0 && <span class="badge warn">{t('scrub.damaged', { count: damaged })}</span>}
      {healed > 0 && <span class="badge good">{t('scrub.healed', { count: healed })}</span>}
      {lost > 0 && <span class="badge bad">{t('scrub.lost', { count: lost })}</span>}
      {unreachable > 0 && <span class="badge warn">{t('scrub.unreachable', { count: unreachable })}</span>}
    </span>
  );
}
