import { expect } from 'chai';
import type { ListPage } from '#contracts/metadata-store';
import { compareKeys } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';
import { listOf } from '../../support/metadata-model.ts';
import { address as at, type MetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { diceOf, SEED } from '../../support/random.ts';
import { codeOf } from '../../support/rooms.ts';

/** Pages in UTF-8 byte order, with prefixes rolled up. */
export function describeListing(rigOf: () => MetadataRig): void {
  describe(`listing (seed ${SEED})`, () => {
    let rig: MetadataRig;
    let home: Bucket & { who: Who };
    let keys: string[];
    before(async () => {
      rig = rigOf();
      home = await rig.bucket();
      const dice = diceOf(SEED);
      const segments = ['a', 'b', 'B', 'ab', 'ä', 'é', '\ue000', '😀', '\uffff', '0', '-', ' ', '%', "'", '_', 'a-b', '10', '9'];
      const found = new Set(['a', 'a/', 'a//', 'a//b', '/', '/a', 'z/', '\u{10ffff}/x', '\u{10ffff}']);
      for (let n = 0; n < 400; n++) {
        const parts = Array.from({ length: dice.below(4) + 1 }, () => dice.pick(segments));
        found.add(parts.join('/') + (dice.chance(0.1) ? '/' : ''));
      }
      for (let n = 0; n < 30; n++) found.add(`a/run/${n}`);
      const all = [...found];
      await Promise.all(all.map((key) => rig.store.commit(putIntent(home, key))));
      // One is named below, and stays.
      const gone = all.filter((key) => dice.chance(0.15) && key !== 'a/run/1');
      const removal = { kind: 'remove' as const, who: home.who, bucket: home.id };
      await Promise.all(gone.map((key, n) => rig.store.commit({ ...removal, key, versionId: n.toString(16).padStart(32, '0') })));
      keys = all.filter((key) => !gone.includes(key)).sort(compareKeys);
    });

    const list = (query: object) =>
      rig.store.list({ bucket: home.id, prefix: '', delimiter: '', after: '', limit: 1000, ...query });
    const shown = ({ entries }: ListPage) =>
      entries.map((entry) => (entry.kind === 'object' ? entry.info.key : `${entry.prefix}…`));

    it('gives every key once, in byte order, whole', async () => {
      const page = await list({});
      expect(shown(page)).to.deep.equal(keys);
      expect(page.next).to.equal(null);
      const [entry] = page.entries;
      const info = await rig.store.current(at(home, keys[0]!));
      expect(entry).to.deep.equal({ kind: 'object', info: { ...info, content: null } });
    });

    it('agrees with the model for any prefix, delimiter, place and page', async () => {
      const dice = diceOf(`${SEED} queries`);
      const prefixes = ['', 'a', 'a/', 'a//', 'ä', 'a/b', '\ue000', '😀/', 'none', '\u{10ffff}', '/', "'", 'b/%', 'a/run/1'];
      const delimiters = ['', '/', '/', '/', 'b', 'ab', '\ue000', '😀', '\u{10ffff}', '-', 'none'];
      for (let n = 0; n < 120; n++) {
        const query = {
          prefix: dice.pick(prefixes),
          delimiter: dice.pick(delimiters),
          after: dice.chance(0.4) ? '' : dice.pick([...keys, ...prefixes, 'a/run/', 'a/zzz', 'm']),
          limit: dice.pick([1, 2, 7, 1000]),
        };
        const expected = listOf(keys, query);
        const page = await list(query);
        expect([shown(page), page.next], JSON.stringify(query)).to.deep.equal([expected.shown, expected.next]);
      }
    });

    it('goes through all pages without a gap or a repetition', async () => {
      for (const [delimiter, limit] of [
        ['', 37],
        ['/', 1],
        ['/', 5],
        ['b', 3],
      ] as const) {
        const seen: string[] = [];
        for (let after: string | null = ''; after !== null; ) {
          const page: ListPage = await list({ delimiter, after, limit });
          expect(page.entries.length).to.be.at.most(limit);
          seen.push(...shown(page));
          after = page.next;
        }
        expect(seen, `by ${limit} with ${delimiter}`).to.deep.equal(
          listOf(keys, { prefix: '', delimiter, after: '', limit: 1e6 }).shown,
        );
      }
    });

    it('gives the directories of prefixes, and the properties of objects, when asked', async () => {
      await rig.store.commit({
        kind: 'annotate',
        who: home.who,
        bucket: home.id,
        key: 'a/run/1',
        properties: { 'urn:x p': '1' },
      });
      const page = await list({ prefix: 'a/', delimiter: '/', directories: true });
      for (const entry of page.entries) {
        if (entry.kind === 'object') continue;
        expect(entry.directory).to.deep.equal(await rig.store.directory(at(home, entry.prefix)));
      }
      const inside = await list({ prefix: 'a/run/1', delimiter: '/', directories: true, limit: 1 });
      expect(inside.entries[0]).to.have.nested.property('info.properties').that.deep.equals({ 'urn:x p': '1' });
    });

    it('gives names that hold what parts a page, and entries of any length, as they are', async () => {
      const odd = await rig.bucket();
      const names = [
        '\u001e',
        '\u001f',
        'a\u001eb',
        'a\u001fb',
        '\u001fc/x',
        'd\u001e\u001f/x',
        `f${'\u001f'.repeat(8)}/x`,
        'plain',
        'z/x',
      ];
      const expected = [...names.map((name) => (name.includes('/') ? `${name.split('/')[0]}/…` : name))].sort(compareKeys);
      for (const name of names) {
        const alone = await rig.bucket();
        for (const key of [name, 'beside', 'in/x']) await rig.store.commit(putIntent(alone, key));
        const page = await rig.store.list({
          bucket: alone.id,
          prefix: '',
          delimiter: '/',
          after: '',
          limit: 10,
          directories: true,
        });
        expect(shown(page), JSON.stringify(name)).to.have.members(['beside', 'in/…', name.replace(/\/.*/, '/…')]);
        for (const entry of page.entries) {
          if (entry.kind === 'prefix') expect(entry.directory).to.deep.equal(await rig.store.directory(at(alone, entry.prefix)));
          else expect(entry.info).to.deep.equal({ ...(await rig.store.current(at(alone, entry.info.key))), content: null });
        }
      }
      for (const key of names) await rig.store.commit(putIntent(odd, key));
      const long = { 'urn:x long': 'ä'.repeat(70_000) };
      await rig.store.commit({ kind: 'annotate', who: odd.who, bucket: odd.id, key: 'plain', properties: long });
      const page = await rig.store.list({ bucket: odd.id, prefix: '', delimiter: '/', after: '', limit: 1000 });
      expect(shown(page)).to.deep.equal(expected);
      const plain = page.entries.find((entry) => entry.kind === 'object' && entry.info.key === 'plain');
      expect(plain).to.have.nested.property('info.properties').that.deep.equals(long);
    });

    it('refuses pages of nothing and buckets that are not there', async () => {
      expect(await codeOf(list({ limit: 0 }))).to.equal('invalid_argument');
      expect(await codeOf(list({ limit: 1.5 }))).to.equal('invalid_argument');
      expect(await codeOf(list({ bucket: 999_999 }))).to.equal('bucket_not_found');
      expect(await codeOf(list({ bucket: 999_999, delimiter: '/' }))).to.equal('bucket_not_found');
      expect(await list({ bucket: (await rig.bucket()).id, delimiter: '/' })).to.deep.equal({ entries: [], next: null });
    });
  });
}
