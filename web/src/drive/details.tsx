import { BadgeCheck, Download, Eye, X } from 'lucide';
import type { Link } from '../../../clients/typescript/index.ts';
import { mayVerify, verifyNow } from '../admin/verify-now.tsx';
import { api, fileUrl, type Place } from '../api/client.ts';
import { isApiError } from '../api/error.ts';
import type { Entry, FileEntry } from '../api/types.ts';
import { versionsPage, writtenBy } from '../history/version-rows.ts';
import { showVersions } from '../history/versions-dialog.tsx';
import { ago, bytes, longDate, t } from '../i18n/index.ts';
import { preferences } from '../preferences.ts';
import { linksOf } from '../share/links-to.ts';
import { grantsOf } from '../share/people.tsx';
import { share } from '../share/share-dialog.tsx';
import { IconButton, IconLink } from '../ui/button.tsx';
import { CopyField } from '../ui/copy-field.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Show } from '../ui/page.tsx';
import { Failed, Loading } from '../ui/states.tsx';
import { Checksum } from './checksum.tsx';
import { DetailsPart } from './details-part.tsx';
import { visible } from './entry-list.tsx';
import { sizeOf } from './folder.ts';
import { FolderActivity } from './folder-activity.tsx';
import { iconOf, kindOf } from './kinds.ts';
import { Thumbnail } from './thumbnail.tsx';

const LATEST = 5;

interface DetailsProps {
  place: Place;
  entries: Entry[];
  focused: Entry | null;
  open: (entry: Entry) => void;
}

/** What is known of what is selected. */
export function Details({ place, entries, focused, open }: DetailsProps) {
  const one = entries.length > 1 ? null : (entries[0] ?? focused);
  return (
    <aside class="details" aria-label={t('details')}>
      <header>
        <h2>{t('details')}</h2>
        <IconButton icon={X} label={t('close')} onClick={() => preferences.set('details', false)} />
      </header>
      {entries.length > 1 ? (
        <p class="details-sum">
          {t('selection.count', { count: entries.length })}
          <br />
          <span class="muted">{bytes(entries.reduce((sum, entry) => sum + Math.max(0, sizeOf(entry)), 0))}</span>
        </p>
      ) : one === null ? (
        <p class="muted details-sum">
          {t('details.none', { name: place.key === '' ? place.bucket : (place.key.split('/').at(-2) ?? '') })}
        </p>
      ) : (
        <One key={one.key + one.etag} entry={one} open={open} />
      )}
    </aside>
  );
}

function One({ entry, open }: { entry: Entry; open: (entry: Entry) => void }) {
  const { data, error, reload } = useLoad(() => api.stat(entry, true), [entry.key, entry.etag]);
  const kind = kindOf(entry);
  return (
    <div class="details-one">
      <div class="details-picture">
        {entry.kind === 'file' && kind === 'image' ? (
          <Thumbnail file={entry} />
        ) : (
          <Icon of={iconOf(kind)} size={56} class={`kind ${kind}`} />
        )}
      </div>
      <h3 class="wrap">
        <bdi>{visible(entry.name)}</bdi>
      </h3>
      {entry.kind === 'file' && (
        <div class="row">
          <IconButton icon={Eye} label={t('view')} onClick={() => open(entry)} />
          <IconLink icon={Download} label={t('download')} href={fileUrl(entry, { download: true })} download={entry.name} />
        </div>
      )}
      {error !== null && <Failed error={error} retry={reload} />}
      {data === null && error === null && <Loading rows={4} />}
      {data !== null && (
        <dl>
          {data.kind === 'file' && (
            <>
              <Fact name={t('column.size')}>{`${bytes(data.size)}`}</Fact>
              <Fact name={t('details.type')}>{data.contentType}</Fact>
              <Fact name={t('column.modified')}>{longDate(data.mtime)}</Fact>
              <Fact name={t('details.stored')}>{longDate(data.modified)}</Fact>
              <Fact name={t('details.verified')}>
                {data.verified == null ? (
                  t('details.notVerified')
                ) : (
                  <span class="good" title={longDate(data.verified)}>
                    <Icon of={BadgeCheck} size={16} /> {ago(data.verified)}
                  </span>
                )}{' '}
                {mayVerify() && (
                  <button
                    type="button"
                    class="link"
                    onClick={() => verifyNow({ bucket: data.bucket, key: data.key, name: data.name })}
                  >
                    {t('verify.now')}
                  </button>
                )}
              </Fact>
              <Fact name={t('details.checksum')}>
                <Checksum file={data} known={data.checksum} />
              </Fact>
              <Fact name={t('details.etag')}>
                <CopyField text={data.etag} />
              </Fact>
            </>
          )}
          {data.kind === 'folder' && data.modified !== undefined && (
            <Fact name={t('details.changed')}>{longDate(data.modified)}</Fact>
          )}
          <Fact name={t('details.key')}>
            <CopyField text={`${data.bucket}/${data.key}`} />
          </Fact>
          {data.kind === 'file' &&
            Object.entries(data.metadata ?? {}).map(([name, value]) => (
              <Fact key={name} name={visible(name)}>
                <span class="wrap">{visible(value)}</span>
              </Fact>
            ))}
        </dl>
      )}
      {entry.kind === 'file' ? <Activity file={entry} /> : <FolderActivity key={entry.key} folder={entry} />}
      <Shares entry={entry} />
    </div>
  );
}

/** The latest of what happened to a file, for those who may see what it was. */
function Activity({ file }: { file: FileEntry }) {
  const latest = useLoad(async () => {
    try {
      return (await versionsPage(file, null, LATEST)).items;
    } catch (error) {
      if (isApiError(error, 'access_denied', 'not_found')) return null;
      throw error;
    }
  }, [file.bucket, file.key, file.etag]);
  if (latest.data === null && !latest.loading && latest.error === null) return null;
  return (
    <DetailsPart title={t('details.activity')} action={t('details.allVersions')} act={() => showVersions(file)}>
      <Show of={latest} rows={2}>
        {(versions) => (
          <ul class="details-list">
            {(versions ?? []).map((version, index, all) => (
              <li key={version.versionId}>
                <span>
                  {t(
                    version.kind === 'deletion'
                      ? 'details.wasDeleted'
                      : index === all.length - 1 && all.length < LATEST
                        ? 'details.wasMade'
                        : 'details.wasChanged',
                  )}
                </span>
                <span class="muted small" title={longDate(version.modified)}>
                  {ago(version.modified)}
                  {version.kind === 'file' && ` · ${bytes(version.size)}`}
                  {writtenBy(version) !== '' && (
                    <>
                      <br />
                      <bdi class="wrap">{writtenBy(version)}</bdi>
                    </>
                  )}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Show>
    </DetailsPart>
  );
}

/** Links to it, and who has a role here, as far as the user may know. */
function Shares({ entry }: { entry: Entry }) {
  const shares = useLoad(async () => {
    const hidden = (error: unknown): Link[] => {
      if (isApiError(error, 'access_denied')) return [];
      throw error;
    };
    const [links, grants] = await Promise.all([linksOf(entry).catch(hidden), grantsOf(entry)]);
    return { links, grants };
  }, [entry.bucket, entry.key]);
  return (
    <DetailsPart title={t('details.shares')} action={t('share.action')} act={() => share(entry)}>
      <Show of={shares} rows={2}>
        {({ links, grants }) => (
          <ul class="details-list">
            {links.map((link) => (
              <li key={link.id}>
                <span>{link.label === null || link.label === '' ? t('details.link') : visible(link.label)}</span>
                <span class="muted small">
                  {t(`link.${link.mode}`)}
                  {link.disabled && ` · ${t('link.disabled')}`}
                </span>
              </li>
            ))}
            {(grants ?? []).map(({ kind, name, role, key }) => (
              <li key={`${kind} ${name} ${key}`}>
                <bdi class="wrap">{visible(name)}</bdi>
                <span class="muted small">{t(`grant.${role}`)}</span>
              </li>
            ))}
            {links.length + (grants?.length ?? 0) === 0 && <li class="muted">{t('details.unshared')}</li>}
          </ul>
        )}
      </Show>
    </DetailsPart>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
