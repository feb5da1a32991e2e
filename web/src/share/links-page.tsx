import { Link2 } from 'lucide';
import { client } from '../api/session.ts';
import { t } from '../i18n/index.ts';
import { useLoad } from '../ui/load.ts';
import { Page, Show } from '../ui/page.tsx';
import { Empty } from '../ui/states.tsx';
import { LinkRow } from './link-row.tsx';

/** Every link that the user has made. */
export function LinksPage() {
  const links = useLoad(async () => (await client.call('ListLinks', { query: {} })).items, []);
  return (
    <Page title={t('nav.links')} text={t('links.text')}>
      <Show of={links}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={Link2} title={t('links.none')}>
              <p>{t('links.noneText')}</p>
            </Empty>
          ) : (
            <ul class="links card">
              {list.map((link) => (
                <LinkRow key={link.id} link={link} reload={links.reload} place />
              ))}
            </ul>
          )
        }
      </Show>
    </Page>
  );
}
