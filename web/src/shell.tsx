import { signal } from '@preact/signals';
import {
  Activity,
  Archive,
  Bell,
  Cable,
  CloudOff,
  Database,
  HardDrive,
  KeyRound,
  Languages,
  Link2,
  ListChecks,
  LogOut,
  Menu as MenuIcon,
  Monitor,
  Moon,
  Plus,
  Radio,
  ScrollText,
  Search,
  Settings,
  ShieldCheck,
  SlidersHorizontal,
  Stethoscope,
  Sun,
  Trash2,
  UserRound,
  Users,
  UsersRound,
} from 'lucide';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { bucketLabel, buckets, loadBuckets } from './api/buckets.ts';
import { reachable, session, signOut } from './api/session.ts';
import { newBucket } from './drive/new-bucket.tsx';
import { Works } from './drive/work.tsx';
import { HistoryTasks } from './history/tasks.tsx';
import { chooseLanguage, LANGUAGES, language, type MessageKey, t } from './i18n/index.ts';
import { applyTheme, preferences } from './preferences.ts';
import { driveHref, go, href, route } from './router.ts';
import { IconButton } from './ui/button.tsx';
import { Icon } from './ui/icon.tsx';
import { Logo } from './ui/logo.tsx';
import { type MenuItem, openMenu } from './ui/menu.tsx';

const drawer = signal(false);

const ADMIN_PAGES: { name: string; label: MessageKey; icon: typeof Activity }[] = [
  { name: 'dashboard', label: 'admin.dashboard', icon: Activity },
  { name: 'alerts', label: 'admin.alerts', icon: Bell },
  { name: 'buckets', label: 'admin.buckets', icon: Database },
  { name: 'users', label: 'admin.users', icon: UserRound },
  { name: 'groups', label: 'admin.groups', icon: Users },
  { name: 'jobs', label: 'admin.jobs', icon: ListChecks },
  { name: 'storage', label: 'admin.storage', icon: ShieldCheck },
  { name: 'backups', label: 'admin.backups', icon: Archive },
  { name: 'keys', label: 'admin.keys', icon: KeyRound },
  { name: 'doctor', label: 'admin.doctor', icon: Stethoscope },
  { name: 'audit', label: 'admin.audit', icon: ScrollText },
  { name: 'trace', label: 'admin.trace', icon: Radio },
  { name: 'settings', label: 'admin.settings', icon: SlidersHorizontal },
];

/** Everything around a page: where one can go, who one is, and whether the gateway answers. */
export function Shell({ children }: { children: ComponentChildren }) {
  useEffect(() => {
    void loadBuckets();
  }, []);
  const { page, rest } = route.value;
  useEffect(() => {
    drawer.value = false;
  }, [route.value]);
  useEffect(() => {
    // Of a long list on a low screen, which grows when the buckets come.
    document.querySelector('#nav [aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, [route.value, buckets.value?.length]);
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
                label={bucketLabel(name)}
                current={(page === 'drive' || page === '') && (rest[0] ?? buckets.value?.[0]?.name) === name}
              />
            ))}
          </ul>
          <h2>{t('nav.more')}</h2>
          <ul>
            <NavItem to={href('search')} icon={Search} label={t('nav.search')} current={page === 'search'} />
            <NavItem to={href('shared')} icon={UsersRound} label={t('nav.shared')} current={page === 'shared'} />
            <NavItem to={href('links')} icon={Link2} label={t('nav.links')} current={page === 'links'} />
            <NavItem to={href('trash')} icon={Trash2} label={t('nav.trash')} current={page === 'trash'} />
            <NavItem to={href('connect')} icon={Cable} label={t('nav.connect')} current={page === 'connect'} />
          </ul>
          {session.value.kind === 'in' && session.value.me.role === 'admin' && (
            <>
              <h2>{t('nav.admin')}</h2>
              <ul>
                {ADMIN_PAGES.map(({ name, label, icon }) => (
                  <NavItem
                    key={name}
                    to={href('admin', [name])}
                    icon={icon}
                    label={t(label)}
                    current={page === 'admin' && (rest[0] ?? 'dashboard') === name}
                  />
                ))}
              </ul>
            </>
          )}
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
        <HistoryTasks />
        <Works />
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

function NavItem({ to, icon, label, current }: { to: string; icon: typeof Activity; label: string; current: boolean }) {
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
    { label: t('nav.account'), icon: UserRound, act: () => go(href('account')) },
    'line',
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
      <span class="avatar" aria-hidden="true" data-letter={[...name][0]?.toUpperCase()} />
      {wide && <bdi>{name}</bdi>}
      {wide && <Icon of={Settings} size={16} />}
    </button>
  );
}
