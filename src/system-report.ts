import type { Jobs } from '#contracts/jobs';
import type { LoadHistory } from '#contracts/load-history';
import type { RunStore } from '#contracts/runs';
import type { HealthCheck, SystemReports } from '#contracts/system-report';
import type { Clock } from '#core/clock';
import type { Health } from '#http/operations';
import { type Config, describeConfig } from './config/load.ts';
import { SETTINGS } from './config/settings.ts';
import { mirrorLocation, mirrorPlaceOf } from './mirror.ts';
import type { SpaceGuard } from './space-guard.ts';

export interface SystemReportOptions {
  config: Config;
  health(): Promise<Health>;
  metrics(): Promise<string>;
  runs: RunStore;
  jobs: Pick<Jobs, 'list'>;
  guard: Pick<SpaceGuard, 'free' | 'minFree'>;
  clock: Clock;
  load: LoadHistory;
}

/** For each part that /readyz names: what is so, and what to do about it. */
const PARTS: Record<string, { good: string; bad: string; remedy: string }> = {
  database: {
    good: 'The database answers.',
    bad: 'The database does not answer.',
    remedy: 'Start Postgres again, or look at its log; the gateway goes on by itself. `cloudstore doctor` says more.',
  },
  storage: {
    good: 'Bytes can be stored.',
    bad: 'Bytes cannot be stored where the packs lie.',
    remedy: 'Look whether the disk or the S3 store of the packs is there, writable and not full.',
  },
  keys: {
    good: 'The master key fits.',
    bad: 'The master key was changed, and this gateway has only the old one.',
    remedy:
      'Give this gateway the new master key (CLOUDSTORE_MASTER_KEY, or the key file of its data directory) and start it again.',
  },
  integrity: {
    good: 'Nothing that is stored is known to be damaged.',
    bad: 'Some of what is stored is damaged.',
    remedy: 'See which files are hurt under storage, and upload them again or restore them from a backup.',
  },
};
const LOW_SHARE = 2;
const MIRROR_JOB = 'mirror';

/** The contract is SystemReports: of what the parts say already, with a remedy for whatever is wrong. */
export function createSystemReports(options: SystemReportOptions): SystemReports {
  const { config, jobs, guard, clock } = options;

  function space(): HealthCheck {
    const [free, least] = [guard.free(), guard.minFree()];
    const name = 'space';
    if (free < least) {
      const message = 'The disk is nearly full, and writes are refused.';
      return { name, state: 'failed', message, remedy: 'Free space, or add a disk under storage.' };
    }
    if (free < least * LOW_SHARE) {
      const message = 'Space is short: the oldest history is given up to keep writes going.';
      return { name, state: 'degraded', message, remedy: 'Free space, add a disk, or keep history for fewer days.' };
    }
    return { name, state: 'ok', message: 'There is space left.', remedy: null };
  }

  async function background(): Promise<HealthCheck[]> {
    const failed = (await jobs.list()).filter(({ outcome }) => outcome?.kind === 'failed');
    const name = 'jobs';
    const others = failed.filter((job) => job.name !== MIRROR_JOB);
    const copies = mirror(failed.find((job) => job.name === MIRROR_JOB)?.outcome?.message ?? null);
    if (others.length === 0)
      return [...copies, { name, state: 'ok', message: 'Work behind the requests ends well.', remedy: null }];
    const message = others.map((job) => `${job.name} failed: ${job.outcome?.message ?? 'unknown'}`).join('; ');
    return [...copies, { name, state: 'degraded', message, remedy: 'Mend what the message names, and start the job again.' }];
  }

  /** Second copies, where any are kept. */
  function mirror(failure: string | null): HealthCheck[] {
    const place = mirrorPlaceOf(config.values);
    if (place === null) return [];
    const name = 'mirror';
    const message = `Second copies of what is stored lie in ${mirrorLocation(place)}.`;
    if (failure === null) return [{ name, state: 'ok', message, remedy: null }];
    const remedy = 'Mend what the message names; what waits is copied by itself then. Nothing else depends on it meanwhile.';
    return [{ name, state: 'degraded', message: `Second copies cannot be made: ${failure}`, remedy }];
  }

  function exposure(): HealthCheck[] {
    const { host } = config.values;
    const local = host === '127.0.0.1' || host === '::1' || host === 'localhost';
    const safe = local || config.values['tls-cert'] !== null || (config.values['public-url']?.startsWith('https:') ?? false);
    const name = 'tls';
    if (safe) return [{ name, state: 'ok', message: 'Nobody else on the network sees passwords pass.', remedy: null }];
    const message = 'Other devices reach the gateway without TLS: passwords and files cross the network in the clear.';
    return [
      {
        name,
        state: 'degraded',
        message,
        remedy: 'Set tls-cert and tls-key, or put a proxy with TLS before it and set public-url.',
      },
    ];
  }

  return {
    startedMs: clock.now(),
    metrics: options.metrics,
    load: options.load,
    settingsFile: config.file,
    settings: () => describeConfig(config).map((one) => ({ ...one, description: SETTINGS[one.name].description })),
    disk: () => ({ free: finite(guard.free()), minFree: finite(guard.minFree()) }),
    async health() {
      const { ready, checks } = await options.health();
      const parts = Object.entries(checks).map(([name, state]): HealthCheck => {
        const part = PARTS[name];
        const good = state === 'ok';
        const message = (good ? part?.good : part?.bad) ?? `${name} is ${state}.`;
        return { name, state, message, remedy: good ? null : (part?.remedy ?? 'Run `cloudstore doctor`.') };
      });
      const work = await background().catch((): HealthCheck[] => [
        { name: 'jobs', state: 'failed', message: 'The jobs cannot be listed.', remedy: PARTS.database!.remedy },
      ]);
      return { ready, checks: [...parts, space(), ...work, ...exposure()] };
    },
    scrubs: (limit) => options.runs.list('scrub', limit),
  };
}

function finite(bytes: number): number | null {
  return Number.isFinite(bytes) ? bytes : null;
}
