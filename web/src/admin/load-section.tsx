import { useState } from 'preact/hooks';
import type { LoadHistory, LoadSample, Stats } from '../../../clients/typescript/index.ts';
import { client } from '../api/session.ts';
import { bytes, longDate, number, shortDate, t } from '../i18n/index.ts';
import { useLoad } from '../ui/load.ts';
import { Section, Show } from '../ui/page.tsx';
import { Chart, type Line } from './chart.tsx';
import { DOORS } from './doors.ts';

const EVERY_MS = 60_000;
const DAY_MS = 86_400_000;
const KINDS = ['accent', 'good', 'film', 'sound'] as const;

/** The load over time, and how long the space will last at this pace. */
export function LoadSection({ disk }: { disk: Stats['disk'] | null }) {
  const load = useLoad(() => client.call('LoadHistory', {}), [], EVERY_MS);
  const [step, setStep] = useState(0);
  return (
    <Section
      title={t('load.title')}
      actions={
        <select aria-label={t('load.range')} value={step} onChange={(event) => setStep(Number(event.currentTarget.value))}>
          <option value={0}>{t('load.hours')}</option>
          <option value={1}>{t('load.days')}</option>
          <option value={2}>{t('load.year')}</option>
        </select>
      }
    >
      <Show of={load} rows={4}>
        {(data) => (
          <>
            <Charts samples={data.series[step]?.samples ?? []} />
            <p class="muted">{forecast(data, disk)}</p>
          </>
        )}
      </Show>
    </Section>
  );
}

function Charts({ samples }: { samples: LoadSample[] }) {
  if (samples.length < 2) return <p class="note">{t('load.soon')}</p>;
  const doors = Object.keys(DOORS).filter((door) => samples.some((one) => (one.doors[door]?.requests ?? 0) > 0));
  const lines = (of: (sample: LoadSample, door: string) => number | null): Line[] =>
    doors.map((door, index) => ({
      name: DOORS[door] ?? door,
      kind: KINDS[index % KINDS.length] ?? 'accent',
      points: samples.map((sample) => ({ at: Date.parse(sample.at), value: of(sample, door) })),
    }));
  const line = (name: string, kind: Line['kind'], of: (sample: LoadSample) => number | null): Line => ({
    name,
    kind,
    points: samples.map((sample) => ({ at: Date.parse(sample.at), value: of(sample) })),
  });
  const sum = (sample: LoadSample, of: 'receivedBytes' | 'sentBytes'): number =>
    Object.values(sample.doors).reduce((total, door) => total + door[of], 0) / sample.seconds;
  const time = (at: number): string => shortDate(new Date(at).toISOString());
  const rate = (value: number): string => `${number(Math.round(value * 100) / 100)}/s`;
  return (
    <div class="charts">
      <Chart
        title={t('load.requests')}
        lines={lines((sample, door) => (sample.doors[door]?.requests ?? 0) / sample.seconds)}
        shown={rate}
        time={time}
      />
      <Chart
        title={t('load.latency')}
        lines={lines((sample, door) => {
          const load = sample.doors[door];
          return load === undefined || load.requests === 0 ? null : (load.seconds / load.requests) * 1000;
        })}
        shown={(value) => `${number(Math.round(value * 10) / 10)} ms`}
        time={time}
      />
      <Chart
        title={t('load.bytes')}
        lines={[
          line(t('stats.in'), 'accent', (sample) => sum(sample, 'receivedBytes')),
          line(t('stats.out'), 'film', (sample) => sum(sample, 'sentBytes')),
        ]}
        shown={(value) => `${bytes(value)}/s`}
        time={time}
      />
      <Chart
        title={t('load.space')}
        lines={[
          line(t('stats.stored'), 'accent', (sample) => sample.storedBytes),
          line(t('stats.free'), 'good', (sample) => sample.freeBytes),
        ]}
        shown={bytes}
        time={time}
      />
    </div>
  );
}

/** By the line through what was free, over at least a day: less says nothing. */
function forecast({ series }: LoadHistory, disk: Stats['disk'] | null): string {
  const points = series
    .flatMap(({ samples }) => samples)
    .filter((one) => one.freeBytes !== null)
    .map(({ at, freeBytes }) => ({ at: Date.parse(at), free: freeBytes ?? 0 }));
  const [first, last] = [Math.min(...points.map(({ at }) => at)), Math.max(...points.map(({ at }) => at))];
  if (points.length < 3 || last - first < DAY_MS || disk?.freeBytes == null) return t('load.noForecast');
  const mean = (of: (point: { at: number; free: number }) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [time, free] = [mean(({ at }) => at), mean((point) => point.free)];
  const slope = mean((point) => (point.at - time) * (point.free - free)) / mean(({ at }) => (at - time) ** 2);
  const left = disk.freeBytes - (disk.minFreeBytes ?? 0);
  if (slope >= 0) return t('load.lasts');
  const days = left / -slope / DAY_MS;
  if (days > 3650) return t('load.lasts');
  return t('load.ends', { date: longDate(new Date(last + days * DAY_MS).toISOString()), count: Math.max(0, Math.round(days)) });
}
