import { expect } from 'chai';
import type { TaskWork } from '#contracts/history-tasks';
import type { Versioning } from '#core/bucket';
import { createHistoryJob } from '#jobs/history';
import { accountsOf } from '../../support/metadata-accounts.ts';
import { Model } from '../../support/metadata-model.ts';
import { type MetadataRig, openMetadataRig, putIntent } from '../../support/metadata-rig.ts';
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

const FILES = 12_000;

/** More than goes in one transaction: a task, carried on by the job in windows, and interrupted after each. Behind CLOUDSTORE_TEST_LONG=1. */
(LONG ? describe : () => undefined)(`tasks over ${FILES} names`, function () {
  this.timeout(600_000);
  let rig: MetadataRig;
  before(async () => {
    rig = await openMetadataRig('one gateway');
  });
  after(() => rig.close());

  it('restore, go back to a time, and purge, all of it and once, however often they are interrupted', async () => {
    const home = await rig.bucket();
    const { history, historyTasks: tasks } = rig.gateways[0]!;
    const job = createHistoryJob({ history, tasks });
    /** Each run ends after one window, as if its gateway had been told to stop. */
    const carryOut = async (work: TaskWork): Promise<{ counts: Record<string, number>; runs: number }> => {
      const { id } = await tasks.add(home.id, work);
      for (let runs = 1; ; runs++) {
        const stop = new AbortController();
        const context = { signal: stop.signal, state: null, argument: null, save: async () => undefined };
        await job.run({ ...context, progress: () => setImmediate(() => stop.abort()) }).catch((error: unknown) => {
          if (!stop.signal.aborted) throw error;
        });
        const task = (await tasks.list(home.id, 9)).find((one) => one.id === id);
        if (task?.state === 'done') return { counts: task.counts, runs };
        expect(task?.state).to.equal('running');
        expect(runs).to.be.below(20);
      }
    };
    const used = async () => (await rig.gateways[0]!.usage.room(home.id)).bucket.used.objects;
    const names = Array.from({ length: FILES }, (_, n) => `many/${n % 97}/${n}`);
    for (let at = 0; at < FILES; at += 500)
      await Promise.all(names.slice(at, at + 500).map((key) => rig.store.commit(putIntent(home, key))));
    rig.clock.advance(1_000);
    const then = rig.clock.now();
    rig.clock.advance(1_000);
    await rig.store.removeTree({ who: home.who, bucket: home.id, key: 'many/' });
    expect(await used()).to.equal(0);
    const deleted = { kind: 'deleted' as const, key: 'many/' };
    expect(await history.exceeds({ bucket: home.id, what: deleted }, 10_000)).to.equal(true);
    const intent = { who: home.who, bucket: home.id, conflict: 'skip' as const };
    const restored = await carryOut({ kind: 'restore', intent: { ...intent, what: deleted } });
    expect(restored.counts).to.include({ restored: FILES, replaced: 0 });
    expect(restored.runs).to.be.at.least(2);
    expect(await used()).to.equal(FILES);

    rig.clock.advance(1_000);
    await Promise.all(names.slice(0, 300).map((key) => rig.store.commit(putIntent(home, key, { size: 9 }))));
    await Promise.all(names.slice(0, 200).map((_, n) => rig.store.commit(putIntent(home, `many/new/${n}`))));
    const what = { kind: 'asOf' as const, prefix: 'many/', at: then, added: 'remove' as const };
    const back = await carryOut({ kind: 'restore', intent: { ...intent, conflict: 'replace', what } });
    expect(back.counts).to.include({ replaced: 300, removed: 200, unchanged: FILES - 300 });
    expect(await used()).to.equal(FILES);

    await rig.store.removeTree({ who: home.who, bucket: home.id, key: 'many/' });
    const purged = await carryOut({ kind: 'purge', intent: { bucket: home.id, what: deleted } });
    expect(purged.counts.versions).to.be.at.least(FILES);
    expect((await history.trash({ bucket: home.id, prefix: '', recursive: true, after: '', limit: 1 })).entries).to.deep.equal(
      [],
    );
    const { kept, counted } = await accountsOf(rig.database, home);
    expect(kept).to.deep.equal(counted);
    expect(kept).to.include({ objects: 0, historyVersions: 0 });
  });
});
