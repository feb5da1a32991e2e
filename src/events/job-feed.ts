import type { JobFeed, JobStatus, Jobs } from '#contracts/jobs';
import type { Logger } from '#contracts/observability';
import type { Signals } from '#contracts/signals';

/** Changes of one moment are looked up together. */
const GATHER_MS = 100;

/** The contract is JobFeed: signals say that something moved, and one look at all jobs says what. */
export function createJobFeed({ jobs, signals, log }: { jobs: Pick<Jobs, 'list'>; signals: Signals; log: Logger }): JobFeed {
  const listeners = new Set<(job: JobStatus) => void>();
  const told = new Map<string, string>();
  let stop: (() => void) | null = null;
  let looking: NodeJS.Timeout | undefined;

  function lookSoon(): void {
    looking ??= setTimeout(() => {
      looking = undefined;
      look().catch((err: unknown) => log.debug({ err }, 'the jobs cannot be listed'));
    }, GATHER_MS);
  }

  async function look(): Promise<void> {
    for (const job of await jobs.list()) {
      const text = JSON.stringify(job);
      if (told.get(job.name) === text) continue;
      told.set(job.name, text);
      for (const listener of listeners) listener(job);
    }
  }

  return {
    follow(listener) {
      if (stop === null) {
        const topics = [signals.subscribe('jobs', lookSoon), signals.subscribe('progress', lookSoon)];
        stop = () => {
          for (const end of topics) end();
        };
      }
      listeners.add(listener);
      // The newcomer knows nothing yet: everything is told once more.
      told.clear();
      lookSoon();
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearTimeout(looking);
        looking = undefined;
        stop?.();
        stop = null;
      };
    },
  };
}
