import { Download, FileArchive, Folder as FolderIcon, Lock, Unlink } from 'lucide';
import { useRef, useState } from 'preact/hooks';
import { createClient, type PublicEntry, type PublicLink, type PublicListing } from '../../../clients/typescript/index.ts';
import { isApiError } from '../api/error.ts';
import { visible } from '../drive/entry-list.tsx';
import { iconOf, type Kind, kindOf } from '../drive/kinds.ts';
import { type PreviewProps, Shown } from '../drive/viewer.tsx';
import { bytes, longDate, shortDate, t } from '../i18n/index.ts';
import { go, href, route } from '../router.ts';
import { Button, Submit } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { useLoad } from '../ui/load.ts';
import { Logo } from '../ui/logo.tsx';
import { usePages } from '../ui/pages.ts';
import { said } from '../ui/said.ts';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import { useWait } from '../ui/wait.ts';
import { Drop } from './drop.tsx';

/** Of nobody: a visitor has no session, and what opens a link with a password is a cookie of that link. */
const stranger = createClient({ mode: 'tokens', fetch: (input, init) => fetch(input, { ...init, credentials: 'same-origin' }) });

/** What a link shows to whoever has it: view, download, archive, or a place to drop files. */
export function PublicPage({ token }: { token: string }) {
  const link = useLoad(() => stranger.call('GetPublicLink', { path: { token } }), [token]);
  const locked = isApiError(link.error) && link.error.status === 401;
  return (
    <div class="public">
      <header>
        <Logo />
      </header>
      <main id="content">
        {locked ? (
          <Unlock token={token} done={link.reload} />
        ) : link.error !== null ? (
          isApiError(link.error) && [404, 410, 403].includes(link.error.status) ? (
            <Empty icon={Unlink} title={t('public.gone')}>
              <p>{t('public.goneText')}</p>
            </Empty>
          ) : (
            <Failed error={link.error} retry={link.reload} />
          )
        ) : link.data === null ? (
          <Loading />
        ) : (
          <Opened token={token} link={link.data} />
        )}
      </main>
    </div>
  );
}

function Unlock({ token, done }: { token: string; done: () => void }) {
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const wait = useWait();
  const input = useRef<HTMLInputElement>(null);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (wait.left > 0) return;
    setBusy(true);
    try {
      await stranger.call('UnlockPublicLink', { path: { token }, body: { password: input.current?.value ?? '' } });
      done();
    } catch (error) {
      if (!wait.begin(error))
        setWrong(isApiError(error) && (error.status === 401 || error.status === 403) ? t('public.wrong') : said(error));
    }
    setBusy(false);
  };
  return (
    <form class="card form public-card" onSubmit={(event) => void submit(event)}>
      <h1>
        <Icon of={Lock} size={22} /> {t('public.locked')}
      </h1>
      <label class="field">
        <span>{t('signIn.password')}</span>
        <input ref={input} type="password" autocomplete="off" />
      </label>
      <Submit wrong={wrong} busy={busy} wait={wait.left}>
        {t('open')}
      </Submit>
    </form>
  );
}

function Opened({ token, link }: { token: string; link: PublicLink }) {
  return (
    <div class="card form public-card wide">
      <header class="row">
        <h1 class="wrap">
          <bdi>{visible(link.name)}</bdi>
        </h1>
        <span class="grow" />
        {link.mode === 'download' && link.kind === 'folder' && (
          <a class="button plain" href={stranger.href('GetPublicZip', { path: { token } })}>
            <Icon of={FileArchive} /> {t('public.zip')}
          </a>
        )}
      </header>
      <p class="muted small">
        {link.expires !== null && t('link.until', { time: longDate(link.expires) })}
        {link.downloadsLeft !== null && ` ${t('public.left', { count: link.downloadsLeft })}`}
        {link.filesLeft !== null && ` ${t('public.filesLeft', { count: link.filesLeft })}`}
        {link.bytesLeft !== null && ` ${t('public.bytesLeft', { size: bytes(link.bytesLeft) })}`}
      </p>
      {link.mode === 'drop' ? (
        <Drop token={token} stranger={stranger} />
      ) : link.kind === 'file' && link.file !== undefined ? (
        <OneFile token={token} file={link.file} mode={link.mode} path="" />
      ) : (
        <FolderList token={token} mode={link.mode} />
      )}
    </div>
  );
}

/** What is read in the page, by the drive's own previews. */
const READ: ReadonlySet<Kind> = new Set(['pdf', 'text', 'markdown', 'code']);

/** As the drive's previews know a file. */
function previewed(link: string, file: PublicEntry, path: string): PreviewProps['file'] {
  const { name, size = 0, etag = '', contentType = '', modified = '' } = file;
  const times = { modified, mtime: modified, created: modified };
  return { kind: 'file', bucket: '', key: path, name, size, etag, contentType, versionId: '', ...times, link };
}

function OneFile({ token, file, mode, path }: { token: string; file: PublicEntry; mode: PublicLink['mode']; path: string }) {
  const kind = kindOfPublic(file);
  const source = stranger.href('GetPublicFile', { path: { token, key: path }, query: {} });
  return (
    <div class="public-file">
      {kind === 'image' ? (
        <img src={source} alt={file.name} />
      ) : kind === 'video' ? (
        <video controls playsInline src={source} aria-label={file.name} />
      ) : kind === 'audio' ? (
        <audio controls src={source} aria-label={file.name} />
      ) : READ.has(kind) && file.size !== undefined && file.size > 0 ? (
        <div class="public-preview">
          <Shown file={previewed(token, file, path)} />
        </div>
      ) : (
        <Icon of={iconOf(kind)} size={64} class={`kind ${kind}`} />
      )}
      <p class="muted">{file.size === undefined ? '' : bytes(file.size)}</p>
      {mode === 'download' && (
        <a
          class="button primary"
          href={stranger.href('GetPublicFile', { path: { token, key: path }, query: { download: true } })}
          download={file.name}
        >
          <Icon of={Download} /> {t('download')}
        </a>
      )}
    </div>
  );
}

function FolderList({ token, mode }: { token: string; mode: PublicLink['mode'] }) {
  const { rest, query } = route.value;
  const path = rest.join('/');
  const list = usePages(
    async (cursor) => {
      const asked = cursor === null ? {} : { cursor };
      const page: PublicListing = await stranger.call('ListPublicFolder', { path: { token, key: path }, query: asked });
      return { items: page.entries, next: page.next };
    },
    [token, path],
  );
  const name = query.get('open');
  const opened = name === null ? undefined : list.items?.find((entry) => entry.kind === 'file' && entry.name === name);
  if (opened !== undefined)
    return (
      <>
        <button type="button" class="link" onClick={() => go(placeWithin(path), true)}>
          {t('back')}
        </button>
        <h2 class="wrap">
          <bdi>{visible(opened.name)}</bdi>
        </h2>
        <OneFile token={token} file={opened} mode={mode} path={opened.path} />
      </>
    );
  return (
    <>
      {path !== '' && (
        <button type="button" class="link" onClick={() => go(placeWithin(path.slice(0, path.slice(0, -1).lastIndexOf('/') + 1)))}>
          {t('chooser.up')}
        </button>
      )}
      {list.items === null && list.error === null && <Loading />}
      {list.items?.length === 0 && !list.more && <p class="muted">{t('folder.empty')}</p>}
      <ul class="public-list" aria-busy={list.loading}>
        {list.items?.map((entry) => (
          <li key={entry.path}>
            <button
              type="button"
              onClick={() => go(entry.kind === 'folder' ? placeWithin(entry.path) : placeWithin(path, { open: entry.name }))}
            >
              <Icon
                of={entry.kind === 'folder' ? FolderIcon : iconOf(kindOfPublic(entry))}
                class={`kind ${kindOfPublic(entry)}`}
              />
              <bdi class="name">{visible(entry.name)}</bdi>
              <span class="muted small">{entry.size === undefined ? '' : bytes(entry.size)}</span>
              <span class="muted small">{entry.modified === undefined ? '' : shortDate(entry.modified)}</span>
            </button>
          </li>
        ))}
      </ul>
      {list.error !== null && <Failed error={list.error} retry={list.items === null ? list.reload : list.next} />}
      {list.items !== null && list.more && (
        <p class="row">
          <span class="muted" aria-live="polite">
            {t('entries.more', { count: list.items.length })}
          </span>
          <Button busy={list.coming} onClick={list.next}>
            {t('showMore')}
          </Button>
        </p>
      )}
    </>
  );
}

/** Where a visitor is stands in the fragment: a phone's way back leads out of a file, and not out of the link. */
function placeWithin(path: string, query: Record<string, string> = {}): string {
  return href('within', path.split('/'), query);
}

function kindOfPublic({ kind, name, contentType = '' }: PublicEntry) {
  return kind === 'folder' ? ('folder' as const) : kindOf({ kind: 'file', name, contentType } as Parameters<typeof kindOf>[0]);
}
