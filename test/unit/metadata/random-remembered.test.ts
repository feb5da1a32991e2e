import { expect } from 'chai';
import type { Metadata } from '#metadata/open';
import { afterInOrder, expectSame } from '../../support/metadata-compare.ts';
import { Model, type Operation } from '../../support/metadata-model.ts';
import { type MetadataRig, openMetadataRig } from '../../support/metadata-rig.ts';
import { NAMES, roll, run } from '../../support/metadata-walk.ts';
import { type Dice, diceOf, SEED } from '../../support/random.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const STEPS = LONG ? 5000 : 160;
const ROUNDS = LONG ? 500 : 12;
const FILES = NAMES.slice(0, 6);

/** Mostly what is decided from memory: files that come, are overwritten and go. */
function rollFiles(dice: Dice, model: Model): Operation {
  const among = dice.below(20);
  if (among === 0) return roll(dice, model);
  const key = dice.pick(FILES);
  if (among < 10) {
    const [etag, size] = [`${dice.below(2 ** 32)}`, dice.below(100)];
    const ifMatch = dice.chance(0.1) ? (model.objects.get(dice.pick(FILES))?.etag ?? 'none') : null;
    return { kind: 'put', key, etag, size, ifMatch, ifNoneMatch: dice.chance(0.1), requireParent: dice.chance(0.2) };
  }
  return { kind: 'remove', key, mustExist: dice.chance(0.2), keepParent: dice.chance(0.3) };
}

/** A gateway that is alone, as far as it knows, and beside it one that now and then does something too. */
describe(`commits from memory against a model (seed ${SEED})`, function () {
  this.timeout(LONG ? 3_600_000 : 60_000);
  let rig: MetadataRig;
  let alone: Metadata;
  let other: Metadata;
  before(async () => {
    rig = await openMetadataRig('one gateway');
    [alone] = rig.gateways as [Metadata];
    other = await rig.open();
  });
  after(() => rig.close());

  for (const versioning of ['off', 'enabled'] as const) {
    it(`one after the other, versioning ${versioning}`, async () => {
      const dice = diceOf(`${SEED} ${versioning}`);
      const home = await rig.bucket({ versioning });
      const model = new Model();
      for (let step = 0; step < STEPS; step++) {
        rig.clock.advance(1);
        const operation = rollFiles(dice, model);
        const foreign = dice.chance(0.03);
        const what = `step ${step}: ${foreign ? 'other ' : ''}${JSON.stringify(operation)}\n   on ${JSON.stringify(model.keys())}`;
        const expected = model.apply(operation);
        expect(await run((foreign ? other : alone).store, home, operation), what).to.deep.equal(expected);
        if (LONG || step % 20 === 0) await expectSame(rig, other.store, home, model, what);
      }
      await expectSame(rig, other.store, home, model, 'at the end');
    });

    it(`many at once: as in the journal’s order, versioning ${versioning}`, async () => {
      const dice = diceOf(`${SEED} at once ${versioning}`);
      const home = await rig.bucket({ versioning });
      let model = new Model();
      for (let round = 0; round < ROUNDS; round++) {
        const operations = Array.from({ length: 10 }, () => rollFiles(dice, model));
        const before = await other.journal.head(home.id);
        const answers = await Promise.all(operations.map((operation, n) => run(alone.store, home, operation, String(n))));
        const { after, what } = await afterInOrder(other.journal, home, before, model, { operations, answers, round });
        await expectSame(rig, other.store, home, after, what);
        model = after;
      }
    });
  }
});
