import type { Job } from '#contracts/jobs';
import type { MeasureArgument, MeasuredDomain, UsageStore } from '#contracts/usage';
import type { Clock } from '#core/clock';

const EVERY_MS = 10 * 60_000;
/** Of all time, what is measured may take so little: by itself 5 %, and where somebody asked, 25 %. */
const REST: Readonly<Record<MeasureArgument | 'unasked', number>> = { unasked: 20, asked: 4, now: 0 };

/**
 * What each bucket takes after deduplication, for people: no quota rests on it. Owners whose buckets have not changed since are left alone, and so are those
 * whose last measurement took too long to be made again so soon; those that take least come first.
 */
export function createMeasureJob(usage: UsageStore, clock: Clock): Job {
  return {
    name: 'measure',
    everyMs: EVERY_MS,
    async run({ signal, progress, argument }) {
      const rest = REST[argument === 'now' || argument === 'asked' ? argument : 'unasked'];
      const due = (await usage.domains()).filter((one) => isDue(one, rest, clock.now())).sort((a, b) => a.tookMs - b.tookMs);
      let buckets = 0;
      for (const [done, { domain }] of due.entries()) {
        signal.throwIfAborted();
        const shown = (counts: Record<string, number>) =>
          progress({ done, total: due.length, unit: 'owners', counts: { buckets, ...counts } });
        buckets += await usage.measure(domain, {
          signal,
          progress: ({ versions, total }) => shown({ versions, versionsTotal: total }),
        });
      }
      progress({ done: due.length, total: due.length, unit: 'owners', counts: { buckets } });
    },
  };
}

function isDue({ current, measured, tookMs }: MeasuredDomain, rest: number, now: number): boolean {
  return !current && (measured === null || now - measured < 0 || now - measured >= tookMs * rest);
}
