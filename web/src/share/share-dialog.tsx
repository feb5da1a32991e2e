import { signal } from '@preact/signals';
import { Link2, Plus, Trash2 } from 'lucide';
import type { Link, NewLink } from '../../../clients/typescript/index.ts';
import type { Place } from '../api/client.ts';
import { client } from '../api/session.ts';
import type { Entry } from '../api/types.ts';
import { visible } from '../drive/entry-list.tsx';
import { ago, bytes, longDate, t } from '../i18n/index.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { CopyField } from '../ui/copy-field.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { askForm } from '../ui/form.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Section, Show } from '../ui/page.tsx';
import { fail } from '../ui/toast.tsx';
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

function linkAddress(token: string): string {
  return `${location.origin}/s/${token}`;
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

export async function linksOf({ bucket, key }: Place): Promise<Link[]> {
  return (await client.call('ListLinks', { query: { bucket, key } })).items.filter((link) => link.key === key);
}

function Links({ entry }: { entry: Shared }) {
  const { bucket, key } = entry;
  const links = useLoad(() => linksOf(entry), [key]);
  const add = async (): Promise<void> => {
    const made = await askForm({
      title: t('link.new'),
      action: t('create'),
      fields: [
        {
          name: 'mode',
          label: t('link.mode'),
          kind: 'select',
          initial: 'download',
          choices: (['download', 'view', ...(entry.kind === 'folder' ? (['drop'] as const) : [])] as const).map((value) => ({
            value,
            label: t(`link.${value}`),
          })),
        },
        { name: 'label', label: t('link.label'), optional: true },
        { name: 'password', label: t('signIn.password'), kind: 'password', optional: true },
        { name: 'expires', label: t('key.expires'), kind: 'date', optional: true },
        { name: 'downloads', label: t('link.downloadsMax'), kind: 'number', optional: true },
      ],
      act: ({ mode, label, password, expires, downloads }) =>
        client.call('CreateLink', {
          body: {
            bucket,
            key,
            mode: mode as NonNullable<NewLink['mode']>,
            ...(label ? { label } : {}),
            ...(password ? { password } : {}),
            ...(expires ? { expires: new Date(`${expires}T23:59:59`).toISOString() } : {}),
            ...(downloads ? { downloadsMax: Number(downloads) } : {}),
          },
        }),
    });
    if (made !== null) links.reload();
  };
  return (
    <Section
      title={t('share.links')}
      actions={
        <Button icon={Plus} onClick={() => void add()}>
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

export function LinkRow({ link, reload, place = false }: { link: Link; reload: () => void; place?: boolean }) {
  // Lists leave the token out; its maker is told it when asking for the one link.
  const whole = useLoad(() => client.call('GetLink', { path: { link: String(link.id) } }), [link.id]);
  const token = link.token ?? whole.data?.token;
  const remove = (): void => void client.call('RemoveLink', { path: { link: String(link.id) } }).then(reload, fail);
  const toggle = (): void =>
    void client.call('UpdateLink', { path: { link: String(link.id) }, body: { disabled: !link.disabled } }).then(reload, fail);
  return (
    <li class="link-row">
      <Icon of={Link2} class="faint" />
      <div class="link-text">
        <span class="row">
          {place && <strong class="wrap">{visible(`${link.bucket}/${link.key}`)}</strong>}
          <span class="badge">{t(`link.${link.mode}`)}</span>
          {link.protected && <span class="badge">{t('signIn.password')}</span>}
          {link.disabled && <span class="badge bad">{t('link.disabled')}</span>}
          {link.expires !== null && <span class="badge warn">{t('link.until', { time: longDate(link.expires) })}</span>}
        </span>
        {token !== undefined && <CopyField text={linkAddress(token)} />}
        <span class="muted small">
          {link.mode === 'drop'
            ? t('link.dropped', { count: link.files, size: bytes(link.bytes) })
            : t('link.downloads', { count: link.downloads })}
          {link.lastUsed !== null && ` · ${ago(link.lastUsed)}`}
        </span>
      </div>
      <Button kind="quiet" onClick={toggle}>
        {link.disabled ? t('users.enable') : t('users.disable')}
      </Button>
      <IconButton icon={Trash2} label={t('link.remove')} onClick={remove} />
    </li>
  );
}
