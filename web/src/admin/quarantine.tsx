import { useEffect, useRef, useState } from 'preact/hooks';
import type { HurtFile, Quarantined } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { trashHref } from '../history/trash-href.ts';
import { ago, bytes, fromGateway, longDate, type MessageKey, number, t } from '../i18n/index.ts';
import { driveHref, href } from '../router.ts';
import { Button } from '../ui/button.tsx';
import { Section } from '../ui/page.tsx';
import { ShowPages } from '../ui/paged.tsx';
import { usePages } from '../ui/pages.ts';

const PAGE = 20;
const FILES_PAGE = 100;
const EVERY_MS = 10_000;

const KINDS: Record<string, MessageKey> = {
  chunk: 'quarantine.chunk',
  leaf: 'quarantine.leaf',
  version: 'quarantine.version',
  part: 'quarantine.part',
  pack: 'quarantine.pack',
  keys: 'quarantine.keys',
};
const COPIES: Record<NonNullable<Quarantined['secondCopy']>, { text: MessageKey; badge: 'good' | 'warn' | 'bad' | '' }> = {
  good: { text: 'quarantine.copyGood', badge: 'good' },
  none: { text: 'quarantine.copyNone', badge: '' },
  damaged: { text: 'quarantine.copyDamaged', badge: 'bad' },
  missing: { text: 'quarantine.copyMissing', badge: 'bad' },
  unreachable: { text: 'quarantine.copyAway', badge: 'warn' },
};

/** What is damaged, the files that each thing hurts, and what somebody can do about it. @param news changes when a check has found something else */
export function Quarantine({ news }: { news: string }) {
  const list = usePages(
    (cursor) => client.call('ListQuarantine', { query: { limit: PAGE, ...(cursor === null ? {} : { cursor }) } }),
    [],
  );
  const shown = useRef(list);
  shown.current = list;
  useEffect(() => {
    // Files are healed, moved and deleted elsewhere meanwhile.
    const look = (): void => {
      if (document.visibilityState === 'visible' && !shown.current.loading) shown.current.reload();
    };
    const timer = setInterval(look, EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const heard = useRef(news);
  useEffect(() => {
    // What is shown stays until it is known better.
    if (heard.current !== news) shown.current.reload();
    heard.current = news;
  }, [news]);
  return (
    <Section title={t('storage.quarantine')}>
      <div class="note warn quarantine-help">
        <p>
          <strong>{t('quarantine.todo')}</strong>
        </p>
        <ul>
          <li>{t('quarantine.upload')}</li>
          <li>
            {t('quarantine.restore')} <a href={href('admin', ['backups'])}>{t('admin.backups')}</a>
          </li>
          <li>{t('quarantine.delete')}</li>
        </ul>
      </div>
      <ShowPages of={list} more={t('quarantine.more')}>
        {(items) => (
          <ul class="quarantine">
            {items.map((one) => (
              <One key={`${one.kind}:${one.subject}`} one={one} />
            ))}
          </ul>
        )}
      </ShowPages>
    </Section>
  );
}

function One({ one }: { one: Quarantined }) {
  const { kind, subject, reason, found, place, secondCopy, files, fileCount } = one;
  const [all, setAll] = useState(false);
  const what = KINDS[kind];
  const copy = secondCopy === null ? null : COPIES[secondCopy];
  return (
    <li class="card quarantined">
      <header class="row">
        <h3>{what === undefined ? kind : t(what)}</h3>
        {place !== null && <span class="muted small">{bytes(place.size)}</span>}
        <span class="grow" />
        <time class="muted small" dateTime={found} title={longDate(found)}>
          {t('quarantine.since', { time: ago(found) })}
        </time>
      </header>
      <p class="wrap">{fromGateway(reason)}</p>
      {copy !== null && (
        <p>
          <span class={`badge ${copy.badge}`}>{t('quarantine.copy')}</span> <span class="small">{t(copy.text)}</span>
        </p>
      )}
      {fileCount === 0 ? (
        <p class="muted">{t('quarantine.noFile')}</p>
      ) : (
        <>
          <h4>{t('quarantine.files', { count: fileCount })}</h4>
          {all ? <AllFiles of={one} /> : <Files files={files} />}
          {!all && fileCount > files.length && (
            <Button onClick={() => setAll(true)}>{t('quarantine.all', { count: fileCount })}</Button>
          )}
        </>
      )}
      <details>
        <summary>{t('quarantine.where')}</summary>
        <p class="details-body">
          <code class="wrap">{subject}</code>
          {place !== null && (
            <code class="wrap">
              {t('quarantine.place', {
                store: String(place.store),
                pack: place.pack,
                offset: number(place.offset),
                length: number(place.length),
              })}
            </code>
          )}
        </p>
      </details>
    </li>
  );
}

function AllFiles({ of: { kind, subject } }: { of: Quarantined }) {
  const list = usePages(
    (cursor) =>
      client.call('ListHurtFiles', {
        query: { kind: kind as 'chunk', subject, limit: FILES_PAGE, ...(cursor === null ? {} : { cursor }) }, // as the gateway told it
      }),
    [kind, subject],
  );
  return (
    <ShowPages of={list} more={t('quarantine.more')}>
      {(items) => <Files files={items} />}
    </ShowPages>
  );
}

/** Each leads to where something can be done about it. */
function Files({ files }: { files: HurtFile[] }) {
  return (
    <ul class="hurt-files">
      {files.map(({ bucket, key, version, current, deleted, size }) => {
        const folder = key.slice(0, key.lastIndexOf('/') + 1);
        const name = key.slice(folder.length);
        const to = deleted
          ? trashHref({ bucket, key: folder })
          : driveHref(bucket, folder, name === '' ? {} : { versions: name, version });
        return (
          <li key={version} class="row">
            <a class="wrap grow" href={to}>
              <bdi>{visible(`${bucket}/${key}`)}</bdi>
            </a>
            {deleted ? (
              <span class="badge">{t('quarantine.trash')}</span>
            ) : (
              !current && <span class="badge">{t('storage.old')}</span>
            )}
            <span class="muted small nowrap">{bytes(size)}</span>
          </li>
        );
      })}
    </ul>
  );
}
