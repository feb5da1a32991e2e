import { Download, File, Folder, FolderOpen, History, RotateCcw } from 'lucide';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { BackedUpPage, BackedUpVersions, Backups, Job } from '../../../clients/typescript/index.ts';
import { backedUpUrl } from '../api/client.ts';
import { client } from '../api/session.ts';
import { bytes, longDate, t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { askForm } from '../ui/form.tsx';
import { Icon } from '../ui/icon.tsx';
import { lay } from '../ui/laid.tsx';
import { Section, Table } from '../ui/page.tsx';
import { inItsWords, said } from '../ui/said.ts';
import { Loading } from '../ui/states.tsx';
import { Wrong } from '../ui/wrong.tsx';
import { CancelJob, isBusy, JobProgress } from './job-progress.tsx';

const POLL_MS = 700;
/** Whoever has asked so often and still does not find it open will not. */
const ASKED_MAX = 5;

interface Named {
  from: string;
  name: string;
}

/** What is in a backup, in a dialog of its own: looked through, saved, brought back. */
export function lookInside(backup: Named, taken: string, set: (data: Backups) => void): void {
  lay((close) => (
    <Dialog title={t('inside.of', { time: longDate(taken) })} onClose={close} wide>
      <Inside
        backup={backup}
        begun={(data) => {
          close();
          set(data);
        }}
      />
    </Dialog>
  ));
}

function Inside({ backup, begun }: { backup: Named; begun: (data: Backups) => void }) {
  const [state, setState] = useState<{ ready: boolean; job: Job | null; wrong: string | null }>({
    ready: false,
    job: null,
    wrong: null,
  });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    let left = false;
    let asked = 0;
    const see = async (first: boolean): Promise<void> => {
      try {
        if (!first) {
          const { opening } = await client.call('ListBackups', {});
          if (left) return;
          if (opening !== null && !isBusy(opening) && opening.outcome?.kind !== 'done') {
            const wrong = opening.outcome?.message ?? t('jobs.cancelled');
            return setState({ ready: false, job: null, wrong });
          }
          if (isBusy(opening)) {
            setState({ ready: false, job: opening, wrong: null });
            timer = setTimeout(() => void see(false), POLL_MS);
            return;
          }
        }
        if (++asked > ASKED_MAX) return setState({ ready: false, job: null, wrong: t('inside.elsewhere') });
        const { ready, job } = await client.call('OpenBackup', { body: backup });
        if (left) return;
        setState({ ready, job, wrong: null });
        if (!ready) timer = setTimeout(() => void see(false), POLL_MS);
      } catch (error) {
        if (!left) setState({ ready: false, job: null, wrong: said(inItsWords(error)) });
      }
    };
    void see(true);
    return () => {
      left = true;
      if (timer !== null) clearTimeout(timer);
    };
  }, []);
  if (state.wrong !== null) return <Wrong text={state.wrong} />;
  if (!state.ready)
    return (
      <>
        <p class="muted">{t('inside.opening')}</p>
        {state.job === null ? <Loading rows={3} /> : <JobProgress job={state.job} label={t('inside.opening')} />}
        {state.job !== null && <CancelJob name={state.job.name} label={t('inside.opening')} done={() => undefined} />}
      </>
    );
  return <Folders backup={backup} begun={begun} />;
}

interface Place {
  bucket: string | null;
  folder: string;
}

function Folders({ backup, begun }: { backup: Named; begun: (data: Backups) => void }) {
  const [place, setPlace] = useState<Place>({ bucket: null, folder: '' });
  const [page, setPage] = useState<BackedUpPage | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [history, setHistory] = useState<BackedUpVersions['versions'] | null>(null);
  /** The latest that was asked for: an answer about another folder comes too late. */
  const latest = useRef(0);
  const load = async (cursor: string | null): Promise<void> => {
    const own = ++latest.current;
    try {
      const more = await client.call('BrowseBackup', { body: { ...backup, ...place, cursor, limit: 200 } });
      if (own !== latest.current) return;
      setPage((before) =>
        cursor === null || before === null ? more : { ...more, entries: [...before.entries, ...more.entries] },
      );
      setWrong(null);
    } catch (error) {
      if (own === latest.current) setWrong(said(inItsWords(error)));
    }
  };
  useEffect(() => {
    setPage(null);
    setHistory(null);
    void load(null);
  }, [place.bucket, place.folder]);
  const { bucket, folder } = place;
  const bring = async (key: string, versionId: string | null): Promise<void> => {
    const data = await askWhere(backup, bucket ?? '', key, versionId);
    if (data !== null) begun(data);
  };
  const see = async (key: string): Promise<void> => {
    try {
      const { versions } = await client.call('ListBackedUpVersions', { body: { ...backup, bucket: bucket ?? '', key } });
      setHistory(versions);
    } catch (error) {
      setWrong(said(inItsWords(error)));
    }
  };
  const parts = folder.split('/').filter((part, index, all) => index < all.length - 1 || part !== '');
  return (
    <div class="backup-inside">
      <nav class="row wrap" aria-label={t('inside.where')}>
        <Button kind="quiet" onClick={() => setPlace({ bucket: null, folder: '' })}>
          {t('inside.buckets')}
        </Button>
        {bucket !== null && (
          <Button kind="quiet" onClick={() => setPlace({ bucket, folder: '' })}>
            {bucket}
          </Button>
        )}
        {parts.map((part, index) => (
          <Button
            key={index}
            kind="quiet"
            onClick={() => setPlace({ bucket, folder: `${parts.slice(0, index + 1).join('/')}/` })}
          >
            {part}
          </Button>
        ))}
        <span class="grow" />
        {bucket !== null && (
          <Button icon={RotateCcw} onClick={() => void bring(folder, null)}>
            {t('inside.bringAll')}
          </Button>
        )}
      </nav>
      <Wrong text={wrong} />
      {page !== null && page.missingPacks > 0 && <p class="note warn">{t('inside.missing', { count: page.missingPacks })}</p>}
      {history !== null ? (
        <Versions versions={history} {...{ backup, bucket: bucket ?? '', bring }} back={() => setHistory(null)} />
      ) : page === null ? (
        wrong === null && <Loading rows={4} />
      ) : (
        <>
          <Table
            label={t('inside.what')}
            stacked
            head={[t('inside.name'), { text: t('inside.size'), number: true }, t('inside.from'), '']}
          >
            {page.buckets.map((name) => (
              <tr key={name}>
                <th scope="row">
                  <Button kind="quiet" icon={FolderOpen} onClick={() => setPlace({ bucket: name, folder: '' })}>
                    {name}
                  </Button>
                </th>
                <td class="number" />
                <td />
                <td class="actions" />
              </tr>
            ))}
            {page.entries.map((entry) => {
              const name = entry.key.slice(folder.length);
              return (
                <tr key={entry.key}>
                  <th scope="row">
                    {entry.kind === 'folder' ? (
                      <Button kind="quiet" icon={Folder} onClick={() => setPlace({ bucket, folder: entry.key })}>
                        {name.slice(0, -1)}
                      </Button>
                    ) : (
                      <span class="row">
                        <Icon of={File} /> <span class="wrap">{name}</span>
                      </span>
                    )}
                  </th>
                  <td class="number">
                    {entry.kind === 'file' ? bytes(entry.size) : entry.bytes === null ? '–' : bytes(entry.bytes)}
                  </td>
                  <td class="muted">{entry.kind === 'file' ? longDate(entry.mtime) : ''}</td>
                  <td class="actions">
                    {entry.kind === 'file' && (
                      <>
                        <Save {...{ backup, bucket: bucket ?? '', name }} at={entry.key} versionId={entry.versionId} />{' '}
                        <Button icon={History} label={t('inside.versionsOf', { name })} onClick={() => void see(entry.key)}>
                          {t('inside.versions')}
                        </Button>{' '}
                      </>
                    )}
                    <Button icon={RotateCcw} label={t('inside.bringOf', { name })} onClick={() => void bring(entry.key, null)}>
                      {t('inside.bring')}
                    </Button>
                  </td>
                </tr>
              );
            })}
          </Table>
          {page.buckets.length + page.entries.length === 0 && <p class="muted">{t('inside.empty')}</p>}
          {page.next !== null && <Button onClick={() => void load(page.next)}>{t('inside.more')}</Button>}
        </>
      )}
    </div>
  );
}

interface VersionsProps {
  backup: Named;
  bucket: string;
  versions: BackedUpVersions['versions'];
  bring: (key: string, versionId: string | null) => Promise<void>;
  back: () => void;
}

function Versions({ backup, bucket, versions, bring, back }: VersionsProps) {
  return (
    <>
      <Table label={t('inside.versions')} stacked head={[t('inside.from'), { text: t('inside.size'), number: true }, '']}>
        {versions.map(({ key, versionId, size, modified, current, deleted }) => {
          const name = key.split('/').at(-1) ?? key;
          return (
            <tr key={versionId}>
              <th scope="row">
                {longDate(modified)} {current && <span class="badge good">{t('inside.current')}</span>}
                {deleted && <span class="badge warn">{t('inside.deleted')}</span>}
              </th>
              <td class="number">{deleted ? '–' : bytes(size)}</td>
              <td class="actions">
                {!deleted && (
                  <>
                    <Save {...{ backup, bucket, name, versionId }} at={key} />{' '}
                    <Button icon={RotateCcw} onClick={() => void bring(key, versionId)}>
                      {t('inside.bring')}
                    </Button>
                  </>
                )}
              </td>
            </tr>
          );
        })}
      </Table>
      <Button onClick={back}>{t('inside.back')}</Button>
    </>
  );
}

function Save({
  backup,
  bucket,
  at,
  name,
  versionId,
}: {
  backup: Named;
  bucket: string;
  at: string;
  name: string;
  versionId: string;
}) {
  const label = t('inside.saveOf', { name });
  return (
    <a
      class="button"
      href={backedUpUrl({ ...backup, bucket, key: at, versionId })}
      download={name}
      aria-label={label}
      title={label}
    >
      <Icon of={Download} />
    </a>
  );
}

async function askWhere(backup: Named, bucket: string, key: string, versionId: string | null): Promise<Backups | null> {
  const folder = key.replace(/[^/]*\/?$/, '');
  const name = key.slice(folder.length).replace(/\/$/, '');
  const isFolder = key === '' || key.endsWith('/');
  return askForm({
    title: t('inside.bringOf', { name: name === '' ? bucket : name }),
    text: t('inside.bringText'),
    action: t('inside.bring'),
    fields: [
      { name: 'bucket', label: t('inside.toBucket'), initial: bucket },
      { name: 'folder', label: t('inside.toFolder'), initial: folder, optional: true, hint: t('inside.toFolderHint') },
      {
        name: 'name',
        label: t('inside.toName'),
        initial: name,
        optional: isFolder,
        ...(isFolder && { hint: t('inside.toNameHint') }),
      },
      {
        name: 'conflict',
        label: t('inside.conflict'),
        kind: 'select',
        initial: 'both',
        choices: (['both', 'version', 'skip'] as const).map((value) => ({ value, label: t(`inside.conflict.${value}`) })),
      },
    ],
    act: async (values) => {
      const to = (values.folder ?? '').trim().replace(/^\//, '');
      try {
        return await client.call('ExtractFromBackup', {
          body: {
            ...{ ...backup, bucket, key, versionId },
            to: {
              bucket: (values.bucket ?? '').trim(),
              folder: to === '' || to.endsWith('/') ? to : `${to}/`,
              name: (values.name ?? '').trim(),
            },
            conflict: values.conflict as 'both' | 'version' | 'skip', // one of the choices
          },
        });
      } catch (error) {
        throw inItsWords(error);
      }
    },
  });
}

/** What was brought back out of backups, newest first. */
export function Extracts({ data: { extracts } }: { data: Backups }) {
  if (extracts.length === 0) return null;
  return (
    <Section title={t('inside.history')}>
      <Table label={t('inside.history')} stacked head={[t('inside.name'), t('inside.into'), t('backup.state')]}>
        {extracts.map(
          ({ id, ended, bucket, key, to, outcome, message, restored, unchanged, skipped, renamed, failed, failures, ...run }) => (
            <tr key={id}>
              <th scope="row">
                <span class="wrap">{`${bucket}/${key}`}</span>
                <p class="muted small">{longDate(ended)}</p>
              </th>
              <td class="wrap">{to}</td>
              <td>
                <span class={`badge ${outcome === 'failed' || failed > 0 ? 'bad' : outcome === 'done' ? 'good' : 'warn'}`}>
                  {failed > 0 ? t('inside.failed', { count: failed }) : t(`jobs.${outcome}`)}
                </span>
                <p class="small muted">{t('inside.restored', { count: restored, size: bytes(run.bytes) })}</p>
                {renamed > 0 && <p class="small muted">{t('inside.renamed', { count: renamed })}</p>}
                {unchanged > 0 && <p class="small muted">{t('inside.unchanged', { count: unchanged })}</p>}
                {skipped > 0 && <p class="small muted">{t('inside.skipped', { count: skipped })}</p>}
                {(message ?? failures[0]?.why) !== undefined && <p class="small wrap">{message ?? failures[0]?.why}</p>}
              </td>
            </tr>
          ),
        )}
      </Table>
    </Section>
  );
}
