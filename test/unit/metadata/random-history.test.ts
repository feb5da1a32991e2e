import { expect } from 'chai';
import type { Versioning } from '#core/bucket';
import { accountsOf } from '../../support/metadata-accounts.ts';
import { Model } from '../../support/metadata-model.ts';
import { type MetadataRig, openMetadataRig } from '../../support/metadata-rig.ts';
import { FOLDERS, type Home, roll, run } from '../../support/metadata-walk.ts';
import { diceOf, SEED } from '../../support/random.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const STEPS = LONG ? 4000 : 70;
const WINDOWS = [1, 2, 5, 1000];

/** Any walk of puts, removals, moves and copies, and then back to any moment of it, in windows of any size. CLOUDSTORE_TEST_LONG=1 goes on for long. */
describe(`as of a time, against a model (seed ${SEED})`, function () {
  this.timeout(LONG ? 3_600_000 : 60_000);
  let rig: MetadataRig;
  before(async () => {
    rig = await openMetadataRig('two gateways');
  });
  after(() => rig.close());

  async function stored(home: Home): Promise<[string, string, number][]> {
    const page = await rig.store.list({ bucket: home.id, prefix: '', delimiter: '', after: '', limit: 1000 });
    return page.entries.flatMap((entry) =>
      entry.kind === 'object' ? [[entry.info.key, entry.info.etag, entry.info.size] as [string, string, number]] : [],
    );
  }

  for (const versioning of ['off', 'enabled', 'suspended'] as const satisfies Versioning[]) {
    it(`goes back to what was, versioning ${versioning}`, async () => {
      const dice = diceOf(`${SEED} history ${versioning}`);
      const home = await rig.bucket({ versioning });
      const model = new Model();
      /** What was there at each time. */
      const then: { at: number; objects: Map<string, { etag: string; size: number }> }[] = [];
      for (let step = 0; step < STEPS; step++) {
        rig.clock.advance(2);
        const operation = roll(dice, model);
        model.apply(operation);
        await run(rig.store, home, operation);
        then.push({ at: rig.clock.now() + 1, objects: new Map(model.objects) });
        if (step % 6 !== 5) continue;
        rig.clock.advance(2);
        const { at, objects } = dice.pick(then);
        const prefix = dice.chance(0.5) ? '' : dice.pick(FOLDERS);
        const added = dice.pick(['keep', 'remove'] as const);
        const names = dice.pick(WINDOWS);
        const what = `step ${step}: ${JSON.stringify(prefix)} as of ${at}, ${added}, ${names} names at a time`;
        for (let after: string | null = ''; after !== null; ) {
          const intent = {
            who: home.who,
            bucket: home.id,
            what: { kind: 'asOf' as const, prefix, at, added },
            conflict: 'replace' as const,
          };
          after = (await rig.gateways[step % 2]!.history.restore(intent, { after, names })).next;
        }
        for (const key of model.keys()) if (key.startsWith(prefix) && added === 'remove') model.objects.delete(key);
        for (const [key, object] of objects) if (key.startsWith(prefix)) model.objects.set(key, { ...object, properties: null });
        expect(await stored(home), what).to.deep.equal(
          model.keys().map((key) => [key, model.objects.get(key)!.etag, model.objects.get(key)!.size]),
        );
        const folders = await rig.database.sql('SELECT path, explicit FROM directories WHERE bucket_id = $1 ORDER BY path', [
          home.id,
        ]);
        const wanted = [
          '',
          ...FOLDERS,
          ...model.keys().flatMap((key) => [...key.matchAll(/\//g)].map(({ index }) => key.slice(0, index + 1))),
        ];
        const named = [...new Set(wanted)]
          .filter((path) => model.directory(path))
          .map((path) => [path, path === '' || model.objects.has(path)]);
        expect(new Map(folders as [string, boolean][]), what).to.deep.equal(new Map(named as [string, boolean][]));
        const { kept, counted } = await accountsOf(rig.database, home);
        expect(kept, what).to.deep.equal(counted);
      }
    });
  }
});
