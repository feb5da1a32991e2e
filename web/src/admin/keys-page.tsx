import { CircleAlert, KeyRound, RefreshCw, TriangleAlert } from 'lucide';
import type { Job, Keys, MasterKeyFacts } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { fromGateway, number, t } from '../i18n/index.ts';
import { confirmIdentity } from '../pages/confirm-identity.ts';
import { Button } from '../ui/button.tsx';
import { CopyField } from '../ui/copy-field.tsx';
import { askForm } from '../ui/form.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Section, Show, Table } from '../ui/page.tsx';
import { fail, tell } from '../ui/toast.tsx';
import { CancelJob, isBusy, JobProgress } from './job-progress.tsx';
import { changeMasterKey } from './master-key.tsx';
import { shell } from './restore-steps.tsx';

const EVERY_MS = 3_000;

/** The keys that everything stored is encrypted with: where they come from, and how they change. None is ever shown. */
export function KeysPage() {
  const keys = useLoad(() => client.call('ShowKeys', {}), [], EVERY_MS);
  return (
    <Page title={t('admin.keys')} text={t('keys.text')}>
      <Show of={keys}>
        {(data) => (
          <>
            <MasterKey facts={data.master} reload={keys.reload} />
            <DataKeys keys={data} set={keys.set} reload={keys.reload} />
          </>
        )}
      </Show>
    </Page>
  );
}

function MasterKey({ facts, reload }: { facts: MasterKeyFacts; reload: () => void }) {
  const { from, path, check, derivation, atNextStart } = facts;
  return (
    <Section
      title={t('keys.master')}
      actions={
        <Button icon={KeyRound} onClick={(event) => void changeMasterKey(event, facts).then(reload)}>
          {t('keys.change')}
        </Button>
      }
    >
      {!atNextStart && (
        <div class="note bad row" role="alert">
          <Icon of={CircleAlert} />
          <div class="grow">
            <p>{t(derivation === null ? 'keys.lostFile' : 'keys.lostWords')}</p>
            <CopyField
              text={
                derivation === null
                  ? 'CLOUDSTORE_MASTER_KEY_FILE=/path/to/master.key'
                  : 'CLOUDSTORE_MASTER_PASSPHRASE_FILE=/path/to/passphrase'
              }
              block
            />
          </div>
        </div>
      )}
      <dl class="fields card">
        <div>
          <dt>{t('keys.from')}</dt>
          <dd>
            {t(`keys.from.${from}`)} {path !== null && <code class="wrap">{path}</code>}
          </dd>
        </div>
        <div>
          <dt>{t('keys.check')}</dt>
          <dd>
            <code class="wrap">{check}</code>
            <p class="small muted">{t('keys.checkText')}</p>
          </dd>
        </div>
        {derivation !== null && (
          <div>
            <dt>{t('keys.derivation')}</dt>
            <dd>{derivation}</dd>
          </div>
        )}
      </dl>
      <p class="muted small">{t('keys.keep')}</p>
      {from === 'file' && path !== null && <CopyField text={`cp -a ${shell(path)}* /path/to/your/copies/`} block />}
    </Section>
  );
}

function DataKeys({ keys, set, reload }: { keys: Keys; set: (keys: Keys) => void; reload: () => void }) {
  const { users, userCount, rekey } = keys;
  const busy = isBusy(rekey);
  const renew = async (user: string | null): Promise<void> => {
    if (!(await confirmIdentity())) return;
    const begun = await askForm({
      title: user === null ? t('keys.renewAll') : t('keys.renewOf', { name: user }),
      text: t('keys.renewText'),
      action: t('keys.renew'),
      fields: [],
      act: () => client.call('RenewDataKeys', { body: { user } }),
    });
    if (begun === null) return;
    set(begun);
    tell(t('keys.renewed'));
  };
  return (
    <Section
      title={t('keys.data')}
      actions={
        <Button icon={RefreshCw} onClick={() => void renew(null)}>
          {t('keys.renewAll')}
        </Button>
      }
    >
      <p class="muted">{t('keys.dataText')}</p>
      {busy && (
        <article class="card job">
          <header class="row">
            <h3>{t('keys.rewriting')}</h3>
            <span class="grow" />
            <CancelJob name="rekey" label={t('keys.rewriting')} done={reload} />
          </header>
          <JobProgress job={rekey} label={t('keys.rewriting')} />
          {(rekey.progress?.counts?.waitingForGateways ?? 0) > 0 && <p class="small muted">{t('keys.waiting')}</p>}
        </article>
      )}
      {!busy && <Rest keys={keys} reload={reload} />}
      <Table
        label={t('keys.data')}
        named
        head={[t('signIn.user'), { text: t('keys.epoch'), number: true }, { text: t('keys.older'), number: true }, '']}
      >
        {users.map(({ user, epoch, older }) => (
          <tr key={user}>
            <th scope="row">
              <bdi>{user}</bdi>
            </th>
            <td class="number" data-head={t('keys.epoch')}>
              {number(epoch)}
            </td>
            <td class="number" data-head={t('keys.older')}>
              {older === 0 ? '–' : <span class="badge warn">{number(older)}</span>}
            </td>
            <td class="actions">
              <Button label={t('keys.renewOf', { name: user })} onClick={() => void renew(user)}>
                {t('keys.renew')}
              </Button>
            </td>
          </tr>
        ))}
      </Table>
      {userCount > users.length && <p class="muted small">{t('keys.more', { count: userCount - users.length })}</p>}
    </Section>
  );
}

/** What an earlier run has left to do, or has done. */
function Rest({ keys: { users, rekey }, reload }: { keys: Keys; reload: () => void }) {
  const older = users.some((one) => one.older > 0);
  const goOn = (): void => void client.call('StartJob', { path: { name: 'rekey' }, body: { argument: {} } }).then(reload, fail);
  if (older)
    return (
      <div class="note warn row" role="status">
        <Icon of={TriangleAlert} />
        <span class="grow wrap">{whyOlder(rekey)}</span>
        <Button onClick={goOn}>{t('keys.goOn')}</Button>
      </div>
    );
  if (rekey?.outcome?.kind !== 'failed') return null;
  return (
    <div class="note bad row" role="alert">
      <Icon of={CircleAlert} />
      <span class="grow wrap">{t('keys.failed', { why: fromGateway(rekey.outcome.message ?? '') })}</span>
      <Button onClick={goOn}>{t('keys.goOn')}</Button>
    </div>
  );
}

function whyOlder(job: Job | null): string {
  const { damaged = 0, unreachable = 0 } = job?.progress?.counts ?? {};
  if (job?.outcome?.kind === 'cancelled') return t('keys.stopped');
  if (job?.outcome?.kind === 'failed') return t('keys.failed', { why: fromGateway(job.outcome.message ?? '') });
  return damaged + unreachable > 0 ? t('keys.hurt', { damaged, unreachable }) : t('keys.left');
}
