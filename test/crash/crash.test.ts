import { WHENS } from './crash-point.ts';
import { openRounds, type Rounds } from './rounds.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const SEED = Number(process.env.CLOUDSTORE_TEST_SEED ?? 20_261_124);
/** A small world, so that keys meet: files beside folders of their name included. */
const KEYS = ['a', 'b', 'a/b', 'a/c', 'a/d/e', 'deep/er/and/deeper', 'x y', 'ünï', 'z/1', 'z/2', 'z', 'q'];
const OPERATIONS = 24;
/** Now and then too little, so that refusals are killed too. */
const QUOTA = { objects: 9, bytes: 9_000_000 };

/**
 * The promise, under SIGKILL at the n-th disk or SQL call, ahead of it, in the middle and behind it.
 * CLOUDSTORE_TEST_LONG=1 goes through every n.
 */
describe('killed at its n-th disk or SQL call', function () {
  this.timeout(LONG ? 3_600_000 : 600_000);
  let rounds: Rounds;
  before(async () => {
    console.log(`      CLOUDSTORE_TEST_SEED=${SEED}`);
    const directory = 'cloudstore-crash-';
    rounds = await openRounds({ keys: KEYS, operations: OPERATIONS, quota: QUOTA, seed: SEED, directory });
  });
  after(() => rounds?.close());

  it('keeps what it acknowledged, quotas and the use of space exact, and does all or nothing of the rest', async () => {
    const calls = await rounds.run(0, 'before');
    if (calls === null) throw new Error('The first round was not to be killed');
    const from = (await rounds.run(1_000_000, 'after', { fromStart: true })) ?? 0;
    const step = LONG ? 1 : Math.max(1, Math.floor(calls / 32));
    let turn = 0;
    for (let n = 1; n <= calls; n += step) {
      for (const when of LONG ? WHENS : [WHENS[turn++ % WHENS.length]!]) await rounds.run(n, when);
    }
    const rising = Math.max(1, from - calls);
    for (let n = 1; n <= rising; n += LONG ? 1 : Math.max(1, Math.floor(rising / 8))) {
      for (const when of LONG ? WHENS : [WHENS[turn++ % WHENS.length]!]) await rounds.run(n, when, { fromStart: true });
    }
    await rounds.run(0, 'before');
    await rounds.run(0, 'before');
    const acknowledged = [...rounds.kinds].map(([kind, n]) => `${n} ${kind}`).join(', ');
    console.log(`      ${calls} calls a round; acknowledged: ${acknowledged}; ${rounds.refused()} refused`);
    if (rounds.refused() === 0) throw new Error('The quota was never met');
  });
});
