import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { resume, session } from './api/session.ts';
import { FolderQuestions } from './drive/choose-folder.tsx';
import { DrivePage } from './drive/drive-page.tsx';
import { t } from './i18n/index.ts';
import { SignIn } from './pages/sign-in.tsx';
import { route } from './router.ts';
import { Shell } from './shell.tsx';
import { TextQuestions } from './ui/ask-text.tsx';
import { Questions } from './ui/dialog.tsx';
import { Menus } from './ui/menu.tsx';
import { Failed, Loading } from './ui/states.tsx';
import { Toasts } from './ui/toast.tsx';
import { UploadPanel } from './uploads/panel.tsx';

type Page = ComponentType;

/** Pages beside the drive are loaded when somebody goes there. */
const PAGES: Record<string, () => Promise<Page>> = {};

export function App() {
  return (
    <>
      <Main />
      <Questions />
      <FolderQuestions />
      <TextQuestions />
      <Menus />
      <Toasts />
    </>
  );
}

function Main() {
  const state = session.value;
  const { kind } = state;
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
  const [state, setState] = useState<{ page: Page | null; error: unknown }>({ page: null, error: null });
  const begin = (): void => {
    load().then(
      (page) => setState({ page, error: null }),
      (error: unknown) => setState({ page: null, error }),
    );
  };
  useEffect(begin, [load]);
  if (state.error !== null) return <Failed error={state.error} retry={begin} />;
  const Found = state.page;
  return Found === null ? <Loading /> : <Found />;
}
