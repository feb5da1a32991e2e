import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { JobStore } from '#contracts/job-store';
import type { Job, JobContext } from '#contracts/jobs';
import { CloudStoreError } from '#core/errors';
import { createRunner, type Runner } from '#jobs/runner';
import { quiet } from '../../support/database.ts';
import { type MetadataRig, openMetadataRig } from '../../support/metadata-rig.ts';
import { codeOf } from '../../support/rooms.ts';

const LEASE_MS = 60_000;

/** A job that waits to be let go, or told to end. */
function heldJob(name: string, everyMs: number | null = null) {
  const contexts: JobContext[] = [];
  const releases: ((error?: unknown) => void)[] = [];
  const job: Job = {
    name,
    everyMs,
    run: (context) =>
      new Promise((resolve, reject) => {
        contexts.push(context);
        releases.push((error) => (error === undefined ? resolve() : reject(error)));
        context.signal.addEventListener('abort', () => reject(context.signal.reason), { once: true });
      }),
  };
  return { job, contexts, release: (error?: unknown) => releases.at(-1)!(error) };
}

describe('the runner of jobs', () => {
  let rig: MetadataRig;
  let runners: Runner[] = [];
  let names = 0;
  before(async () => {
    rig = await openMetadataRig('two gateways');
  });
  after(() => rig.close());
  afterEach(async () => {
    await Promise.all(runners.map((runner) => runner.close()));
    runners = [];
  });

  async function start(gateway: 0 | 1, jobs: Job[], options: { store?: JobStore; leaseMs?: number } = {}): Promise<Runner> {
    const { jobStore, signals } = rig.gateways[gateway]!;
    const store = options.store ?? jobStore;
    const { leaseMs = LEASE_MS } = options;
    const rest = { clock: { now: () => Date.now() }, random: randomBytes, log: quiet, leaseMs, pollMs: 50 };
    const runner = createRunner({ jobs, store, signals, ...rest });
    runners.push(runner);
    await runner.start();
    return runner;
  }
  const until = async (done: () => boolean | Promise<boolean>, what: string) => {
    for (let n = 0; n < 1000; n++) {
      if (await done()) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect.fail(`it never came: ${what}`);
  };
  const statusOf = async (runner: Runner, name: string) => (await runner.jobs.list()).find((status) => status.name === name)!;
  const stateOf = async (runner: Runner, name: string) => (await statusOf(runner, name)).state;
  const fresh = () => `job-${++names}`;

  it('runs on one of two gateways what was asked for, and says how it ended', async () => {
    const name = fresh();
    const [a, b] = [heldJob(name), heldJob(name)];
    const [one, two] = [await start(0, [a.job]), await start(1, [b.job])];
    await two.jobs.start(name, { only: 'this' });
    await until(() => a.contexts.length + b.contexts.length > 0, 'a run');
    const runs = [a, b].filter(({ contexts }) => contexts.length > 0);
    expect(runs).to.have.length(1);
    const [run] = runs as [typeof a];
    expect(run.contexts[0]).to.deep.include({ state: null, argument: { only: 'this' } });
    expect(await stateOf(one, name)).to.equal('running');
    await run.contexts[0]!.save({ at: 5 });
    run.release();
    await until(async () => (await stateOf(one, name)) === 'idle', 'its end');
    expect((await statusOf(two, name)).outcome).to.deep.equal({ kind: 'done', message: null });
    await one.jobs.start(name);
    await until(() => a.contexts.length + b.contexts.length > 1, 'a second run');
    const again = [...a.contexts, ...b.contexts].find((context) => context !== run.contexts[0]);
    expect(again).to.deep.include({ state: { at: 5 }, argument: null });
  });

  it('cancels from another gateway, at once', async () => {
    const name = fresh();
    const held = heldJob(name);
    const [one, two] = [await start(0, [held.job]), await start(1, [])];
    await two.jobs.start(name);
    await until(() => held.contexts.length === 1, 'a run');
    await two.jobs.cancel(name);
    await until(() => held.contexts[0]!.signal.aborted, 'the signal');
    await until(async () => (await stateOf(one, name)) === 'idle', 'its end');
    expect((await statusOf(one, name)).outcome?.kind).to.equal('cancelled');
  });

  it('writes down why a job failed', async () => {
    const name = fresh();
    const held = heldJob(name);
    const one = await start(0, [held.job]);
    await one.jobs.start(name);
    await until(() => held.contexts.length === 1, 'a run');
    held.release(new CloudStoreError('corrupt', 'The third pack is damaged.'));
    await until(async () => (await stateOf(one, name)) === 'idle', 'its end');
    expect((await statusOf(one, name)).outcome).to.deep.equal({ kind: 'failed', message: 'The third pack is damaged.' });
  });

  it('hands its work on when it closes, and another goes on where it was', async () => {
    const name = fresh();
    const [a, b] = [heldJob(name), heldJob(name)];
    const one = await start(0, [a.job]);
    await one.jobs.start(name, 'all');
    await until(() => a.contexts.length === 1, 'a run');
    await a.contexts[0]!.save(42);
    await one.close();
    expect(a.contexts[0]!.signal.aborted).to.equal(true);
    await start(1, [b.job]);
    await until(() => b.contexts.length === 1, 'the other');
    expect(b.contexts[0]).to.deep.include({ state: 42, argument: 'all' });
  });

  it('ends when its lease was lost, and its word counts no more', async () => {
    const name = fresh();
    const [a, b] = [heldJob(name), heldJob(name)];
    const one = await start(0, [a.job]);
    await one.jobs.start(name);
    await until(() => a.contexts.length === 1, 'a run');
    const [[holder]] = (await rig.database.sql('SELECT holder FROM jobs WHERE name = $1', [name])) as [[string]];
    const two = await start(1, [b.job]);
    await until(async () => {
      // Again and again: the signal that asked for the job may come only now, and whoever hears of its job renews the lease.
      await rig.database.sql('UPDATE jobs SET lease_until_ms = 0 WHERE name = $1 AND holder = $2', [name, holder]);
      return b.contexts.length === 1;
    }, 'the other');
    expect(await codeOf(a.contexts[0]!.save('late'))).to.equal('conflict');
    expect(a.contexts[0]!.signal.aborted).to.equal(true);
    b.release();
    await until(async () => (await stateOf(two, name)) === 'idle', 'its end');
    expect((await statusOf(one, name)).outcome?.kind).to.equal('done');
  });

  it('ends when the database is away for longer than its lease', async () => {
    const name = fresh();
    const held = heldJob(name);
    const { jobStore } = rig.gateways[0]!;
    const away: JobStore = {
      ...jobStore,
      renew: async () => {
        throw new CloudStoreError('unavailable', 'The database cannot be reached.');
      },
    };
    const one = await start(0, [held.job], { store: away, leaseMs: 200 });
    await one.jobs.start(name);
    await until(() => held.contexts.length > 0, 'a run');
    await until(() => held.contexts[0]!.signal.aborted, 'the signal');
  });

  it('renews its lease while it runs, and shows progress', async () => {
    const name = fresh();
    const held = heldJob(name);
    const one = await start(0, [held.job], { leaseMs: 1_000 });
    await one.jobs.start(name);
    await until(() => held.contexts.length === 1, 'a run');
    const leases = new Set<unknown>();
    held.contexts[0]!.progress({ done: 1, total: 2, unit: 'packs' });
    await until(async () => {
      for (const [lease] of await rig.database.sql('SELECT lease_until_ms FROM jobs WHERE name = $1', [name])) leases.add(lease);
      return leases.size > 3;
    }, 'renewals');
    expect(held.contexts).to.have.length(1);
    expect((await statusOf(one, name)).progress).to.deep.equal({ done: 1, total: 2, unit: 'packs' });
  });

  it('runs by schedule', async () => {
    const name = fresh();
    let runs = 0;
    await start(0, [{ name, everyMs: 1, run: async () => void runs++ }]);
    await until(() => runs > 2, 'three runs');
  });
});
