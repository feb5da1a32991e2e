import type { Job } from '#contracts/jobs';
import type { UsageStore } from '#contracts/usage';

const DAY_MS = 24 * 3600 * 1000;

/** What each bucket takes after deduplication, for people: no quota rests on it. */
export function createMeasureJob(usage: UsageStore): Job {
  return {
    name: 'measure',
    everyMs: DAY_MS,
    async run({ signal, progress }) {
      const domains = await usage.domains();
      let buckets = 0;
      for (const [done, domain] of domains.entries()) {
        signal.throwIfAborted();
        buckets += await usage.measure(domain);
        progress({ done: done + 1, total: domains.length, unit: 'owners', counts: { buckets } });
      }
    },
  };
}
