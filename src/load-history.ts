import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { InstanceStore } from '#contracts/instance-store';
import type { DoorLoad, LoadHistory, LoadSample, LoadSeries } from '#contracts/load-history';
import type { Logger } from '#contracts/observability';
import type { Clock } from '#core/clock';
import { countsByDoor, parseMetrics } from '#protocols/rest/metrics-text';

/** What is kept: 2 hours of minutes, 3 days of quarters, 400 days of days; about 150 KiB in all. */
export const STEPS: readonly { seconds: number; most: number }[] = [
  { seconds: 60, most: 120 },
  { seconds: 900, most: 288 },
  { seconds: 86_400, most: 400 },
];
const SAMPLE_MS = 60_000;

export interface LoadHistoryOptions {
  instance: Pick<InstanceStore, 'setting' | 'putSetting'>;
  /** Prometheus text of all processes of this gateway. */
  metrics(): Promise<string>;
  dataDirectory: string;
  clock: Clock;
  log: Logger;
  /** One process of a gateway takes the samples; the others read. */
  samples: boolean;
}

interface Counters {
  at: number;
  doors: Record<string, DoorLoad>;
}

/**
 * The contract is LoadHistory: once a minute what the counters grew by, in one small row for each length of step. Rows are of this gateway (machine and data
 * directory), whose counters they are.
 */
export function createLoadHistory(options: LoadHistoryOptions): LoadHistory & { take(): Promise<void>; close(): void } {
  const { instance, clock, log } = options;
  const own = createHash('sha256').update(`${hostname()}\0${options.dataDirectory}`).digest('hex').slice(0, 16);
  const nameOf = (seconds: number): string => `load ${own} ${seconds}`;
  let before: Counters | null = null;

  const kept = async (seconds: number): Promise<LoadSample[]> => (await instance.setting<LoadSample[]>(nameOf(seconds))) ?? [];

  async function take(): Promise<void> {
    const samples = parseMetrics(await options.metrics());
    const now: Counters = { at: clock.now(), doors: loadOf(samples) };
    const last = before;
    before = now;
    if (last === null || now.at <= last.at) return;
    const gauge = (name: string): number | null => samples.find((one) => one.name === name)?.value ?? null;
    let closed: LoadSample | null = {
      at: now.at,
      seconds: (now.at - last.at) / 1000,
      doors: difference(now.doors, last.doors),
      bytes: gauge('cloudstore_logical_bytes'),
      storedBytes: gauge('cloudstore_stored_bytes'),
      freeBytes: gauge('cloudstore_disk_free_bytes'),
    };
    for (const [index, { seconds, most }] of STEPS.entries()) {
      if (closed === null) return;
      const all: LoadSample[] = [...(await kept(seconds)), closed].slice(-most);
      await instance.putSetting(nameOf(seconds), all);
      const next = STEPS[index + 1];
      closed = next === undefined ? null : summed(all, next.seconds);
    }
  }

  const look = (): void => void take().catch((err: unknown) => log.debug({ err }, 'no sample of the load was taken'));
  const timer = options.samples ? setInterval(look, SAMPLE_MS) : undefined;
  timer?.unref();
  if (options.samples) look();
  return {
    take,
    async series(): Promise<LoadSeries[]> {
      return Promise.all(STEPS.map(async ({ seconds }) => ({ stepSeconds: seconds, samples: await kept(seconds) })));
    },
    close: () => clearInterval(timer),
  };
}

/** Of the samples within the step that the last of them ended; null: it has not ended yet. */
export function summed(samples: readonly LoadSample[], seconds: number): LoadSample | null {
  const [last, previous] = [samples.at(-1), samples.at(-2)];
  const stepOf = (at: number): number => Math.floor(at / (seconds * 1000));
  if (last === undefined || previous === undefined || stepOf(last.at) === stepOf(previous.at)) return null;
  const step = stepOf(previous.at);
  const within = samples.filter(({ at }) => stepOf(at) === step);
  const doors: Record<string, DoorLoad> = {};
  for (const sample of within)
    for (const [name, load] of Object.entries(sample.doors))
      doors[name] = doors[name] === undefined ? load : plus(doors[name], load, 1);
  return { ...previous, doors, seconds: within.reduce((sum, one) => sum + one.seconds, 0) };
}

function loadOf(samples: ReturnType<typeof parseMetrics>): Record<string, DoorLoad> {
  const { doors, operations } = countsByDoor(samples);
  return Object.fromEntries(
    doors.map(({ door, requests, clientErrors, serverErrors, receivedBytes, sentBytes }) => {
      const seconds = operations.filter((one) => one.door === door).reduce((sum, one) => sum + one.seconds, 0);
      return [door, { requests, errors: clientErrors + serverErrors, receivedBytes, sentBytes, seconds }];
    }),
  );
}

/** A process that began anew counts from nothing: then what it counts is what it grew by. */
function difference(now: Counters['doors'], last: Counters['doors']): Counters['doors'] {
  return Object.fromEntries(
    Object.entries(now).map(([door, load]) => {
      const before = last[door];
      return [door, before === undefined || before.requests > load.requests ? load : plus(load, before, -1)];
    }),
  );
}

function plus(a: DoorLoad, b: DoorLoad, sign: 1 | -1): DoorLoad {
  return {
    requests: a.requests + sign * b.requests,
    errors: a.errors + sign * b.errors,
    receivedBytes: a.receivedBytes + sign * b.receivedBytes,
    sentBytes: a.sentBytes + sign * b.sentBytes,
    seconds: a.seconds + sign * b.seconds,
  };
}
