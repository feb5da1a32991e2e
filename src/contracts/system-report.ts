import type { LoadHistory } from './load-history.ts';
import type { Run } from './runs.ts';

/** What the whole gateway says of itself to an admin; each part is asked for when it is shown. */
export interface SystemReports {
  /** The load over time. */
  load: LoadHistory;
  health(): Promise<HealthReport>;
  /** Prometheus text of all processes of this gateway. */
  metrics(): Promise<string>;
  /** When the counters began, ms since the epoch. */
  startedMs: number;
  settings(): SettingReport[];
  /** Where lines of settings go: the file that was read, or would be. */
  settingsFile: string;
  /** Newest first. */
  scrubs(limit: number): Promise<Run[]>;
  /** Bytes; null where it is not known. */
  disk(): { free: number | null; minFree: number | null };
}

export interface HealthReport {
  ready: boolean;
  checks: HealthCheck[];
}

export interface HealthCheck {
  /** kebab-case. */
  name: string;
  state: 'ok' | 'degraded' | 'failed';
  /** A sentence. */
  message: string;
  /** What to do; null where nothing is wrong. */
  remedy: string | null;
}

export interface SettingReport {
  name: string;
  environment: string;
  description: string;
  /** Without secrets. */
  value: unknown;
  source: string;
}
