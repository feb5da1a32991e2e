import { CircleAlert, CircleCheck, TriangleAlert } from 'lucide';
import { useRef } from 'preact/hooks';
import type { Health, Stats } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { ago, bytes, number, percent, t } from '../i18n/index.ts';
import { GatewaySays } from '../ui/gateway-says.tsx';
import { Icon } from '../ui/icon.tsx';
import { type Loaded, useLoad } from '../ui/load.ts';
import { Page, Section, Show, Table } from '../ui/page.tsx';
import { Loading } from '../ui/states.tsx';
import { DOORS } from './doors.ts';
import { LoadSection } from './load-section.tsx';

const EVERY_MS = 10_000;

/** How everything is, at a glance; asked for every ten seconds while it is looked at. */
export function DashboardPage() {
  const stats = useLoad(() => client.call('Stats', {}), [], EVERY_MS);
  const health = useLoad(() => client.call('Health', {}), [], EVERY_MS);
  return (
    <Page title={t('admin.dashboard')}>
      {settled(health) && settled(stats) ? (
        <>
          <Show of={health}>{(data) => <HealthSection health={data} />}</Show>
          <Show of={stats}>{(data) => <StatsSections stats={data} />}</Show>
          <LoadSection disk={stats.data?.disk ?? null} />
        </>
      ) : (
        // All at once: what comes late would push away what is being read.
        <Loading rows={10} />
      )}
    </Page>
  );
}

function settled({ data, error }: Pick<Loaded<unknown>, 'data' | 'error'>): boolean {
  return data !== null || error !== null;
}

function HealthSection({ health }: { health: Health }) {
  const wrong = health.checks.filter(({ state }) => state !== 'ok');
  if (wrong.length === 0)
    return (
      <p class="note health-ok row" role="status">
        <Icon of={CircleCheck} class="good" /> {t('health.ok', { count: health.checks.length })}
      </p>
    );
  return (
    <Section title={t('health.title')}>
      {wrong.map(({ name, state, message, remedy }) => (
        <div key={name} class={`note ${state === 'failed' ? 'bad' : 'warn'} row`} role="alert">
          <Icon of={state === 'failed' ? CircleAlert : TriangleAlert} />
          <span>
            <strong>
              <GatewaySays text={name} />
            </strong>
            : <GatewaySays text={message} />
            {remedy !== null && (
              <>
                <br />
                <GatewaySays text={remedy} />
              </>
            )}
          </span>
        </div>
      ))}
    </Section>
  );
}

function StatsSections({ stats }: { stats: Stats }) {
  const { space, savedBytes, disk, doors } = stats;
  const before = useRef<Stats | null>(null);
  const last = before.current;
  const sum = (of: Stats): number => of.doors.reduce((total, door) => total + door.requests, 0);
  const seconds = last === null ? 0 : (Date.parse(stats.time) - Date.parse(last.time)) / 1000;
  const rate = last === null || seconds <= 0 ? null : Math.max(0, sum(stats) - sum(last)) / seconds;
  if (last?.time !== stats.time) before.current = stats;
  const written = space.bytes + space.historyBytes;
  const saved = savedBytes.dedupe + savedBytes.compression;
  const columns: {
    name: string;
    of: (door: Stats['doors'][number]) => string;
    bad?: (door: Stats['doors'][number]) => boolean;
  }[] = [
    { name: t('stats.requests'), of: (door) => number(door.requests) },
    { name: t('stats.errors'), of: (door) => number(door.serverErrors), bad: (door) => door.serverErrors > 0 },
    { name: t('stats.in'), of: (door) => bytes(door.receivedBytes) },
    { name: t('stats.out'), of: (door) => bytes(door.sentBytes) },
    { name: t('stats.p50'), of: (door) => milliseconds(door.seconds.p50) },
    { name: t('stats.p95'), of: (door) => milliseconds(door.seconds.p95) },
  ];
  return (
    <>
      <div class="cards">
        <Figure name={t('stats.files')} value={number(space.objects)} note={bytes(space.bytes)} />
        <Figure
          name={t('stats.onDisk')}
          value={bytes(space.physicalBytes ?? space.storedBytes)}
          note={t('stats.history', { size: bytes(space.historyBytes) })}
        />
        <Figure
          name={t('stats.saved')}
          value={written === 0 ? '–' : percent(Math.max(0, saved) / written)}
          note={bytes(Math.max(0, saved))}
        />
        <Figure
          name={t('stats.free')}
          value={disk.freeBytes === null ? '–' : bytes(disk.freeBytes)}
          note={disk.minFreeBytes === null ? '' : t('stats.reserve', { size: bytes(disk.minFreeBytes) })}
        />
        <Figure
          name={t('stats.requests')}
          value={rate === null ? '–' : `${number(Math.round(rate * 10) / 10)}/s`}
          note={t('stats.total', { count: sum(stats) })}
        />
        <Figure
          name={t('stats.connections')}
          value={number(stats.connections)}
          note={t('stats.memory', { size: bytes(stats.process.residentBytes) })}
        />
      </div>
      {written > 0 && <SpaceBar stats={stats} />}
      <Section title={t('stats.doors')}>
        <Table
          label={t('stats.doors')}
          named
          head={[t('stats.door'), ...columns.map(({ name }) => ({ text: name, number: true as const }))]}
        >
          {doors.map((door) => (
            <tr key={door.door}>
              <th scope="row">{DOORS[door.door] ?? door.door}</th>
              {columns.map(({ name, of, bad }) => (
                <td key={name} class={`number ${bad?.(door) ? 'bad' : ''}`} data-head={name}>
                  {of(door)}
                </td>
              ))}
            </tr>
          ))}
        </Table>
        <p class="muted small">{t('stats.since', { time: ago(stats.started) })}</p>
      </Section>
    </>
  );
}

function milliseconds(seconds: number | null): string {
  return seconds === null ? '–' : `${number(Math.round(seconds * 10_000) / 10)} ms`;
}

function Figure({ name, value, note }: { name: string; value: string; note: string }) {
  return (
    <div class="card figure">
      <span class="muted small">{name}</span>
      <span class="value">{value}</span>
      <span class="muted small">{note}</span>
    </div>
  );
}

/** What was written, and what of it takes room. */
function SpaceBar({ stats: { space, savedBytes } }: { stats: Stats }) {
  const parts = [
    { name: t('stats.stored'), size: space.storedBytes, kind: 'accent' },
    { name: t('stats.byDedupe'), size: Math.max(0, savedBytes.dedupe), kind: 'good' },
    { name: t('stats.byCompression'), size: Math.max(0, savedBytes.compression), kind: 'film' },
  ];
  const total = Math.max(
    1,
    parts.reduce((sum, { size }) => sum + size, 0),
  );
  return (
    <Section title={t('stats.where')}>
      <div class="bar" aria-hidden="true">
        {parts.map(({ name, size, kind }) =>
          size === 0 ? null : <span key={name} class={`part ${kind}`} style={{ width: `${(100 * size) / total}%` }} />,
        )}
      </div>
      <ul class="legend">
        {parts.map(({ name, size, kind }) => (
          <li key={name}>
            <span class={`dot ${kind}`} aria-hidden="true" /> {name} <strong>{bytes(size)}</strong>
          </li>
        ))}
      </ul>
    </Section>
  );
}
