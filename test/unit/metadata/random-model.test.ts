import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { MetadataStore } from '#contracts/metadata-store';
import { ancestorsOf, compareKeys } from '#core/address';
import type { Bucket, Versioning } from '#core/bucket';
import type { Who } from '#core/principal';
import { accountsOf } from '../../support/metadata-accounts.ts';
import { type Answer, listOf, Model, type Operation } from '../../support/metadata-model.ts';
import { address, type MetadataRig, openMetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { type Dice, diceOf, SEED } from '../../support/random.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const STEPS = LONG ? 5000 : 60;
const ROUNDS = LONG ? 500 : 6;

/** A small world, so that keys meet: files beside folders of their name, markers, names that sort apart in UTF-16 and UTF-8. */
const KEYS = [
  'a',
  'a/',
  'a/b',
  'a/b/',
  'a/b/c',
  'a/d',
  'b',
  'b/',
  'b/x',
  'b/y/z',
  'a-',
  'a0',
  '\ue000/x',
  '😀',
  '😀/x',
  'a/😀',
  'p/q/r/s',
];
const FOLDERS = [...new Set(KEYS.flatMap(ancestorsOf)), 'new/', 'b/new/', 'b/new/deep/'].filter((key) => key !== '');
const NAMES = KEYS.filter((key) => !key.endsWith('/'));

type Home = Bucket & { who: Who };
/** ETags of what was put, and where. */
const written = new Map<string, number>();

/** The same operations on the store and on a plain map: the same answers, the same state. CLOUDSTORE_TEST_LONG=1 goes on for long. */
describe(`metadata store against a model (seed ${SEED})`, function () {
  this.timeout(LONG ? 3_600_000 : 60_000);
  let rig: MetadataRig;
  before(async () => {
    rig = await openMetadataRig('two gateways');
  });
  after(() => rig.close());

  function roll(dice: Dice, model: Model): Operation {
    const key = dice.pick(KEYS);
    const flags = { requireParent: dice.chance(0.3), keepParent: dice.chance(0.4) };
    const kind = dice.below(20);
    if (kind < 8) {
      const ifMatch = dice.chance(0.15) ? (model.objects.get(dice.pick(KEYS))?.etag ?? 'none') : null;
      const put = { key, etag: randomBytes(16).toString('hex'), size: dice.below(100), ifMatch, ifNoneMatch: dice.chance(0.1) };
      return { kind: 'put', ...put, requireParent: flags.requireParent };
    }
    if (kind < 11) return { kind: 'remove', key, mustExist: dice.chance(0.3), keepParent: flags.keepParent };
    if (kind < 12) return { kind: 'annotate', key: dice.pick(NAMES), value: dice.chance(0.3) ? null : String(dice.below(9)) };
    if (kind < 13) return { kind: 'removeTree', key: dice.pick(['', ...FOLDERS, ...FOLDERS]), keepParent: flags.keepParent };
    const among = dice.chance(0.6) ? FOLDERS : NAMES;
    const places = { from: dice.pick(among), to: dice.chance(0.02) ? '' : dice.pick(among) };
    return { kind: dice.pick(['move', 'copy']), ...places, ...flags, overwrite: dice.chance(0.5), depth0: dice.chance(0.2) };
  }

  async function run(store: MetadataStore, home: Home, operation: Operation, requestId = 'r'): Promise<Answer> {
    const who = { ...home.who, requestId };
    const versionId = randomBytes(16).toString('hex');
    try {
      switch (operation.kind) {
        case 'put': {
          const { key, etag, size, requireParent, ifMatch, ifNoneMatch } = operation;
          const conditions = {
            ...(ifMatch === null ? {} : { ifMatch: [ifMatch] }),
            ...(ifNoneMatch ? { ifNoneMatch: '*' as const } : {}),
          };
          const { created } = await store.commit(putIntent({ ...home, who }, key, { etag, size, requireParent, conditions }));
          written.set(etag, home.id);
          return { created };
        }
        case 'remove':
          return { existed: (await store.commit({ ...operation, who, bucket: home.id, versionId })).existed };
        case 'annotate': {
          const properties = { 'urn:x p': operation.value };
          await store.commit({ kind: 'annotate', who, bucket: home.id, key: operation.key, properties });
          return {};
        }
        case 'removeTree':
          return { count: (await store.removeTree({ ...operation, who, bucket: home.id })).removed };
        default: {
          const { kind, from, to, overwrite, requireParent, keepParent, depth0 } = operation;
          const intent = { who, from: address(home, from), to: address(home, to), overwrite, requireParent };
          const verdict = await (kind === 'move'
            ? store.move({ ...intent, keepParent })
            : store.copy({ ...intent, depth0, properties: true }));
          return { created: verdict.created, count: verdict.count };
        }
      }
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  }

  /** Every content that any put brought is current, or restorable. */
  async function lostOf(home: Home): Promise<string[]> {
    const rows = await rig.database.sql('SELECT v.etag FROM versions v JOIN slots s ON s.id = v.slot_id WHERE s.bucket_id = $1', [
      home.id,
    ]);
    const there = new Set(rows.flat());
    return [...written].filter(([etag, bucket]) => bucket === home.id && !there.has(etag)).map(([etag]) => etag);
  }

  async function expectSame(home: Home, model: Model, what: string): Promise<void> {
    const page = await rig.store.list({ bucket: home.id, prefix: '', delimiter: '', after: '', limit: 1000 });
    const stored = page.entries.flatMap((entry) => (entry.kind === 'object' ? [entry.info] : []));
    const wanted = model.keys().map((key) => ({ key, ...model.objects.get(key)! }));
    expect(
      stored.map(({ key, etag, size, properties }) => ({ key, etag, size, properties })),
      what,
    ).to.deep.equal(wanted);
    const usage = { objects: wanted.length, bytes: wanted.reduce((sum, { size }) => sum + size, 0) };
    expect(await rig.gateways[0]!.buckets.usage(home.id), what).to.deep.equal(usage);
    const { kept, counted } = await accountsOf(rig.database, home);
    expect(kept, what).to.deep.equal(counted);
    const folders = [...new Set([...FOLDERS, ...model.keys().flatMap(ancestorsOf)])]
      .filter((key) => key !== '')
      .sort(compareKeys);
    const found = await Promise.all(folders.map((key) => rig.store.directory(address(home, key))));
    expect(
      found.map((directory, n) => (directory === null ? null : [folders[n], directory.explicit])),
      what,
    ).to.deep.equal(folders.map((key) => (model.directory(key) ? [key, model.objects.has(key)] : null)));
    const shown = await rig.store.list({ bucket: home.id, prefix: 'a', delimiter: '/', after: '', limit: 3 });
    const names = shown.entries.map((entry) => (entry.kind === 'object' ? entry.info.key : `${entry.prefix}…`));
    expect(names, what).to.deep.equal(listOf(model.keys(), { prefix: 'a', delimiter: '/', after: '', limit: 3 }).shown);
  }

  for (const versioning of ['off', 'enabled', 'suspended'] as const satisfies Versioning[]) {
    it(`one after the other, through two gateways in turn, versioning ${versioning}`, async () => {
      const dice = diceOf(`${SEED} ${versioning}`);
      const home = await rig.bucket({ versioning });
      const model = new Model();
      for (let step = 0; step < STEPS; step++) {
        rig.clock.advance(1);
        const operation = roll(dice, model);
        const what = `step ${step}: ${JSON.stringify(operation)}\n   on ${JSON.stringify(model.keys())}`;
        const expected = model.apply(operation);
        expect(await run(rig.store, home, operation), what).to.deep.equal(expected);
        if (LONG || step % 4 === 0) await expectSame(home, model, what);
      }
      expect(await lostOf(home)).to.deep.equal([]);
    });

    it(`at once, through two gateways: as in the journal’s order, versioning ${versioning}`, async () => {
      const dice = diceOf(`${SEED} at once ${versioning}`);
      const home = await rig.bucket({ versioning });
      const { journal } = rig.gateways[0]!;
      let model = new Model();
      for (let round = 0; round < ROUNDS; round++) {
        const operations = Array.from({ length: 14 }, () => roll(dice, model));
        const before = await journal.head(home.id);
        const answers = await Promise.all(operations.map((operation, n) => run(rig.store, home, operation, String(n))));
        const events = await journal.since(home.id, before, 1000);
        expect(events.map(({ cursor }) => cursor.seq)).to.deep.equal(events.map((_, n) => before.seq + 1 + n));
        const order = [...new Set(events.map(({ requestId }) => Number(requestId)))];
        const what = `round ${round}: ${JSON.stringify(order.map((n) => [operations[n], answers[n]]))}\n   on ${JSON.stringify(model.keys())}`;
        const after = new Model(model.objects);
        for (const n of order) {
          const expected = after.apply(operations[n]!);
          // The answer to an annotation is read behind it, and may find that another has removed the object meanwhile.
          if (operations[n]!.kind === 'annotate' && answers[n] === 'not_found') continue;
          expect(answers[n], `${n} of ${what}`).to.deep.equal(expected);
        }
        await expectSame(home, after, what);
        model = after;
      }
      expect(await lostOf(home)).to.deep.equal([]);
    });
  }
});
