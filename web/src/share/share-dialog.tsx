import { signal } from '@preact/signals';
import { Link2, Pencil, Plus, Trash2 } from 'lucide';
import type { Link, NewLink } from '../../../clients/typescript/index.ts';
import type { Place } from '../api/client.ts';
import { client } from '../api/session.ts';
import type { Entry } from '../api/types.ts';
import { visible } from '../drive/entry-list.tsx';
import { ago, bytes, longDate, t } from '../i18n/index.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { CopyField } from '../ui/copy-field.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { askForm, type FormField } from '../ui/form.tsx';
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
        networksField(null),
        ...(entry.kind === 'folder' ? dropLimits() : []),
      ],
      act: ({ mode, label, password, expires, downloads, networks, files, room }) =>
        client.call('CreateLink', {
          body: {
            bucket,
            key,
            mode: mode as NonNullable<NewLink['mode']>,
            ...(label ? { label } : {}),
            ...(password ? { password } : {}),
            ...(expires ? { expires: new Date(`${expires}T23:59:59`).toISOString() } : {}),
            ...(downloads && mode !== 'drop' ? { downloadsMax: whole(downloads) } : {}),
            ...(networks ? { networks: listOf(networks) } : {}),
            ...(files && mode === 'drop' ? { filesMax: whole(files) } : {}),
            ...(room && mode === 'drop' ? { bytesMax: megabytes(room) } : {}),
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

/** What a drop folder takes. */
function dropLimits({ filesMax = null, bytesMax = null }: Partial<Link> = {}): FormField[] {
  const drop = t('link.dropOnly');
  return [
    { name: 'files', label: t('link.filesMax'), kind: 'number', optional: true, hint: drop, initial: filesMax?.toString() ?? '' },
    {
      name: 'room',
      label: t('link.bytesMax'),
      kind: 'number',
      optional: true,
      hint: drop,
      initial: bytesMax === null ? '' : String(bytesMax / 1e6),
    },
  ];
}

function networksField(networks: readonly string[] | null): FormField {
  return {
    name: 'networks',
    label: t('link.networks'),
    optional: true,
    hint: t('link.networksHint'),
    initial: networks?.join(', ') ?? '',
  };
}

/** What stands between commas and spaces. */
function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((one) => one !== '');
}

function whole(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(t('link.wholeNumber'));
  return number;
}

function megabytes(text: string): number {
  const number = Math.round(Number(text) * 1e6);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(t('link.wholeNumber'));
  return number;
}

/** Everything that a link has, later. */
async function change(link: Link): Promise<boolean> {
  const folder = link.key === '' || link.key.endsWith('/');
  const changed = await askForm({
    title: t('link.change'),
    action: t('save'),
    fields: [
      {
        name: 'mode',
        label: t('link.mode'),
        kind: 'select',
        initial: link.mode,
        choices: (['download', 'view', ...(folder ? (['drop'] as const) : [])] as const).map((value) => ({
          value,
          label: t(`link.${value}`),
        })),
      },
      { name: 'label', label: t('link.label'), optional: true, initial: link.label ?? '' },
      {
        name: 'password',
        label: t('signIn.password'),
        kind: 'password',
        optional: true,
        ...(link.protected ? { hint: t('link.passwordKept') } : {}),
      },
      ...(link.protected ? [{ name: 'open', label: t('link.noPassword'), kind: 'check' as const }] : []),
      { name: 'expires', label: t('key.expires'), kind: 'date', optional: true, initial: dayOf(link.expires) },
      {
        name: 'downloads',
        label: t('link.downloadsMax'),
        kind: 'number',
        optional: true,
        initial: link.downloadsMax?.toString() ?? '',
      },
      networksField(link.networks),
      ...(folder ? dropLimits(link) : []),
    ],
    act: ({ mode, label, password, open, expires, downloads, networks, files, room }) => {
      const drop = mode === 'drop';
      return client.call('UpdateLink', {
        path: { link: String(link.id) },
        body: {
          mode: mode as Link['mode'],
          label: label || null,
          ...(open === 'yes' ? { password: null } : password ? { password } : {}),
          // A day that nobody touched keeps its hour.
          ...(expires === dayOf(link.expires) ? {} : { expires: expires ? new Date(`${expires}T23:59:59`).toISOString() : null }),
          downloadsMax: downloads && !drop ? whole(downloads) : null,
          networks: networks ? listOf(networks) : null,
          filesMax: files && drop ? whole(files) : null,
          bytesMax: room && drop ? megabytes(room) : null,
        },
      });
    },
  });
  return changed !== null;
}

/** As a field for days has it, in the time of this place. */
function dayOf(time: string | null): string {
  if (time === null) return '';
  const at = new Date(time);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
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
          {link.downloadsMax !== null && ` ${t('link.ofDownloads', { max: link.downloadsMax })}`}
          {link.filesMax !== null && ` · ${t('link.ofFiles', { count: link.filesMax })}`}
          {link.networks !== null && ` · ${t('link.from', { networks: link.networks.join(', ') })}`}
          {link.bytesMax !== null && ` · ${t('link.ofBytes', { size: bytes(link.bytesMax) })}`}
          {link.lastUsed !== null && ` · ${ago(link.lastUsed)}`}
        </span>
      </div>
      <IconButton icon={Pencil} label={t('link.change')} onClick={() => void change(link).then((done) => done && reload())} />
      <Button kind="quiet" onClick={toggle}>
        {link.disabled ? t('users.enable') : t('users.disable')}
      </Button>
      <IconButton icon={Trash2} label={t('link.remove')} onClick={remove} />
    </li>
  );
}
