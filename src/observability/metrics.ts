import { monitorEventLoopDelay } from 'node:perf_hooks';
import { memoryUsage } from 'node:process';
import {
  AggregatorRegistry,
  Counter,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';
import type { Metrics } from '#contracts/observability';

/** Seconds; small answers from memory take a millisecond, a multi-gigabyte transfer minutes. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
/** More label sets than that are a fault of ours (an `op` that is not bounded); what comes beyond is counted as `other`. */
const SERIES_MAX = 1000;
/** Kinds that only grow. */
const GROWING = ['counter', 'histogram'];
const NAME = /^cloudstore_[a-z0-9_]+$/;

interface Series {
  requests: Counter.Internal;
  duration: Histogram.Internal<'protocol' | 'op'>;
  bytesIn: Counter.Internal;
  bytesOut: Counter.Internal;
}

/** What one process has counted, as it goes to the one that tells for all. */
export type MetricsSnapshot = MetricObjectWithValues<MetricValue<string>>[];

export interface ProcessMetrics extends Metrics {
  snapshot(): Promise<MetricsSnapshot>;
}

/**
 * Prometheus metrics in a registry of this process: names are `cloudstore_<noun>_<unit>[_total]`, labels `protocol`, `op`
 * and `code`, never a key or a user. Reports the process's memory and the event loop's delay by itself; where there are several processes,
 * by their numbers.
 */
export function createMetrics(options: { process?: number } = {}): ProcessMetrics {
  const registry = new Registry();
  const registers = [registry];
  const labelNames = ['protocol', 'op'] as const;
  const requests = new Counter({
    name: 'cloudstore_requests_total',
    help: 'Finished requests.',
    labelNames: [...labelNames, 'code'],
    registers,
  });
  const duration = new Histogram({
    name: 'cloudstore_request_duration_seconds',
    help: "From a request's head to the end of its answer.",
    labelNames,
    buckets: BUCKETS,
    registers,
  });
  const received = new Counter({
    name: 'cloudstore_received_bytes_total',
    help: 'Bytes read from clients, heads included.',
    labelNames,
    registers,
  });
  const sent = new Counter({
    name: 'cloudstore_sent_bytes_total',
    help: 'Bytes written to clients, heads included.',
    labelNames,
    registers,
  });
  // Looking labels up costs more than counting: each set's children are kept.
  const known = new Map<string, Series>();
  const seriesOf = (protocol: string, op: string, code: number): Series => {
    const name = `${protocol} ${op} ${code}`;
    const found = known.get(name);
    if (found !== undefined) return found;
    if (known.size >= SERIES_MAX && op !== 'other') return seriesOf(protocol, 'other', code);
    const series = {
      requests: requests.labels({ protocol, op, code: String(code) }),
      duration: duration.labels({ protocol, op }),
      bytesIn: received.labels({ protocol, op }),
      bytesOut: sent.labels({ protocol, op }),
    };
    known.set(name, series);
    return series;
  };

  const gauge: Metrics['gauge'] = (name, help, read, across = 'sum') => {
    assertName(name);
    new Gauge({
      name,
      help,
      registers,
      aggregator: across,
      collect() {
        this.set(read());
      },
    });
  };
  const ofProcess = (name: string, help: string, read: () => number): void => {
    if (options.process === undefined) {
      gauge(name, help, read);
      return;
    }
    const process = String(options.process);
    new Gauge({
      name,
      help,
      registers,
      labelNames: ['process'],
      collect() {
        this.set({ process }, read());
      },
    });
  };
  ofProcess('cloudstore_process_resident_memory_bytes', 'Resident memory of the gateway process.', () => memoryUsage.rss());
  ofProcess('cloudstore_process_heap_bytes', 'JavaScript heap in use.', () => memoryUsage().heapUsed);
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  ofProcess('cloudstore_event_loop_lag_seconds', 'How late the event loop was at worst since the last scrape.', () => {
    const worst = Math.max(0, delay.max / 1e9 - 0.02);
    delay.reset();
    return Number.isFinite(worst) ? worst : 0;
  });

  return {
    gauge,
    request(protocol, op, status, seconds, bytesIn, bytesOut) {
      const series = seriesOf(protocol, op, status);
      series.requests.inc();
      series.duration.observe(seconds);
      series.bytesIn.inc(bytesIn);
      series.bytesOut.inc(bytesOut);
    },
    counter(name, help) {
      assertName(name);
      const counter = new Counter({ name, help, registers });
      return { add: (n) => counter.inc(n) };
    },
    render: () => registry.metrics(),
    snapshot: () => registry.getMetricsAsJSON(),
  };
}

/** One text of what several processes have counted. */
export function renderSnapshots(snapshots: MetricsSnapshot[]): Promise<string> {
  return AggregatorRegistry.aggregate(snapshots).metrics();
}

/** What stays counted of processes that are gone: a sum that sank would read as a restart of the gateway. */
export function lastingSnapshot(snapshots: MetricsSnapshot[]): Promise<MetricsSnapshot> {
  const lasting = snapshots.map((one) => one.filter(({ type }) => GROWING.includes(String(type))));
  return AggregatorRegistry.aggregate(lasting).getMetricsAsJSON();
}

function assertName(name: string): void {
  if (!NAME.test(name)) throw new Error(`The metric ${name} does not begin with cloudstore_.`);
}
