import { Search as SearchIcon } from 'lucide';
import { useEffect, useState } from 'preact/hooks';
import type { SearchPage as Found } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import type { Entry } from '../api/types.ts';
import { bytes, shortDate, t } from '../i18n/index.ts';
import { driveHref } from '../router.ts';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Page, Show } from '../ui/page.tsx';
import { Empty } from '../ui/states.tsx';
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
  const found = useLoad(async (): Promise<Entry[]> => {
    if (asked === '') return [];
    const out: Entry[] = [];
    for (let cursor: string | null = null; ; ) {
      const page: Found = await client.call('Search', {
        query: { q: asked, limit: LIMIT, ...(cursor === null ? {} : { cursor }) },
      });
      out.push(...(page.entries as Entry[]));
      if (page.next === null || out.length >= LIMIT) return out;
      cursor = page.next;
    }
  }, [asked]);
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
      <Show of={found}>
        {(list) =>
          asked === '' ? (
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
          )
        }
      </Show>
    </Page>
  );
}
