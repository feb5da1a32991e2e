import { expect } from 'chai';
import type { LoadSample } from '#contracts/load-history';
import { createLoadHistory, STEPS } from '../../../src/load-history.ts';
import { quiet } from '../../support/database.ts';

const MINUTE = 60_000;

/** A day and a half of a gateway with three requests a minute, which is started anew in between. */
describe('the load over time', () => {
  it('is kept in minutes, quarters and days, each bounded, over a restart, and nothing is counted twice', async () => {
    const rows = new Map<string, unknown>();
    const instance = {
      setting: async <T>(name: string): Promise<T | null> => structuredClone((rows.get(name) as T | undefined) ?? null),
      putSetting: async (name: string, value: unknown) => void rows.set(name, value),
    };
    let now = Date.UTC(2026, 0, 1, 0, 0, 30);
    let counted = 0;
    const metrics = async (): Promise<string> =>
      [
        `cloudstore_requests_total{protocol="s3",op="GetObject",code="200"} ${counted}`,
        `cloudstore_request_duration_seconds_sum{protocol="s3",op="GetObject"} ${counted / 10}`,
        'cloudstore_stored_bytes 7',
        'cloudstore_disk_free_bytes 9',
      ].join('\n');
    const open = () =>
      createLoadHistory({ instance, metrics, dataDirectory: '/data', clock: { now: () => now }, log: quiet, samples: false });
    let history = open();
    await history.take();
    const minutes = 36 * 60;
    for (let minute = 0; minute < minutes; minute++) {
      if (minute === 1000) {
        history = open();
        counted = 0;
        await history.take();
      }
      now += MINUTE;
      counted += 3;
      await history.take();
    }
    const [fine, quarters, days] = await history.series();
    const requests = (samples: LoadSample[] = []): number[] => samples.map(({ doors }) => doors.s3?.requests ?? 0);
    expect(fine?.samples).to.have.length(STEPS[0]?.most ?? 0);
    expect(new Set(requests(fine?.samples))).to.deep.equal(new Set([3]));
    expect(fine?.samples.at(-1)).to.deep.include({ at: now, seconds: 60, storedBytes: 7, freeBytes: 9, bytes: null });
    expect(quarters?.samples).to.have.length(36 * 4);
    // The first minute began in mid-minute, and ended in the next.
    expect(requests(quarters?.samples)).to.deep.equal([42, ...Array<number>(143).fill(45)]);
    expect(quarters?.samples[3]?.doors.s3?.seconds).to.be.closeTo(4.5, 1e-9);
    expect(requests(days?.samples)).to.deep.equal([3 * (24 * 60 - 1)]);
    expect([...rows.keys()]).to.have.length(3);
  });
});
