import { expect } from 'chai';
import { openMetadataRig } from '../support/metadata-rig.ts';
import { SEED } from '../support/random.ts';
import { createModel, type Plants } from './model.ts';
import { createPostgresWorld } from './postgres.ts';
import { play } from './schedule.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const SCHEDULES = LONG ? 100_000 : 600;
const POSTGRES_SCHEDULES = LONG ? 500 : 5;
const PLANTED_MAX = 30_000;
/** Planted mistakes meet the same schedules in every run: that the schedules can find them is what is tested, not the day's luck. */
const PLANTED_SEED = process.env.CLOUDSTORE_TEST_SEED ?? '1';

describe('collection beside everything else', function () {
  this.timeout(LONG ? 3_600_000 : 300_000);

  it(`loses nothing and leaves nothing, in ${SCHEDULES} schedules (seed ${SEED})`, async () => {
    for (let n = 0; n < SCHEDULES; n++) {
      try {
        await play(`${SEED} ${n}`, async (turns) => createModel(turns));
      } catch (error) {
        throw new Error(`schedule ${n} of seed ${SEED}: ${error instanceof Error ? error.stack : error}`, { cause: error });
      }
    }
  });

  it(`does so on Postgres, in ${POSTGRES_SCHEDULES} of the same schedules`, async () => {
    const rig = await openMetadataRig('two gateways');
    try {
      const metadatas = [...rig.gateways, await rig.open()];
      for (let n = 0; n < POSTGRES_SCHEDULES; n++) {
        await play(`${SEED} ${n}`, (turns) => createPostgresWorld(rig, metadatas, turns)).catch((error: unknown) => {
          throw new Error(`schedule ${n} of seed ${SEED}: ${error instanceof Error ? error.stack : error}`, { cause: error });
        });
      }
    } finally {
      await rig.close();
    }
  });

  // What spares clients a retry is apart from what keeps data: waiting for uploads from the hold that every commit takes.
  const plants: [string, Plants, RegExp][] = [
    ['a collection that ignores a running upload', { ignoresUploads: true }, /failed, which was heard of/],
    ['one that ignores it, where commits hold nothing', { ignoresUploads: true, holdsNothing: true }, /named was removed/],
    [
      'one that ignores it, and does not wait for transactions',
      { ignoresUploads: true, ignoresWriters: true },
      /named was removed/,
    ],
    ['one that looks once', { looksOnce: true }, /named was removed/],
    ['a pack removed without a look', { buriesBlindly: true }, /pack of a chunk was removed/],
  ];
  for (const [name, plant, found] of plants) {
    it(`finds ${name}`, async () => {
      for (let n = 0; n < PLANTED_MAX; n++) {
        try {
          await play(`${PLANTED_SEED} ${name} ${n}`, async (turns) => createModel(turns, plant));
        } catch (error) {
          if (!found.test(String(error))) continue;
          console.log(`      after ${n + 1} schedules: ${error instanceof Error ? error.message : error}`);
          return;
        }
      }
      expect.fail('not found');
    });
  }

  it('loses nothing even where collection ignores running uploads', async () => {
    for (let n = 0; n < 200; n++) {
      await play(`${SEED} careless ${n}`, async (turns) => createModel(turns, { ignoresUploads: true })).catch((error: unknown) =>
        expect(String(error)).to.not.match(/was removed/),
      );
    }
  });
});
