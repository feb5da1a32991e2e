import { FolderOpen, FolderSearch, RotateCcw } from 'lucide';
import { useState } from 'preact/hooks';
import type { Backups, BackupsThere, RestoreRun } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { bytes, fromGateway, longDate, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { CopyField } from '../ui/copy-field.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { askForm } from '../ui/form.tsx';
import { lay } from '../ui/laid.tsx';
import { Section, Table } from '../ui/page.tsx';
import { inItsWords, said } from '../ui/said.ts';
import { Loading } from '../ui/states.tsx';
import { fail } from '../ui/toast.tsx';
import { Wrong } from '../ui/wrong.tsx';
import { lookInside } from './backup-inside.tsx';
import { isBusy } from './job-progress.tsx';
import { keySetting, shell } from './restore-steps.tsx';

interface LookProps {
  data: Backups;
  set: (data: Backups) => void;
  check: (from: string, name: string) => void;
}

/** Backups in a directory that somebody names, whoever made them: looked through, checked, and restored into a directory of their own. */
export function LookForBackups({ data, set, check }: LookProps) {
  const [from, setFrom] = useState('');
  const [state, setState] = useState<{ found: BackupsThere | null; wrong: string | null; busy: boolean }>({
    found: null,
    wrong: null,
    busy: false,
  });
  const known = [...new Set(data.backups.map(({ directory }) => directory))];
  const look = async (event: Event): Promise<void> => {
    event.preventDefault();
    const where = from.trim() || known[0];
    if (where === undefined) return setState({ found: null, wrong: t('requiredOf', { name: t('backup.to') }), busy: false });
    setFrom(where);
    setState({ found: null, wrong: null, busy: true });
    try {
      const found = await client.call('LookForBackups', { body: { from: where } });
      setState({ found, wrong: null, busy: false });
    } catch (error) {
      setState({ found: null, wrong: said(inItsWords(error)), busy: false });
    }
  };
  const { found, wrong, busy } = state;
  return (
    <Section title={t('restore.look')}>
      <p class="muted">{t('restore.lookText')}</p>
      <form class="row look" onSubmit={(event) => void look(event)}>
        <label class="field grow">
          <span>{t('backup.to')}</span>
          <input
            list="backup-places"
            value={from}
            placeholder={known[0] ?? '/mnt/backup'}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            onInput={(event) => setFrom(event.currentTarget.value)}
          />
          <datalist id="backup-places">
            {known.map((one) => (
              <option key={one} value={one} />
            ))}
          </datalist>
        </label>
        <Button icon={FolderSearch} type="submit" busy={busy}>
          {t('restore.lookNow')}
        </Button>
      </form>
      <Wrong text={wrong} />
      {busy && <Loading rows={2} />}
      {found !== null && <Found found={found} {...{ data, set, check }} />}
    </Section>
  );
}

function Found({ found: { directory, backups, count }, data, set, check }: LookProps & { found: BackupsThere }) {
  return (
    <>
      <Table
        label={t('restore.found', { directory })}
        stacked
        head={[t('backup.of'), { text: t('backup.holds'), number: true }, '']}
      >
        {backups.map(({ name, taken, holds, why }) => (
          <tr key={name}>
            <th scope="row">
              {longDate(taken)}
              {why !== null && <p class="small bad wrap">{t('restore.shut', { why })}</p>}
            </th>
            <td class="number">{holds === null ? '–' : bytes(holds.bytes)}</td>
            <td class="actions">
              {holds !== null && (
                <>
                  <Button
                    disabled={isBusy(data.checking)}
                    label={t('backup.checkOf', { time: longDate(taken) })}
                    onClick={() => check(directory, name)}
                  >
                    {t('backup.check')}
                  </Button>{' '}
                  <Button
                    icon={FolderOpen}
                    label={t('inside.openOf', { time: longDate(taken) })}
                    onClick={() => lookInside({ from: directory, name }, taken, set)}
                  >
                    {t('inside.begin')}
                  </Button>{' '}
                  <Button
                    icon={RotateCcw}
                    disabled={isBusy(data.restoring)}
                    label={t('restore.of', { time: longDate(taken) })}
                    onClick={() => void askWhere({ directory, name, taken, bytes: holds.bytes }, set)}
                  >
                    {t('restore.begin')}
                  </Button>
                </>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {count > backups.length && <p class="muted small">{t('restore.older', { count: count - backups.length })}</p>}
    </>
  );
}

async function askWhere(
  backup: { directory: string; name: string; taken: string; bytes: number },
  set: (data: Backups) => void,
): Promise<void> {
  const begun = await askForm({
    title: t('restore.of', { time: longDate(backup.taken) }),
    text: t('restore.apartText', { size: bytes(backup.bytes) }),
    action: t('restore.begin'),
    fields: [{ name: 'to', label: t('restore.to'), hint: t('restore.toHint') }],
    act: async ({ to = '' }) => {
      try {
        return await client.call('RestoreBackup', { body: { from: backup.directory, name: backup.name, to: to.trim() } });
      } catch (error) {
        throw inItsWords(error);
      }
    },
  });
  if (begun !== null) set(begun);
}

/** What was restored here, and how a gateway is started on it; what was cut short is gone on with. */
export function Restores({ data, set }: { data: Backups; set: (data: Backups) => void }) {
  if (data.restores.length === 0) return null;
  const goOn = ({ directory, name, to }: RestoreRun): void =>
    void client.call('RestoreBackup', { body: { from: directory, name, to } }).then(set, (error) => fail(inItsWords(error)));
  // A later run into the same directory is the one that counts.
  const last = data.restores.filter(({ to, id }) => !data.restores.some((one) => one.to === to && one.id > id));
  return (
    <Section title={t('restore.made')}>
      <Table label={t('restore.made')} stacked head={[t('restore.into'), t('backup.of'), t('backup.state'), '']}>
        {last.map((run) => {
          const { id, to, made, outcome, message, ended } = run;
          return (
            <tr key={id}>
              <th scope="row">
                <code class="wrap">{to}</code>
                <p class="muted small">{longDate(ended)}</p>
              </th>
              <td>{made === null ? '–' : longDate(made.taken)}</td>
              <td>
                <span class={`badge ${outcome === 'done' ? 'good' : outcome === 'failed' ? 'bad' : 'warn'}`}>
                  {t(`jobs.${outcome}`)}
                </span>
                {made !== null && (
                  <p class="small muted">
                    {t('restore.names', { count: made.names })}, {t('restore.users', { count: made.users })}
                  </p>
                )}
                {message !== null && <p class="small wrap">{fromGateway(message)}</p>}
              </td>
              <td class="actions">
                {outcome === 'done' ? (
                  <Button label={t('restore.startOf', { directory: to })} onClick={() => tellStart(to, data)}>
                    {t('restore.start')}
                  </Button>
                ) : (
                  <Button disabled={isBusy(data.restoring)} onClick={() => goOn(run)}>
                    {t('restore.goOn')}
                  </Button>
                )}
              </td>
            </tr>
          );
        })}
      </Table>
    </Section>
  );
}

function tellStart(to: string, data: Backups): void {
  const { masterKey, settingsApart } = data;
  const start = `${keySetting(masterKey, true)} cloudstore serve --data-dir ${shell(to)}`;
  lay((close) => (
    <Dialog title={t('restore.start')} onClose={close} wide>
      <div class="start-restored">
        {masterKey.path === null && <p>{t(`restore.key.${masterKey.from}`)}</p>}
        <h3>{t('restore.beside')}</h3>
        <p class="muted">{t('restore.besideText')}</p>
        <CopyField text={`${start} --port 0 --s3-port 0`} block />
        <h3>{t('restore.inPlace')}</h3>
        <p class="muted">{t('restore.inPlaceText')}</p>
        <CopyField text={start} block />
        {settingsApart.length > 0 && <p class="note warn">{t('restore.apart', { names: settingsApart.join(', ') })}</p>}
        <p class="muted small">
          {t('restore.serveText')} {t('restore.checkout')}
        </p>
      </div>
    </Dialog>
  ));
}
