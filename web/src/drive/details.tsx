import { BadgeCheck, Download, Eye, X } from 'lucide';
import { api, fileUrl, type Place } from '../api/client.ts';
import type { Entry } from '../api/types.ts';
import { ago, bytes, longDate, t } from '../i18n/index.ts';
import { preferences } from '../preferences.ts';
import { IconButton } from '../ui/button.tsx';
import { CopyField } from '../ui/copy-field.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Failed, Loading } from '../ui/states.tsx';
import { visible } from './entry-list.tsx';
import { sizeOf } from './folder.ts';
import { iconOf, kindOf } from './kinds.ts';
import { Thumbnail } from './thumbnail.tsx';

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
      <div class="row">
        {entry.kind === 'file' && (
          <>
            <IconButton icon={Eye} label={t('view')} onClick={() => open(entry)} />
            <a
              class="icon-button"
              href={fileUrl(entry, { download: true })}
              download={entry.name}
              aria-label={t('download')}
              title={t('download')}
            >
              <Icon of={Download} />
            </a>
          </>
        )}
      </div>
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
                )}
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
    </div>
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
