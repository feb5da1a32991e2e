import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { resume, session, setupWaiting } from './api/session.ts';
import { FolderQuestions } from './drive/choose-folder.tsx';
import { DrivePage } from './drive/drive-page.tsx';
import { t } from './i18n/index.ts';
import { SignIn } from './pages/sign-in.tsx';
import { route } from './router.ts';
import { ShareDialog } from './share/share-dialog.tsx';
import { Shell } from './shell.tsx';
import { TextQuestions } from './ui/ask-text.tsx';
import { Questions } from './ui/dialog.tsx';
import { Forms } from './ui/form.tsx';
import { Laid } from './ui/laid.tsx';
import { Menus } from './ui/menu.tsx';
import { Failed, Loading } from './ui/states.tsx';
import { Toasts } from './ui/toast.tsx';
import { UploadPanel } from './uploads/panel.tsx';

type Page = ComponentType;

/** Pages beside the drive are loaded when somebody goes there. */
const PAGES: Record<string, () => Promise<Page>> = {
  account: async () => (await import('./pages/account.tsx')).AccountPage,
  connect: async () => (await import('./pages/connect.tsx')).ConnectPage,
  search: async () => (await import('./drive/search-page.tsx')).SearchPage,
  trash: async () => (await import('./history/trash-page.tsx')).TrashPage,
  shared: async () => (await import('./share/shared-page.tsx')).SharedPage,
  links: async () => (await import('./share/links-page.tsx')).LinksPage,
  admin: async () => (await import('./admin/admin-page.tsx')).AdminPage,
};

/** Works without anybody signed in. */
const CLAIM = async (): Promise<Page> => (await import('./pages/claim.tsx')).ClaimPage;

const VISITED = async (): Promise<ComponentType<{ token: string }>> => (await import('./share/public-page.tsx')).PublicPage;

const SETUP = async (): Promise<Page> => (await import('./setup/wizard.tsx')).Wizard;

/** A link that was shared: `/s/<token>`. */
const shared = /^\/s\/([\w-]+)$/.exec(location.pathname)?.[1] ?? null;

export function App() {
  return (
    <>
      {shared === null ? <Main /> : <Visited token={shared} />}
      <ShareDialog />
      <Laid />
      <Forms />
      <Questions />
      <FolderQuestions />
      <TextQuestions />
      <Menus />
      {session.value.kind !== 'out' && <Toasts />}
    </>
  );
}

function Visited({ token }: { token: string }) {
  const { page: Found, error, again } = useCode(VISITED);
  if (error !== null) return <Failed error={error} retry={again} />;
  return Found === null ? <Loading /> : <Found token={token} />;
}

function Main() {
  const state = session.value;
  const { kind } = state;
  if (route.value.page === 'claim') return <Lazy key="claim" load={CLAIM} />;
  if (kind === 'starting') {
    return (
      <main class="starting" aria-busy="true">
        <span class="spinner" role="status" aria-label={t('loading')} />
      </main>
    );
  }
  if (state.kind === 'away')
    return (
      <main class="starting">
        <Failed error={state.error} retry={() => void resume()} />
      </main>
    );
  if (kind === 'out') return <SignIn />;
  if (setupWaiting.value && state.kind === 'in' && state.me.role === 'admin') return <Lazy key="setup" load={SETUP} />;
  return (
    <Shell>
      <Current />
      <UploadPanel />
    </Shell>
  );
}

function Current() {
  const { page } = route.value;
  if (!(page in PAGES)) return <DrivePage />;
  return <Lazy key={page} load={PAGES[page] as () => Promise<Page>} />;
}

function Lazy({ load }: { load: () => Promise<Page> }) {
  const { page: Found, error, again } = useCode(load);
  if (error !== null) return <Failed error={error} retry={again} />;
  return Found === null ? <Loading /> : <Found />;
}

/** A page's code, which comes when it is looked at. */
function useCode<T>(load: () => Promise<T>): { page: T | null; error: unknown; again: () => void } {
  const [state, setState] = useState<{ page: T | null; error: unknown }>({ page: null, error: null });
  const again = (): void => {
    load().then(
      (page) => setState({ page, error: null }),
      (error: unknown) => setState({ page: null, error }),
    );
  };
  useEffect(again, [load]);
  return { ...state, again };
}
