import { CircleAlert, CircleCheck, CircleSlash, Stethoscope, TriangleAlert } from 'lucide';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Findings } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { longDate, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { GatewaySays } from '../ui/gateway-says.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page, Section } from '../ui/page.tsx';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import { StoppedCommands } from './stopped-commands.tsx';

type State =
  | { kind: 'looking' }
  | { kind: 'cancelled' }
  | { kind: 'failed'; error: unknown }
  | { kind: 'seen'; seen: Findings; at: string };

/** What `cloudstore doctor` finds, with what to do about each thing; and what can only be done while no gateway runs. */
export function DoctorPage() {
  const [state, setState] = useState<State>({ kind: 'looking' });
  const running = useRef<AbortController | null>(null);
  const look = (): void => {
    const abort = new AbortController();
    running.current?.abort();
    running.current = abort;
    setState({ kind: 'looking' });
    client.call('Examine', { signal: abort.signal }).then(
      (seen) => {
        if (!abort.signal.aborted) setState({ kind: 'seen', seen, at: new Date().toISOString() });
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setState({ kind: 'failed', error });
      },
    );
  };
  useEffect(() => {
    look();
    return () => running.current?.abort();
  }, []);
  const cancel = (): void => {
    running.current?.abort();
    setState({ kind: 'cancelled' });
  };
  return (
    <Page
      title={t('admin.doctor')}
      text={t('doctor.text')}
      actions={
        state.kind === 'looking' ? (
          <Button onClick={cancel} label={t('cancelOf', { name: t('admin.doctor') })}>
            {t('cancel')}
          </Button>
        ) : (
          <Button kind="primary" icon={Stethoscope} onClick={look}>
            {t('doctor.again')}
          </Button>
        )
      }
    >
      {state.kind === 'looking' && (
        <>
          <p class="muted" role="status">
            {t('doctor.looking')}
          </p>
          <progress aria-label={t('doctor.looking')} />
          <Loading rows={8} />
        </>
      )}
      {state.kind === 'cancelled' && (
        <Empty icon={CircleSlash} title={t('doctor.cancelled')}>
          {t('doctor.cancelledText')}
        </Empty>
      )}
      {state.kind === 'failed' && <Failed error={state.error} retry={look} />}
      {state.kind === 'seen' && <Seen of={state.seen} at={state.at} />}
      {state.kind === 'seen' && <StoppedCommands about={state.seen.about} />}
    </Page>
  );
}

const ICONS = { ok: CircleCheck, warn: TriangleAlert, fail: CircleAlert };

function Seen({ of: { findings }, at }: { of: Findings; at: string }) {
  const count = (status: string): number => findings.filter((one) => one.status === status).length;
  const [failed, warned] = [count('fail'), count('warn')];
  const worst = failed > 0 ? 'bad' : warned > 0 ? 'warn' : 'health-ok';
  return (
    <Section title={t('doctor.findings')}>
      <p class={`note row ${worst}`} role={failed > 0 ? 'alert' : 'status'}>
        <Icon of={ICONS[failed > 0 ? 'fail' : warned > 0 ? 'warn' : 'ok']} class={worst === 'health-ok' ? 'good' : ''} />
        <span>
          {failed + warned === 0
            ? t('doctor.well', { count: findings.length })
            : `${t('doctor.failed', { count: failed })}, ${t('doctor.warned', { count: warned })}.`}{' '}
          {t('doctor.at', { time: longDate(at) })}
        </span>
      </p>
      <ul class="findings">
        {findings.map(({ name, status, detail, advice }, index) => (
          <li key={index} class={`card finding ${status}`}>
            <Icon of={ICONS[status]} class={status === 'ok' ? 'good' : status === 'warn' ? 'warn' : 'bad'} />
            <div>
              <h3>
                <GatewaySays text={name} /> <span class="sr-only">{t(`doctor.${status}`)}</span>
              </h3>
              <p class="wrap">
                <GatewaySays text={detail} />
              </p>
              {advice !== null && (
                <p class="wrap advice">
                  <strong>{t('doctor.todo')}</strong> <GatewaySays text={advice} />
                </p>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}
