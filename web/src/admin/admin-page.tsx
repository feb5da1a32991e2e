import { ShieldX } from 'lucide';
import type { ComponentType } from 'preact';
import { session } from '../api/session.ts';
import { t } from '../i18n/index.ts';
import { route } from '../router.ts';
import { Empty } from '../ui/states.tsx';
import { AlertsPage } from './alerts-page.tsx';
import { AuditPage } from './audit-page.tsx';
import { BackupsPage } from './backups-page.tsx';
import { BucketPage } from './bucket-page.tsx';
import { BucketsPage } from './buckets-page.tsx';
import { DashboardPage } from './dashboard-page.tsx';
import { DoctorPage } from './doctor-page.tsx';
import { GroupsPage } from './groups-page.tsx';
import { JobsPage } from './jobs-page.tsx';
import { KeysPage } from './keys-page.tsx';
import { SettingsPage } from './settings-page.tsx';
import { StoragePage } from './storage-page.tsx';
import { TracePage } from './trace-page.tsx';
import { UserPage } from './user-page.tsx';
import { UsersPage } from './users-page.tsx';

const PAGES: Record<string, ComponentType> = {
  dashboard: DashboardPage,
  alerts: AlertsPage,
  buckets: BucketsPage,
  users: UsersPage,
  groups: GroupsPage,
  jobs: JobsPage,
  storage: StoragePage,
  backups: BackupsPage,
  keys: KeysPage,
  doctor: DoctorPage,
  settings: SettingsPage,
  audit: AuditPage,
  trace: TracePage,
};

export function AdminPage() {
  if (session.value.kind !== 'in' || session.value.me.role !== 'admin') return <Empty icon={ShieldX} title={t('admin.only')} />;
  const [kind, name] = route.value.rest;
  if (kind === 'buckets' && name !== undefined && name !== '') return <BucketPage key={name} name={name} />;
  if (kind === 'users' && name !== undefined && name !== '') return <UserPage key={name} name={name} />;
  const Page = PAGES[route.value.rest[0] ?? 'dashboard'] ?? DashboardPage;
  return <Page />;
}
