import { expect } from 'chai';
import { SEED } from '../support/random.ts';
import { createEngine, type Engine } from './engine.ts';
import { PLANTED } from './planted.ts';
import { type Outcome, type Planted, runSchedule, ScheduleError } from './schedule.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const COUNT = Number(process.env.CLOUDSTORE_TEST_SCHEDULES ?? (LONG ? 100_000 : 2000));
/** So many schedules may pass before a mistake is found. */
const UNSEEN_MAX = 1000;

/**
 * The write order of docs/FORMAT.md on a disk as bad as they come (test/support/simulated-disk.ts). A schedule that fails is run again, call by
 * call, without the steps that it does not need: CLOUDSTORE_TEST_SEED=<its seed> CLOUDSTORE_TEST_SCHEDULES=1 gives it once more.
 */
describe(`the engine and its log on a bad disk (seed ${SEED})`, function () {
  this.timeout(0);
  let engine: Engine;
  beforeEach(() => {
    engine = createEngine();
  });

  it(`keeps what was acknowledged through ${COUNT} schedules`, async () => {
    const sum: Outcome = { acknowledged: 0, refused: 0, powerCuts: 0, kills: 0, faults: 0, calls: 0 };
    for (let n = 0; n < COUNT; n++) {
      if (n % 500 === 499) engine = createEngine();
      const outcome = await runSchedule({ seed: SEED + n, engine }).catch((error) => explain(SEED + n, error));
      for (const name of Object.keys(sum) as (keyof Outcome)[]) sum[name] += outcome[name];
      if (n % 5000 === 4999) console.log(`      ${n + 1} schedules`);
    }
    const { acknowledged, refused, powerCuts, kills, faults, calls } = sum;
    console.log(
      `      ${acknowledged} steps acknowledged, ${refused} refused; ${calls} calls, ${faults} faults, ${powerCuts} power cuts, ${kills} kills`,
    );
  });

  it('is the same for the same seed', async () => {
    for (let n = 0; n < 20; n++) {
      const once = await runSchedule({ seed: SEED + n, engine });
      expect(await runSchedule({ seed: SEED + n, engine, trace: true })).to.deep.equal(once);
    }
  });

  for (const [mistake, planted] of Object.entries(PLANTED)) {
    it(`finds ${mistake}`, async () => {
      for (let n = 0; n < UNSEEN_MAX; n++) {
        const error = await runSchedule({ seed: SEED + n, engine, planted }).catch((thrown: unknown) => thrown);
        if (!(error instanceof ScheduleError)) continue;
        console.log(`      after ${n + 1} schedules: ${error.message}`);
        return;
      }
      throw new Error(`not found in ${UNSEEN_MAX} schedules`);
    });
  }

  /** @throws with the smallest schedule that fails in the same way, and what the disk did in it */
  async function explain(seed: number, first: unknown, planted: Planted = {}): Promise<never> {
    const without = new Set<number>();
    let failed = first;
    engine = createEngine();
    for (let step = 0; step < 80; step++) {
      without.add(step);
      const again = await runSchedule({ seed, engine, planted, without, trace: true }).catch((error: unknown) => error);
      if (again instanceof ScheduleError) failed = again;
      else without.delete(step);
    }
    if (!(failed instanceof ScheduleError)) throw failed;
    const { message, steps, trace } = failed;
    throw new Error(`seed ${seed}: ${message}\n${[...trace, ...steps].join('\n')}`, { cause: failed.cause });
  }
});
