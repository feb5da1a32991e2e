import { expect } from 'chai';
import type { MeasuredDomain, UsageStore } from '#contracts/usage';
import { createMeasureJob } from '#jobs/measure';

const NOW = 1_000_000;

describe('the measuring of what buckets take', () => {
  async function measured(argument: unknown, domains: MeasuredDomain[]): Promise<number[]> {
    const done: number[] = [];
    const usage = {
      domains: async () => domains,
      measure: async (domain: number) => done.push(domain),
    } as Partial<UsageStore> as UsageStore; // the job asks for nothing else
    const job = createMeasureJob(usage, { now: () => NOW });
    const signal = new AbortController().signal;
    await job.run({ signal, state: null, argument, save: async () => undefined, progress: () => undefined });
    return done;
  }
  const ago = (domain: number, ms: number | null, tookMs = 1_000, current = false): MeasuredDomain => ({
    ...{ domain, current, tookMs },
    measured: ms === null ? null : NOW - ms,
  });

  it('leaves alone what has not changed, and takes what is quick first', async () => {
    const domains = [ago(1, 100_000, 900, true), ago(2, 100_000, 900), ago(3, 100_000, 5), ago(4, null, 0)];
    for (const argument of [null, 'asked', 'now']) expect(await measured(argument, domains)).to.deep.equal([4, 3, 2]);
  });

  it('takes a twentieth of the time by itself, a quarter where somebody asks, and all where an admin does', async () => {
    const domains = [ago(1, 3_999), ago(2, 4_000), ago(3, 19_999), ago(4, 20_000), ago(5, -50_000)];
    expect(await measured(null, domains)).to.deep.equal([4, 5]);
    expect(await measured('asked', domains)).to.deep.equal([2, 3, 4, 5]);
    expect(await measured('now', domains)).to.deep.equal([1, 2, 3, 4, 5]);
    expect(await measured({ what: 'else' }, domains)).to.deep.equal([4, 5]);
  });
});
