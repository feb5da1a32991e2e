import { signal } from '@preact/signals';
import { Plus } from 'lucide';
import type { Entry } from '../api/types.ts';
import { visible } from '../drive/entry-list.tsx';
import { t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { useLoad } from '../ui/load.ts';
import { Section, Show } from '../ui/page.tsx';
import { makeLink } from './link-form.ts';
import { LinkRow } from './link-row.tsx';
import { linksOf } from './links-to.ts';
import { People, useGrants } from './people.tsx';
import { WhoSees } from './who-sees.tsx';

/** A file, a folder, or a bucket (an empty key). */
type Shared = Pick<Entry, 'bucket' | 'key' | 'name' | 'kind'>;

const shared = signal<Shared | null>(null);

export function share(entry: Shared): void {
  shared.value = entry;
}

export function ShareDialog() {
  return shared.value === null ? null : <Sharing key={`${shared.value.bucket}/${shared.value.key}`} entry={shared.value} />;
}

function Sharing({ entry }: { entry: Shared }) {
  const { grants, known } = useGrants(entry);
  return (
    <Dialog title={t('share.title', { name: visible(entry.name) })} onClose={() => (shared.value = null)} wide>
      <div class="sharing">
        <Links entry={entry} />
        <People place={entry} grants={grants} known={known} />
        {(grants.data !== null || !grants.loading) && <WhoSees place={entry} grants={grants.data} known={known} />}
      </div>
    </Dialog>
  );
}

function Links({ entry }: { entry: Shared }) {
  const links = useLoad(() => linksOf(entry), [entry.key]);
  return (
    <Section
      title={t('share.links')}
      actions={
        <Button icon={Plus} onClick={() => void makeLink(entry).then((made) => made !== null && links.reload())}>
          {t('link.new')}
        </Button>
      }
    >
      <Show of={links} rows={2}>
        {(list) =>
          list.length === 0 ? (
            <p class="muted">{t('link.none')}</p>
          ) : (
            <ul class="links">
              {list.map((link) => (
                <LinkRow key={link.id} link={link} reload={links.reload} />
              ))}
            </ul>
          )
        }
      </Show>
    </Section>
  );
}
