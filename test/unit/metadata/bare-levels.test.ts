import { expect } from 'chai';
import type { ListQuery } from '#contracts/metadata-store';
import { createBareLevels } from '#metadata/bare-levels';
import type { Database } from '#metadata/database';
import { listBrief } from '#metadata/listing';
import type { Metadata } from '#metadata/open';
import { type BriefEntry, entryOf } from '../../support/brief-rows.ts';
import type { Operation } from '../../support/metadata-model.ts';
import { type MetadataRig, openMetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { type Home, run } from '../../support/metadata-walk.ts';
import { type Dice, diceOf, SEED } from '../../support/random.ts';

const LONG = process.env.CLOUDSTORE_TEST_LONG === '1';
const ROUNDS = LONG ? 5000 : 60;

describe('where no file lies directly in a folder', () => {
  const base: ListQuery = { bucket: 1, prefix: 'l/', delimiter: '/', after: '', limit: 10 };

  /** Pages of these names as rows of the database; tells which statement each was asked by. */
  function asked(): {
    page(names: string[], query?: Partial<ListQuery>): Promise<string>;
    levels: ReturnType<typeof createBareLevels>;
  } {
    const levels = createBareLevels();
    return {
      levels,
      async page(names, query = {}) {
        let used = '';
        const readRows: Database['readRows'] = (statement, _values, begin) => {
          used = statement.name;
          const tell = begin();
          for (const name of names) tell(rowOf(name), 0);
          return Promise.resolve();
        };
        const database: Partial<Database> = { readRows, read: async () => [[1]] as never };
        await listBrief(database as Database, { ...base, ...query }, () => () => undefined, levels);
        return used;
      },
    };
  }

  it('only its folders are read, until a file comes', async () => {
    const { page, levels } = asked();
    expect(await page(['l/a/', 'l/b/'])).to.equal('brief-level');
    expect(await page(['l/a/', 'l/b/'])).to.equal('brief-bare');
    expect(await page(['l/b/'], { after: 'l/a/' }), 'a part of it').to.equal('brief-bare');
    expect(await page(['l/b/'], { prefix: 'l/b' }), 'names that begin alike').to.equal('brief-bare');
    expect(await page(['l/a/'], { bucket: 2 }), 'another bucket').to.equal('brief-level');
    expect(await page(['l/a/b/'], { prefix: 'l/a/' }), 'another folder').to.equal('brief-level');
    levels.came({ bucket: 1, key: 'l/a/file' });
    levels.came({ bucket: 1, key: 'l' });
    expect(await page(['l/a/', 'l/b/'])).to.equal('brief-bare');
    levels.came({ bucket: 1, key: 'l/file' });
    expect(await page(['l/a/', 'l/b/', 'l/file'])).to.equal('brief-level');
    expect(await page(['l/a/', 'l/b/'])).to.equal('brief-level');
    levels.came({ bucket: 1, key: 'l/' });
    expect(await page(['l/a/', 'l/b/']), 'its own marker').to.equal('brief-level');
    levels.forget(1);
    expect(await page(['l/a/', 'l/b/'])).to.equal('brief-level');
  });

  it('as far as the pages went', async () => {
    const { page } = asked();
    const two = { limit: 2 };
    expect(await page(['l/c/', 'l/d/', 'l/e/'], { ...two, after: 'l/b/' })).to.equal('brief-level');
    expect(await page(['l/c/', 'l/d/', 'l/e/'], { ...two, after: 'l/b/' }), 'a page that may go beyond it').to.equal(
      'brief-level',
    );
    expect(await page(['l/e/', 'l/f/'], { ...two, after: 'l/d/' })).to.equal('brief-level');
    expect(await page(['l/c/', 'l/d/', 'l/e/'], { ...two, after: 'l/b/' }), 'both together go to the end').to.equal('brief-bare');
    expect(await page(['l/a/', 'l/b/', 'l/c/'], two), 'what is before it').to.equal('brief-level');
    expect(await page(['l/a/', 'l/b/', 'l/c/'], two)).to.equal('brief-bare');
    expect(await page(['l/x/', 'l/y/'], { prefix: 'l/x' })).to.equal('brief-bare');
  });

  it('and not where a page showed one, or nothing, or was overtaken by one', async () => {
    const { page, levels } = asked();
    for (const names of [['l/a/', 'l/file'], []]) {
      expect(await page(names)).to.equal('brief-level');
      expect(await page(names)).to.equal('brief-level');
    }
    const reading = levels.reading(base);
    levels.came({ bucket: 1, key: 'l/late' });
    reading.shown({ prefix: true } as never);
    reading.read(null);
    reading.end();
    expect(levels.covers(base)).to.equal(false);
  });
});

describe(`pages of folders that are remembered to hold no files are those of the database (seed ${SEED})`, function () {
  this.timeout(LONG ? 3_600_000 : 60_000);
  let rig: MetadataRig;
  let alone: Metadata;
  let asking: Metadata;
  before(async () => {
    rig = await openMetadataRig('one gateway');
    [alone] = rig.gateways as [Metadata];
    asking = await rig.open();
  });
  after(() => rig.close());

  const FOLDERS = ['a/', 'b/', 'b/c/', 'd/', 'd/é/', '😀/'];

  /** Files in folders of their own, and few beside those, which soon go again: most levels hold none. */
  function roll(dice: Dice): Operation {
    const folder = dice.pick(FOLDERS);
    const kind = dice.below(12);
    const beside = dice.chance(kind < 6 ? 0.08 : 0.6);
    const file = beside ? dice.pick(['x', 'd/y', 'b/']) : `${folder}deep/${dice.below(3)}`;
    const flags = { requireParent: false, keepParent: dice.chance(0.5), overwrite: true, depth0: false };
    if (kind < 6)
      return { kind: 'put', key: file, etag: String(dice.below(2 ** 32)), size: 1, ...flags, ifMatch: null, ifNoneMatch: false };
    if (kind < 10) return { kind: 'remove', key: file, mustExist: false, keepParent: flags.keepParent };
    if (kind < 11) return { kind: dice.pick(['move', 'copy']), from: folder, to: dice.pick(FOLDERS), ...flags };
    return {
      kind: dice.pick(['move', 'copy']),
      from: `${folder}deep/0`,
      to: dice.pick(['x', 'd/y', `${folder}deep/1`]),
      ...flags,
    };
  }

  function rollQuery(dice: Dice, home: Home): ListQuery {
    const prefix = dice.pick(['', '', ...FOLDERS, 'b', 'd/']);
    const after = dice.chance(0.6) ? '' : dice.pick([...FOLDERS, 'a', 'b/c/deep/1', 'x']);
    return { bucket: home.id, prefix, delimiter: '/', after, limit: dice.pick([1, 2, 3, 1000]) };
  }

  async function shown(store: Metadata['store'], query: ListQuery): Promise<unknown> {
    const rows: BriefEntry[] = [];
    const page = await store.listBrief(query, () => (row) => rows.push(entryOf(row)));
    return { rows, next: page?.next };
  }

  it('whatever is done meanwhile', async () => {
    const dice = diceOf(`${SEED} bare levels`);
    const home = await rig.bucket();
    for (let round = 0; round < ROUNDS; round++) {
      rig.clock.advance(1);
      const operations = Array.from({ length: 1 + dice.below(4) }, () => roll(dice));
      await Promise.all([
        ...operations.map((operation) => run(alone.store, home, operation)),
        ...Array.from({ length: 4 }, () => shown(alone.store, rollQuery(dice, home))),
      ]);
      for (let n = 0; n < 12; n++) {
        const query = rollQuery(dice, home);
        const what = `${JSON.stringify(query)} after round ${round}: ${JSON.stringify(operations)}`;
        expect(await shown(alone.store, query), what).to.deep.equal(await shown(asking.store, query));
      }
    }
  });

  it('and after what was removed has come back', async () => {
    const home = await rig.bucket({ versioning: 'enabled' });
    const query = { bucket: home.id, prefix: '', delimiter: '/', after: '', limit: 1000 };
    const { info } = await alone.store.commit(putIntent(home, 'file'));
    await alone.store.commit(putIntent(home, 'folder/a'));
    const at = { who: home.who, bucket: home.id, key: 'file' };
    const marker = 'f'.repeat(32);
    await alone.store.commit({ kind: 'remove', ...at, versionId: marker });
    for (let n = 0; n < 2; n++)
      expect(await shown(alone.store, query)).to.deep.equal({ rows: [{ prefix: 'folder/' }], next: null });
    await alone.store.commit({ kind: 'remove', ...at, versionId: 'e'.repeat(32), version: marker });
    expect((await alone.store.current(at))?.versionId).to.equal(info.versionId);
    expect(await shown(alone.store, query)).to.deep.equal(await shown(asking.store, query));
  });
});

/** A row as it comes: a folder has a name and no size. */
function rowOf(name: string): Buffer {
  const folder = name.endsWith('/');
  const columns = [
    Buffer.from(name),
    ...(folder ? [null] : [Buffer.alloc(8), Buffer.from('e'), Buffer.alloc(8), null, null, null]),
  ];
  const head = Buffer.alloc(2);
  return Buffer.concat([
    head,
    ...columns.flatMap((column) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(column?.length ?? -1);
      return column === null ? [length] : [length, column];
    }),
  ]);
}
