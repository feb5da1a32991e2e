import { signal } from '@preact/signals';
import { CloudOff, HardDrive, Languages, LogOut, Menu as MenuIcon, Monitor, Moon, Plus, Settings, Sun } from 'lucide';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { buckets, loadBuckets } from './api/buckets.ts';
import { reachable, session, signOut } from './api/session.ts';
import { newBucket } from './drive/new-bucket.tsx';
import { chooseLanguage, LANGUAGES, language, t } from './i18n/index.ts';
import { applyTheme, preferences } from './preferences.ts';
import { driveHref, route } from './router.ts';
import { IconButton } from './ui/button.tsx';
import { Icon } from './ui/icon.tsx';
import { Logo } from './ui/logo.tsx';
import { type MenuItem, openMenu } from './ui/menu.tsx';

const drawer = signal(false);

/** Everything around a page: where one can go, who one is, and whether the gateway answers. */
export function Shell({ children }: { children: ComponentChildren }) {
  useEffect(() => {
    void loadBuckets();
  }, []);
  const { page, rest } = route.value;
  useEffect(() => {
    drawer.value = false;
  }, [route.value]);
  return (
    <div class={`shell ${drawer.value ? 'drawer-open' : ''}`}>
      <a class="skip" href="#content" onClick={skip}>
        {t('skip')}
      </a>
      <header class="topbar">
        <IconButton
          icon={MenuIcon}
          label={t('nav.open')}
          aria-expanded={drawer.value}
          aria-controls="nav"
          onClick={() => {
            drawer.value = !drawer.value;
          }}
        />
        <Logo />
        <AccountButton />
      </header>
      <div class="scrim" onPointerDown={() => (drawer.value = false)} />
      <nav
        id="nav"
        class="side"
        aria-label={t('nav.main')}
        onKeyDown={(event) => {
          if (event.key === 'Escape') drawer.value = false;
        }}
      >
        <div class="side-top">
          <Logo />
        </div>
        <div class="side-scroll">
          <div class="side-head">
            <h2>{t('nav.drive')}</h2>
            {session.value.kind === 'in' && session.value.me.role !== 'guest' && (
              <IconButton icon={Plus} label={t('bucket.new')} size={16} onClick={() => void newBucket()} />
            )}
          </div>
          <ul>
            {buckets.value?.map(({ name }) => (
              <NavItem
                key={name}
                to={driveHref(name)}
                icon={HardDrive}
                label={name}
                current={(page === 'drive' || page === '') && (rest[0] ?? buckets.value?.[0]?.name) === name}
              />
            ))}
          </ul>
        </div>
        <div class="side-foot">
          <AccountButton wide />
        </div>
      </nav>
      <div class="content">
        {!reachable.value && (
          <div class="offline-bar" role="alert">
            <Icon of={CloudOff} /> {t('offline.bar')}
          </div>
        )}
        <main id="content" tabIndex={-1}>
          {children}
        </main>
      </div>
    </div>
  );
}

/** The fragment is where pages stand, so the link cannot go there by itself. */
function skip(event: MouseEvent): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('#content')?.focus();
}

function NavItem({ to, icon, label, current }: { to: string; icon: typeof HardDrive; label: string; current: boolean }) {
  return (
    <li>
      <a href={to} aria-current={current ? 'page' : undefined} onClick={() => (drawer.value = false)}>
        <Icon of={icon} />
        <bdi>{label}</bdi>
      </a>
    </li>
  );
}

function AccountButton({ wide = false }: { wide?: boolean }) {
  if (session.value.kind !== 'in') return null;
  const { name } = session.value.me;
  const items = (): (MenuItem | 'line')[] => [
    ...(['system', 'light', 'dark'] as const).map(
      (theme): MenuItem => ({
        label: t(`theme.${theme}`),
        icon: { system: Monitor, light: Sun, dark: Moon }[theme],
        ...(preferences.value.theme === theme ? { keys: '✓' } : {}),
        act: () => {
          preferences.set('theme', theme);
          applyTheme();
        },
      }),
    ),
    'line',
    ...Object.entries(LANGUAGES).map(
      ([tag, { name: label }]): MenuItem => ({
        label,
        icon: Languages,
        ...(language.value === tag ? { keys: '✓' } : {}),
        act: () => void chooseLanguage(tag),
      }),
    ),
    'line',
    { label: t('signOut'), icon: LogOut, act: () => void signOut() },
  ];
  return (
    <button
      type="button"
      class={wide ? 'account wide' : 'account'}
      aria-haspopup="menu"
      aria-label={t('nav.accountOf', { name })}
      onClick={(event) => openMenu(event, t('nav.accountOf', { name }), items())}
    >
      <span class="avatar" aria-hidden="true">
        {[...name][0]?.toUpperCase()}
      </span>
      {wide && <bdi>{name}</bdi>}
      {wide && <Icon of={Settings} size={16} />}
    </button>
  );
}
