import { CircleAlert, CircleCheck, FileSearch, FlaskConical } from 'lucide';
import { useState } from 'preact/hooks';
import type { Checks, FileCheck, StoreCheck, StoreToCheck } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { bytes, fromGateway, longDate, number, t } from '../i18n/index.ts';
import { confirmIdentity } from '../pages/confirm-identity.ts';
import { Button } from '../ui/button.tsx';
import { askForm } from '../ui/form.tsx';
import { GatewaySays } from '../ui/gateway-says.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { openMenu } from '../ui/menu.tsx';
import { Section, Show, Table } from '../ui/page.tsx';
import { inItsWords } from '../ui/said.ts';
import { fail } from '../ui/toast.tsx';
import { CancelJob, isBusy, JobProgress } from './job-progress.tsx';
import { verifyNow } from './verify-now.tsx';

const EVERY_MS = 3_000;

/** What somebody wanted to know more exactly: a store tried out, a single file read. */
export function ChecksSections() {
  const checks = useLoad(() => client.call('ListChecks', {}), [], EVERY_MS);
  const tell = (begun: Checks | null): void => void (begun !== null && checks.set(begun));
  return (
    <>
      <Section
        title={t('check.stores')}
        actions={
          <Button
            icon={FlaskConical}
            disabled={isBusy(checks.data?.checking ?? null)}
            onClick={(event) =>
              openMenu(event, t('check.begin'), [
                { label: t('check.directory'), act: () => void checkDirectory().then(tell, fail) },
                { label: t('check.s3'), act: () => void checkS3().then(tell, fail) },
              ])
            }
          >
            {t('check.begin')}
          </Button>
        }
      >
        <p class="muted">{t('check.text')}</p>
        <Show of={checks} rows={2}>
          {(data) => <Stores checks={data} reload={checks.reload} />}
        </Show>
      </Section>
      <Section
        title={t('verify.files')}
        actions={
          <Button icon={FileSearch} onClick={() => void askFile()}>
            {t('verify.begin')}
          </Button>
        }
      >
        <Show of={checks} rows={2}>
          {({ files }) => (files.length === 0 ? <p class="muted">{t('verify.none')}</p> : <Files files={files} />)}
        </Show>
      </Section>
    </>
  );
}

/** One that is in use already. */
export async function checkStore(which: number): Promise<void> {
  await begin({ kind: 'store', number: which });
}

async function begin(body: StoreToCheck): Promise<Checks> {
  try {
    return await client.call('CheckStore', { body });
  } catch (error) {
    throw inItsWords(error);
  }
}

function checkDirectory(): Promise<Checks | null> {
  return askForm({
    title: t('check.directory'),
    text: t('check.directoryText'),
    action: t('check.begin'),
    fields: [{ name: 'directory', label: t('disk.directory'), hint: t('disk.hint') }],
    act: ({ directory = '' }) => begin({ kind: 'directory', directory: directory.trim() }),
  });
}

async function checkS3(): Promise<Checks | null> {
  if (!(await confirmIdentity())) return null;
  return askForm({
    title: t('check.s3'),
    text: t('check.s3Text'),
    action: t('check.begin'),
    fields: [
      { name: 'endpoint', label: t('check.endpoint'), hint: t('check.endpointHint'), optional: true },
      { name: 'bucket', label: t('trace.bucket') },
      { name: 'prefix', label: t('check.prefix'), optional: true },
      { name: 'region', label: t('check.region'), optional: true },
      { name: 'accessKeyId', label: t('check.keyId') },
      { name: 'secretAccessKey', label: t('check.secret'), kind: 'password' },
    ],
    act: ({ endpoint = '', bucket = '', prefix = '', region = '', accessKeyId = '', secretAccessKey = '' }) =>
      begin({
        kind: 's3',
        endpoint: endpoint.trim() || null,
        region: region.trim() || null,
        bucket: bucket.trim(),
        prefix: prefix.trim(),
        accessKeyId: accessKeyId.trim(),
        secretAccessKey,
      }),
  });
}

async function askFile(): Promise<void> {
  const asked = await askForm({
    title: t('verify.begin'),
    text: t('verify.text'),
    action: t('verify.begin'),
    fields: [
      { name: 'bucket', label: t('trace.bucket') },
      { name: 'key', label: t('verify.key'), hint: t('verify.keyHint') },
      { name: 'versionId', label: t('verify.version'), optional: true },
    ],
    act: async (values) => values,
  });
  if (asked === null) return;
  const { bucket = '', key = '', versionId = '' } = asked;
  verifyNow({ bucket: bucket.trim(), key, name: key, ...(versionId.trim() !== '' && { versionId: versionId.trim() }) });
}

function Stores({ checks: { stores, checking }, reload }: { checks: Checks; reload: () => void }) {
  const [newest, ...older] = stores;
  const [shown, show] = useState(false);
  return (
    <>
      {isBusy(checking) && (
        <article class="card job">
          <header class="row">
            <h3>{t('check.running')}</h3>
            <span class="grow" />
            <CancelJob name="check-storage" label={t('check.running')} done={reload} />
          </header>
          <JobProgress job={checking} label={t('check.running')} />
        </article>
      )}
      {!isBusy(checking) && checking?.outcome?.kind === 'failed' && (
        <p class="note bad row" role="alert">
          <Icon of={CircleAlert} /> <span class="wrap">{fromGateway(checking.outcome.message ?? '')}</span>
        </p>
      )}
      {newest !== undefined && <StoreReport run={newest} />}
      {older.length > 0 &&
        (shown ? (
          older.map((run) => <StoreReport key={run.id} run={run} />)
        ) : (
          <Button kind="quiet" onClick={() => show(true)}>
            {t('check.older', { count: older.length })}
          </Button>
        ))}
    </>
  );
}

function StoreReport({ run: { place, ended, outcome, message, report } }: { run: StoreCheck }) {
  const wrong = report?.checks.filter(({ ok }) => !ok) ?? [];
  const good = outcome === 'done' && report?.ok === true;
  return (
    <article class="card store-check">
      <header class="row">
        <Icon of={good ? CircleCheck : CircleAlert} class={good ? 'good' : outcome === 'cancelled' ? 'warn' : 'bad'} />
        <h3>
          <code class="wrap">{visible(place)}</code>
        </h3>
        <span class="grow" />
        <span class="muted small">{longDate(ended)}</span>
      </header>
      {outcome !== 'done' ? (
        <p>
          <span class={`badge ${outcome === 'failed' ? 'bad' : 'warn'}`}>{t(`jobs.${outcome}`)}</span>{' '}
          {message !== null && <span class="wrap">{fromGateway(message)}</span>}
        </p>
      ) : (
        <p>{good ? t('check.good') : t('check.bad', { count: wrong.length })}</p>
      )}
      {report?.measured != null && (
        <dl class="fields">
          <Figure name={t('check.write')}>{t('check.speed', { mib: number(report.measured.writeMibPerSecond) })}</Figure>
          <Figure name={t('check.read')}>{t('check.speed', { mib: number(report.measured.readMibPerSecond) })}</Figure>
          <Figure name={t('check.small')}>{waits(report.measured.smallWriteMs)}</Figure>
          <Figure name={t('check.range')}>{waits(report.measured.rangeReadMs)}</Figure>
        </dl>
      )}
      {report !== null && report.left > 0 && <p class="note warn">{t('check.left')}</p>}
      {report !== null && (
        <details open={!report.ok}>
          <summary>{t('check.cases', { count: report.checks.length })}</summary>
          <ul class="details-body check-cases">
            {report.checks.map(({ sentence, ok, ms, why }) => (
              <li key={sentence}>
                <Icon of={ok ? CircleCheck : CircleAlert} size={16} class={ok ? 'good' : 'bad'} />
                <span class="wrap">
                  <GatewaySays text={sentence} />{' '}
                  {why !== null && (
                    <strong class="bad">
                      <GatewaySays text={why} />
                    </strong>
                  )}
                </span>
                <span class="muted small nowrap">{number(ms)} ms</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </article>
  );
}

function Figure({ name, children }: { name: string; children: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function waits({ median, max }: { median: number; max: number }): string {
  return t('check.waits', { median: number(median), max: number(max) });
}

function Files({ files }: { files: FileCheck[] }) {
  return (
    <Table
      label={t('verify.files')}
      stacked
      head={[t('verify.file'), { text: t('scrub.bytes'), number: true, spare: true }, t('backup.state'), '']}
    >
      {files.map(({ id, bucket, key, versionId, ended, outcome, message, bytes: read }) => (
        <tr key={id}>
          <th scope="row">
            <bdi class="wrap">
              {visible(bucket ?? '–')}/{visible(key ?? '–')}
            </bdi>
            <p class="muted small alert-words">
              {longDate(ended)} {versionId !== null && t('verify.versionOf', { id: versionId })}
            </p>
          </th>
          <td class="number spare">{bytes(read)}</td>
          <td>
            <span class={`badge ${outcome === 'done' ? 'good' : outcome === 'failed' ? 'bad' : 'warn'}`}>
              {t(outcome === 'done' ? 'verify.asStored' : `jobs.${outcome}`)}
            </span>
            {message !== null && <p class="small wrap">{fromGateway(message)}</p>}
          </td>
          <td class="actions">
            {bucket !== null && key !== null && (
              <Button
                label={t('verify.againOf', { name: visible(key) })}
                onClick={() => verifyNow({ bucket, key, name: key, ...(versionId !== null && { versionId }) })}
              >
                {t('verify.again')}
              </Button>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}
