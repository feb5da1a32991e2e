import { expect } from 'chai';
import type { Versioning } from '#core/bucket';
import { afterInOrder, expectSame } from '../../support/metadata-compare.ts';
import { Model } from '../../support/metadata-model.ts';
import { type MetadataRig, openMetadataRig } from '../../support/metadata-rig.ts';
import { type Home, roll, run } from '../../support/metadata-walk.ts';
import { diceOf, SEED } from '../../support/random.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const STEPS = LONG ? 5000 : 60;
const ROUNDS = LONG ? 500 : 6;

/** The same operations on the store and on a plain map: the same answers, the same state. CLOUDSTORE_TEST_LONG=1 goes on for long. */
for (const kind of ['two gateways', 'two processes'] as const)
  describe(`metadata store against a model, ${kind} (seed ${SEED})`, function () {
    this.timeout(LONG ? 3_600_000 : 60_000);
    /** ETags of what was put, and where. */
    const written = new Map<string, number>();
    let rig: MetadataRig;
    before(async () => {
      rig = await openMetadataRig(kind);
    });
    after(() => rig.close());

    /** Every content that any put brought is current, or restorable. */
    async function lostOf(home: Home): Promise<string[]> {
      const rows = await rig.database.sql(
        'SELECT v.etag FROM versions v JOIN slots s ON s.id = v.slot_id WHERE s.bucket_id = $1',
        [home.id],
      );
      const there = new Set(rows.flat());
      return [...written].filter(([etag, bucket]) => bucket === home.id && !there.has(etag)).map(([etag]) => etag);
    }

    for (const versioning of ['off', 'enabled', 'suspended'] as const satisfies Versioning[]) {
      it(`one after the other, through each in turn, versioning ${versioning}`, async () => {
        const dice = diceOf(`${SEED} ${versioning}`);
        const home = await rig.bucket({ versioning });
        const model = new Model();
        for (let step = 0; step < STEPS; step++) {
          rig.clock.advance(1);
          const operation = roll(dice, model);
          const what = `step ${step}: ${JSON.stringify(operation)}\n   on ${JSON.stringify(model.keys())}`;
          const expected = model.apply(operation);
          expect(await run(rig.store, home, operation, 'r', (etag) => written.set(etag, home.id)), what).to.deep.equal(expected);
          if (LONG || step % 4 === 0) await expectSame(rig, rig.store, home, model, what);
        }
        expect(await lostOf(home)).to.deep.equal([]);
      });

      it(`at once, through both: as in the journal’s order, versioning ${versioning}`, async () => {
        const dice = diceOf(`${SEED} at once ${versioning}`);
        const home = await rig.bucket({ versioning });
        const { journal } = rig.gateways[0]!;
        let model = new Model();
        for (let round = 0; round < ROUNDS; round++) {
          const operations = Array.from({ length: 14 }, () => roll(dice, model));
          const before = await journal.head(home.id);
          const answers = await Promise.all(
            operations.map((operation, n) => run(rig.store, home, operation, String(n), (etag) => written.set(etag, home.id))),
          );
          const { after, what } = await afterInOrder(journal, home, before, model, { operations, answers, round });
          await expectSame(rig, rig.store, home, after, what);
          model = after;
        }
        expect(await lostOf(home)).to.deep.equal([]);
      });
    }
  });
