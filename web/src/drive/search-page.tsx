import { Search as SearchIcon } from 'lucide';
import { useEffect, useState } from 'preact/hooks';
import type { SearchPage as Found } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import type { Entry } from '../api/types.ts';
import { bytes, shortDate, t } from '../i18n/index.ts';
import { driveHref } from '../router.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { usePages } from '../ui/pages.ts';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import { parentOf } from './actions.tsx';
import { visible } from './entry-list.tsx';
import { timeOf } from './folder.ts';
import { iconOf, kindOf } from './kinds.ts';

const WAIT_MS = 200;
const LIMIT = 200;

/** By name, everywhere that the user may look, while it is typed. */
export function SearchPage() {
  const [text, setText] = useState('');
  const [asked, setAsked] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text.trim()), WAIT_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const [complete, setComplete] = useState(true);
  const found = usePages(
    async (cursor, signal) => {
      if (asked === '') return { items: [], next: null };
      const query = { q: asked, limit: LIMIT, ...(cursor === null ? {} : { cursor }) };
      const page: Found = await client.call('Search', { query, signal });
      setComplete(page.complete);
      return { items: page.entries as Entry[], next: page.next };
    },
    [asked],
  );
  const list = found.items;
  return (
    <Page title={t('nav.search')}>
      <div class="filter big">
        <Icon of={SearchIcon} />
        <input
          type="search"
          class="input"
          aria-label={t('search.label')}
          placeholder={t('search.label')}
          autofocus
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
      {!complete && asked !== '' && (
        <p class="note row" role="status">
          <span class="grow">{t('search.incomplete')}</span>
          <button type="button" class="link" onClick={found.reload}>
            {t('retry')}
          </button>
        </p>
      )}
      {list === null ? (
        found.error === null ? (
          <Loading rows={4} />
        ) : (
          <Failed error={found.error} retry={found.again} />
        )
      ) : asked === '' ? (
        <Empty icon={SearchIcon} title={t('search.begin')}>
          <p>{t('search.beginText')}</p>
        </Empty>
      ) : list.length === 0 ? (
        <Empty icon={SearchIcon} title={t('search.none', { text: asked })} />
      ) : (
        <ul class="public-list" aria-label={t('nav.search')}>
          {list.map((entry) => (
            <li key={`${entry.bucket}/${entry.key}`}>
              <a
                href={
                  entry.kind === 'folder'
                    ? driveHref(entry.bucket, entry.key)
                    : driveHref(entry.bucket, parentOf(entry.key), { open: entry.name })
                }
              >
                <Icon of={iconOf(kindOf(entry))} size={20} class={`kind ${kindOf(entry)}`} />
                <span class="name">
                  <bdi>{visible(entry.name)}</bdi>
                  <br />
                  <span class="muted small">
                    <bdi>{visible(`${entry.bucket}/${parentOf(entry.key)}`)}</bdi>
                  </span>
                </span>
                <span class="muted small">{entry.kind === 'file' ? bytes(entry.size) : t('folder')}</span>
                <span class="muted small">{shortDate(timeOf(entry))}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
      {list !== null && found.error !== null && <Failed error={found.error} retry={found.again} />}
      {found.more && found.error === null && list !== null && (
        <p class="row">
          <span class="muted" aria-live="polite">
            {t('entries.more', { count: list.length })}
          </span>
          <Button busy={found.coming} onClick={found.next}>
            {t('showMore')}
          </Button>
        </p>
      )}
    </Page>
  );
}
