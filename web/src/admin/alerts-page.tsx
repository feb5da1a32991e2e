import { BellOff, BellRing, CircleAlert, CircleCheck, Send } from 'lucide';
import { useState } from 'preact/hooks';
import type { Alert, AlertList, AlertTest } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { ago, fromGateway, longDate, t } from '../i18n/index.ts';
import { href } from '../router.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Section, Show, Table } from '../ui/page.tsx';
import { fail } from '../ui/toast.tsx';

const EVERY_MS = 15_000;

/** Where what an alert is about can be looked at and mended. */
const PLACES: Record<Alert['kind'], string | null> = {
  'login-from-new-place': href('account'),
  'disk-nearly-full': href('admin', ['dashboard']),
  damage: href('admin', ['storage']),
  'job-failed': href('admin', ['jobs']),
  test: null,
};

/** What the owner should know, what to do about it, who is told, and what was told before. */
export function AlertsPage() {
  const alerts = useLoad(() => client.call('ListAlerts', {}), [], EVERY_MS);
  return (
    <Page title={t('admin.alerts')} text={t('alerts.text')}>
      <Show of={alerts}>
        {(data) => (
          <>
            <Now items={data.items.filter(({ cleared }) => cleared === null)} />
            <Ways ways={data.ways} />
            <Before items={data.items.filter(({ cleared }) => cleared !== null)} />
          </>
        )}
      </Show>
    </Page>
  );
}

function Now({ items }: { items: Alert[] }) {
  return (
    <Section title={t('alerts.now')}>
      {items.length === 0 ? (
        <p class="note health-ok row" role="status">
          <Icon of={CircleCheck} class="good" /> {t('alerts.none')}
        </p>
      ) : (
        items.map((alert) => (
          <div key={alert.id} class="note bad row" role="alert">
            <Icon of={CircleAlert} />
            <div class="alert-text">
              <strong>{t(`alerts.kind.${alert.kind}`)}</strong>
              <span class="wrap">{fromGateway(alert.text)}</span>
              <span>
                {t(`alerts.remedy.${alert.kind}`)} <Place alert={alert} />
              </span>
              <span class="small">
                {t('alerts.since', { time: ago(alert.raised) })} · <Told by={alert.told} />
              </span>
            </div>
          </div>
        ))
      )}
    </Section>
  );
}

function Place({ alert: { kind, subject } }: { alert: Alert }) {
  const to = kind === 'job-failed' && subject === 'backup' ? href('admin', ['backups']) : PLACES[kind];
  return to === null ? null : <a href={to}>{t('alerts.go')}</a>;
}

function Told({ by }: { by: string[] }) {
  return <>{by.length === 0 ? t('alerts.untold') : t('alerts.told', { ways: by.map(wayName).join(', ') })}</>;
}

function wayName(name: string): string {
  return name === 'mail' ? t('alerts.way.mail') : name === 'webhook' ? t('alerts.way.webhook') : name;
}

function Ways({ ways }: { ways: AlertList['ways'] }) {
  const [busy, setBusy] = useState(false);
  const [results, setResults] = useState<AlertTest['results'] | null>(null);
  const test = async (): Promise<void> => {
    setBusy(true);
    setResults(null);
    try {
      setResults((await client.call('TestAlerts', {})).results);
    } catch (error) {
      fail(error);
    }
    setBusy(false);
  };
  const some = ways.some(({ to }) => to !== null);
  return (
    <Section
      title={t('alerts.ways')}
      actions={
        <Button icon={Send} busy={busy} disabled={!some} onClick={() => void test()}>
          {t('alerts.test')}
        </Button>
      }
    >
      {!some && <p class="note warn">{t('alerts.nobody')}</p>}
      <div class="cards ways">
        {ways.map(({ name, to, settings }) => {
          const result = results?.find((one) => one.name === name);
          return (
            <div key={name} class="card figure way">
              <span class="row">
                <Icon of={to === null ? BellOff : BellRing} class={to === null ? 'faint' : 'good'} />
                <strong>{wayName(name)}</strong>
                <span class="grow" />
                <span class={to === null ? 'badge' : 'badge good'}>{t(to === null ? 'off' : 'on')}</span>
              </span>
              {to === null ? (
                <span class="muted small">{t('alerts.howTo', { settings: settings.join(', ') })}</span>
              ) : (
                <span class="wrap">{to}</span>
              )}
              {result !== undefined && (
                <p class={`note ${result.error === null ? 'health-ok' : 'bad'}`} role="status">
                  {result.error === null ? t('alerts.taken') : t('alerts.refused', { why: result.error })}
                </p>
              )}
            </div>
          );
        })}
      </div>
    </Section>
  );
}

function Before({ items }: { items: Alert[] }) {
  return (
    <Section title={t('alerts.before')}>
      {items.length === 0 ? (
        <p class="muted">{t('alerts.noneBefore')}</p>
      ) : (
        <Table named label={t('alerts.before')} head={[t('alerts.raised'), t('alerts.what'), t('alerts.ended'), t('alerts.who')]}>
          {items.map((alert) => (
            <tr key={alert.id}>
              <td class="nowrap muted">{longDate(alert.raised)}</td>
              <th scope="row">
                {t(`alerts.kind.${alert.kind}`)}
                <p class="small muted wrap alert-words">{fromGateway(alert.text)}</p>
              </th>
              <td class="nowrap muted" data-head={t('alerts.ended')}>
                {alert.cleared === null || alert.cleared === alert.raised ? '–' : longDate(alert.cleared)}
              </td>
              <td class="muted" data-head={t('alerts.who')}>
                {alert.told.length === 0 ? t('alerts.untold') : alert.told.map(wayName).join(', ')}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Section>
  );
}
