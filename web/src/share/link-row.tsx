import { Link2, Pencil, Trash2 } from 'lucide';
import type { Link } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { visible } from '../drive/entry-list.tsx';
import { ago, bytes, longDate, t } from '../i18n/index.ts';
import { driveHref } from '../router.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { CopyField } from '../ui/copy-field.tsx';
import { confirm } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { fail } from '../ui/toast.tsx';
import { changeLink } from './link-form.ts';

interface LinkRowProps {
  link: Link;
  reload: () => void;
  /** Says what it is to, where that is not plain. */
  place?: boolean;
}

/** A link with all its terms, what became of it, and what can be done with it. */
export function LinkRow({ link, reload, place = false }: LinkRowProps) {
  const path = { link: String(link.id) };
  // Lists leave the token out; its maker is told it when asking for the one link.
  const whole = useLoad(() => client.call('GetLink', { path }), [link.id]);
  const token = link.token ?? whole.data?.token;
  const remove = async (): Promise<void> => {
    if (!(await confirm(t('link.remove'), t('link.removeText'), t('link.remove')))) return;
    await client.call('RemoveLink', { path }).then(reload, fail);
  };
  const toggle = (): void => void client.call('UpdateLink', { path, body: { disabled: !link.disabled } }).then(reload, fail);
  const over = link.expires !== null && Date.parse(link.expires) <= Date.now();
  return (
    <li class="link-row">
      <Icon of={Link2} class="faint" />
      <div class="link-text">
        <span class="row">
          {place && (
            <a class="wrap" href={hrefOf(link)}>
              <strong>
                <bdi>{visible(`${link.bucket}/${link.key}`)}</bdi>
              </strong>
            </a>
          )}
          {link.label !== null && (
            <span class="wrap">
              <bdi>{visible(link.label)}</bdi>
            </span>
          )}
          <span class="badge">{t(`link.${link.mode}`)}</span>
          {link.protected && <span class="badge">{t('signIn.password')}</span>}
          {link.disabled && <span class="badge bad">{t('link.disabled')}</span>}
          {over ? (
            <span class="badge bad">{t('link.over')}</span>
          ) : (
            link.expires !== null && <span class="badge warn">{t('link.until', { time: longDate(link.expires) })}</span>
          )}
        </span>
        {token !== undefined && <CopyField text={`${location.origin}/s/${token}`} />}
        <span class="muted small">{termsOf(link).join(' · ')}</span>
        <span class="muted small">
          {token === undefined && whole.data !== null && `${t('link.ofOther')} · `}
          <span title={longDate(link.created)}>{t('link.made', { time: ago(link.created) })}</span>
          {link.lastUsed !== null && (
            <span title={longDate(link.lastUsed)}>{` · ${t('link.used', { time: ago(link.lastUsed) })}`}</span>
          )}
        </span>
      </div>
      <IconButton
        icon={Pencil}
        label={t('link.change')}
        onClick={() => void changeLink(link).then((done) => done && reload(), fail)}
      />
      <Button kind="quiet" onClick={toggle}>
        {link.disabled ? t('users.enable') : t('users.disable')}
      </Button>
      <IconButton icon={Trash2} label={t('link.remove')} onClick={() => void remove()} />
    </li>
  );
}

/** What it was used for, and how far it may be. */
function termsOf(link: Link): string[] {
  const { mode, downloads, downloadsMax, files, filesMax, bytesMax, networks } = link;
  const used =
    mode === 'drop' ? t('link.dropped', { count: files, size: bytes(link.bytes) }) : t('link.downloads', { count: downloads });
  return [
    downloadsMax === null ? used : `${used} ${t('link.ofDownloads', { max: downloadsMax })}`,
    ...(filesMax === null ? [] : [t('link.ofFiles', { count: filesMax })]),
    ...(bytesMax === null ? [] : [t('link.ofBytes', { size: bytes(bytesMax) })]),
    ...(networks === null ? [] : [t('link.from', { networks: networks.join(', ') })]),
  ];
}

/** Where the drive shows what it is to. */
function hrefOf({ bucket, key }: Link): string {
  const cut = key.lastIndexOf('/') + 1;
  const name = key.slice(cut);
  return name === '' ? driveHref(bucket, key) : driveHref(bucket, key.slice(0, cut), { open: name });
}
