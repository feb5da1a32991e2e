import { BadgeCheck, CircleAlert } from 'lucide';
import { useEffect, useState } from 'preact/hooks';
import type { Checks, FileCheck } from '../../../clients/typescript/index.ts';
import { client, session } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { bytes, fromGateway, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { lay } from '../ui/laid.tsx';
import { inItsWords, said } from '../ui/said.ts';
import { CancelJob, isBusy, JobProgress } from './job-progress.tsx';

interface Checked {
  bucket: string;
  key: string;
  name: string;
  /** Absent: the current one. */
  versionId?: string;
}

const EVERY_MS = 700;
/** A run whose end nobody tells is not coming: somebody else’s took its place. */
const PATIENCE = 20;

/** Checks are for admins: they read what anybody stored. */
export function mayVerify(): boolean {
  return session.value.kind === 'in' && session.value.me.role === 'admin';
}

/** One file, or one version, read to its last byte now. */
export function verifyNow(file: Checked): void {
  lay((close) => <Verify file={file} close={close} />);
}

type State = { kind: 'runs'; checks: Checks | null } | { kind: 'ended'; run: FileCheck } | { kind: 'failed'; why: string };

function Verify({ file, close }: { file: Checked; close: () => void }) {
  const [state, setState] = useState<State>({ kind: 'runs', checks: null });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let gone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let idle = 0;
    const fails = (error: unknown): void => void (gone || setState({ kind: 'failed', why: said(inItsWords(error)) }));
    const look = (ask: string | null, checks: Checks): void => {
      if (gone) return;
      const run = checks.files.find((one) => one.ask === ask);
      if (run !== undefined) return setState({ kind: 'ended', run });
      idle = isBusy(checks.verifying) ? 0 : idle + 1;
      if (idle > PATIENCE) return setState({ kind: 'failed', why: t('verify.lost') });
      setState({ kind: 'runs', checks });
      timer = setTimeout(() => client.call('ListChecks', {}).then((now) => look(ask, now), fails), EVERY_MS);
    };
    setState({ kind: 'runs', checks: null });
    const { bucket, key, versionId = null } = file;
    client.call('VerifyFile', { body: { bucket, key, versionId } }).then((begun) => look(begun.ask, begun), fails);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [round]);
  return (
    <Dialog title={t('verify.of', { name: visible(file.name) })} onClose={close}>
      <div class="form">
        {state.kind === 'runs' && (
          <>
            <p class="muted">{t('verify.text')}</p>
            {state.checks?.verifying != null && isBusy(state.checks.verifying) ? (
              <JobProgress job={state.checks.verifying} label={t('verify.running')} />
            ) : (
              <progress aria-label={t('verify.running')} />
            )}
          </>
        )}
        {state.kind === 'failed' && (
          <p class="note bad row" role="alert">
            <Icon of={CircleAlert} /> <span class="wrap">{state.why}</span>
          </p>
        )}
        {state.kind === 'ended' && <Verdict run={state.run} />}
      </div>
      <footer class="dialog-actions">
        {state.kind === 'runs' ? (
          <CancelJob name="verify" label={t('verify.running')} done={() => undefined} />
        ) : (
          <Button onClick={() => setRound(round + 1)}>{t('verify.again')}</Button>
        )}
        <Button kind="primary" onClick={close}>
          {t('close')}
        </Button>
      </footer>
    </Dialog>
  );
}

function Verdict({ run: { outcome, message, bytes: read } }: { run: FileCheck }) {
  if (outcome === 'done')
    return (
      <p class="note health-ok row" role="status">
        <Icon of={BadgeCheck} class="good" /> {t('verify.good', { size: bytes(read) })}
      </p>
    );
  return (
    <p class={`note row ${outcome === 'failed' ? 'bad' : 'warn'}`} role="alert">
      <Icon of={CircleAlert} />
      <span class="wrap">
        {outcome === 'cancelled' ? t('verify.cancelled', { size: bytes(read) }) : fromGateway(message ?? '')}
        {outcome === 'failed' && (
          <>
            <br />
            {t('verify.remedy')}
          </>
        )}
      </span>
    </p>
  );
}
