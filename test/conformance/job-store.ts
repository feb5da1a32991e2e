import { expect } from 'chai';
import type { JobStore } from '#contracts/job-store';
import { codeOf } from '../support/rooms.ts';

export interface JobStoreRig {
  /** Of two processes on one installation. */
  stores: readonly [JobStore, JobStore];
  /** As if the holder of this job had said nothing for longer than its lease. */
  silence(name: string): Promise<void>;
  /** As if so much time had passed since the schedule of this job was last counted from. */
  age(name: string, ms: number): Promise<void>;
  /** As if the lease of this job ended so much later. */
  lease(name: string, ms: number): Promise<void>;
  close(): Promise<void>;
}

const LEASE_MS = 60_000;
const DONE = { kind: 'done', message: null, earlierMs: 0 } as const;

export function describeJobStore(name: string, make: () => Promise<JobStoreRig>): void {
  describe(`job store: ${name}`, () => {
    let rig: JobStoreRig;
    let one: JobStore;
    let two: JobStore;
    let names = 0;
    before(async () => {
      rig = await make();
      [one, two] = rig.stores;
    });
    after(() => rig.close());

    async function job(): Promise<string> {
      const own = `job-${++names}`;
      await one.ensure([own]);
      return own;
    }
    const statusOf = async (own: string) => (await two.list()).find((status) => status.name === own);
    const take = (store: JobStore, holder: string, own: string, everyMs: number | null = null) =>
      store.take(holder, [{ name: own, everyMs }], LEASE_MS);

    it('lists what was made known, idle at first, and keeps it when it is made known again', async () => {
      const own = await job();
      await two.ensure([own]);
      expect(await statusOf(own)).to.deep.equal({
        name: own,
        state: 'idle',
        progress: null,
        startedMs: null,
        endedMs: null,
        outcome: null,
      });
    });

    it('knows no job that nobody has made known', async () => {
      expect(await codeOf(one.request('never', null))).to.equal('not_found');
      expect(await codeOf(one.cancel('never'))).to.equal('not_found');
      expect(await take(one, 'a', 'never')).to.deep.equal([]);
    });

    it('gives a job that was asked for to one only, with its argument', async () => {
      const own = await job();
      expect(await take(one, 'early', own)).to.deep.equal([]);
      await one.request(own, { deep: [1, 'ä'] });
      expect((await statusOf(own))?.state).to.equal('requested');
      const taken = await Promise.all(Array.from({ length: 8 }, (_, n) => take(rig.stores[n % 2]!, `holder-${n}`, own)));
      expect(taken.flat()).to.deep.equal([{ name: own, state: null, argument: { deep: [1, 'ä'] } }]);
      expect((await statusOf(own))?.state).to.equal('running');
    });

    it('runs by schedule, counted from the end of the last run', async () => {
      const own = await job();
      expect(await take(one, 'a', own, 10_000)).to.deep.equal([]);
      await rig.age(own, 10_000);
      expect(await take(two, 'b', own)).to.deep.equal([]);
      expect(await take(two, 'c', own, 10_000)).to.deep.equal([{ name: own, state: null, argument: null }]);
      await two.end(own, 'c', DONE);
      expect(await take(one, 'd', own, 10_000)).to.deep.equal([]);
      await rig.age(own, 10_000);
      expect(await take(one, 'e', own, 10_000)).to.have.length(1);
      await one.end(own, 'e', { kind: 'failed', message: 'the disk is gone', earlierMs: 9_999_999 });
      expect(await statusOf(own)).to.deep.include({
        state: 'idle',
        outcome: { kind: 'failed', message: 'the disk is gone' },
      });
      expect(await take(one, 'f', own, 10_000), 'a failed one is tried again sooner').to.have.length(1);
    });

    it('gives a job whose holder is silent to another, with what was saved and asked', async () => {
      const own = await job();
      await one.request(own, 'all');
      await take(one, 'a', own);
      await one.save(own, 'a', { at: 17 });
      expect(await take(two, 'b', own)).to.deep.equal([]);
      await rig.silence(own);
      expect((await statusOf(own))?.state).to.equal('requested');
      expect(await take(two, 'b', own)).to.deep.equal([{ name: own, state: { at: 17 }, argument: 'all' }]);
      expect(await codeOf(one.save(own, 'a', { at: 18 }))).to.equal('conflict');
      expect(await codeOf(one.renew(own, 'a', LEASE_MS, null))).to.equal('conflict');
      await one.end(own, 'a', DONE);
      expect((await statusOf(own))?.state, 'the end of an attempt that lost its lease counts for nothing').to.equal('running');
    });

    it('waits for no time that the clock was set back from', async () => {
      const [scheduled, asked, held] = [await job(), await job(), await job()];
      for (const own of [scheduled, asked]) await rig.age(own, -365 * 86_400_000);
      expect((await take(one, 'a', scheduled, 86_400_000)).map((taken) => taken.name)).to.deep.equal([scheduled]);
      expect(await take(one, 'a', asked)).to.deep.equal([]);
      await one.end(scheduled, 'a', DONE);
      expect(await take(one, 'a', scheduled, 86_400_000), 'once').to.deep.equal([]);

      await one.request(held, null);
      await take(one, 'a', held);
      await rig.lease(held, 365 * 86_400_000);
      expect(await take(two, 'b', held), 'its holder may live').to.deep.equal([]);
      await rig.lease(held, -LEASE_MS);
      expect((await take(two, 'b', held)).map((taken) => taken.name)).to.deep.equal([held]);
    });

    it('keeps what was saved for the next run, but no argument', async () => {
      const own = await job();
      await one.request(own, 'only once');
      await take(one, 'a', own);
      await one.save(own, 'a', [1, 2]);
      await one.end(own, 'a', DONE);
      await rig.age(own, 1);
      expect(await take(two, 'b', own, 0)).to.deep.equal([{ name: own, state: [1, 2], argument: null }]);
      await two.save(own, 'b', null);
      await two.end(own, 'b', DONE);
      await two.request(own, null);
      expect(await take(two, 'c', own)).to.deep.equal([{ name: own, state: null, argument: null }]);
    });

    it('is not asked twice while it runs', async () => {
      const own = await job();
      await one.request(own, 1);
      await take(one, 'a', own);
      await two.request(own, 2);
      await one.end(own, 'a', DONE);
      expect(await take(two, 'b', own)).to.deep.equal([]);
    });

    it('hears one of those who ask alone at once, and tells every other one, whatever became of it', async () => {
      const own = await job();
      expect(await codeOf(one.request('never', 1, true))).to.equal('not_found');
      const codes = await Promise.all(
        Array.from({ length: 8 }, (_, n) => codeOf(rig.stores[n % 2]!.request(own, `order ${n}`, true))),
      );
      const heard = codes.indexOf('none');
      expect(codes.toSorted()).to.deep.equal([...Array<string>(7).fill('conflict'), 'none']);
      expect(await take(one, 'a', own)).to.deep.equal([{ name: own, state: null, argument: `order ${heard}` }]);
      expect(await codeOf(two.request(own, 'late', true))).to.equal('conflict');
      await rig.silence(own);
      expect(await codeOf(two.request(own, 'while it waits to be taken over', true))).to.equal('conflict');
      await take(two, 'b', own);
      await two.end(own, 'b', { kind: 'released', message: null, earlierMs: 0 });
      expect(await codeOf(one.request(own, 'while it waits to be gone on with', true))).to.equal('conflict');
      expect(await take(one, 'c', own)).to.deep.equal([{ name: own, state: null, argument: `order ${heard}` }]);
      await one.end(own, 'c', DONE);
      await two.request(own, 'next', true);
      expect(await take(one, 'd', own)).to.deep.equal([{ name: own, state: null, argument: 'next' }]);
      await rig.silence(own);
      await two.cancel(own);
      await two.request(own, 'after one that was cancelled and is silent', true);
      expect(await take(one, 'e', own)).to.have.length(1);
    });

    it('tells the holder that it was cancelled, and shows progress', async () => {
      const own = await job();
      await one.request(own, null);
      await take(one, 'a', own);
      const progress = { done: 3, total: null, unit: 'chunks', counts: { kept: 2 } };
      expect(await one.renew(own, 'a', LEASE_MS, progress)).to.deep.equal({ cancelled: false });
      expect(await one.renew(own, 'a', LEASE_MS, null)).to.deep.equal({ cancelled: false });
      expect((await statusOf(own))?.progress).to.deep.equal(progress);
      await two.cancel(own);
      expect(await one.renew(own, 'a', LEASE_MS, null)).to.deep.equal({ cancelled: true });
      await one.end(own, 'a', { kind: 'cancelled', message: null, earlierMs: 0 });
      expect(await statusOf(own)).to.deep.include({ state: 'idle', outcome: { kind: 'cancelled', message: null } });
      await one.request(own, null);
      await take(one, 'b', own);
      expect(await one.renew(own, 'b', LEASE_MS, null), 'a new run is not cancelled').to.deep.equal({ cancelled: false });
    });

    it('takes back a request that nobody has followed yet', async () => {
      const own = await job();
      await one.request(own, null);
      await two.cancel(own);
      expect((await statusOf(own))?.state).to.equal('idle');
      expect(await take(one, 'a', own)).to.deep.equal([]);
    });

    it('ends what was cancelled while its holder is silent, and goes on when asked again', async () => {
      const own = await job();
      await one.request(own, null);
      await take(one, 'a', own);
      await rig.silence(own);
      await two.cancel(own);
      expect(await take(two, 'b', own)).to.deep.equal([]);
      expect(await statusOf(own)).to.deep.include({ state: 'idle', outcome: { kind: 'cancelled', message: null } });
      await one.request(own, null);
      expect(await take(two, 'c', own)).to.have.length(1);
      await rig.silence(own);
      await two.cancel(own);
      await two.request(own, 'again');
      expect(await take(one, 'd', own)).to.deep.equal([{ name: own, state: null, argument: 'again' }]);
    });

    it('hands on what was released, with its argument', async () => {
      const own = await job();
      await one.request(own, 'rest');
      await take(one, 'a', own);
      await one.end(own, 'a', { kind: 'released', message: null, earlierMs: 0 });
      expect(await statusOf(own)).to.deep.include({ state: 'requested', outcome: null });
      expect(await take(two, 'b', own)).to.deep.equal([{ name: own, state: null, argument: 'rest' }]);
    });
  });
}
