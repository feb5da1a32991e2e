import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';
import { address as at, type MetadataRig, putIntent } from '../../support/metadata-rig.ts';

/** Where flat keys meet the tree: a directory for every prefix with live keys, and its revision. */
export function describeDirectories(rigOf: () => MetadataRig): void {
  describe('directories', () => {
    let rig: MetadataRig;
    let home: Bucket & { who: Who };
    beforeEach(async () => {
      rig = rigOf();
      home = await rig.bucket();
    });
    const put = (key: string, more = {}) => rig.store.commit(putIntent(home, key, more));
    const removal = (key: string, more = {}) => ({
      kind: 'remove' as const,
      who: home.who,
      bucket: home.id,
      key,
      versionId: randomBytes(16).toString('hex'),
      ...more,
    });
    const remove = (key: string, more = {}) => rig.store.commit(removal(key, more));
    const directory = (key: string) => rig.store.directory(at(home, key));

    it('exist where keys are below, and go with the last; the root stays', async () => {
      expect(await directory('')).to.include({ kind: 'directory', key: '' });
      expect(await directory('a/')).to.equal(null);
      await put('a/b/c');
      await put('a/d');
      expect(await directory('a/b/')).to.include({ key: 'a/b/', explicit: false, properties: null });
      expect(await rig.store.entry(at(home, 'a/b'))).to.include({ kind: 'directory', key: 'a/b/' });
      expect(await rig.store.entry(at(home, 'a/d'))).to.include({ kind: 'object', key: 'a/d' });
      expect(await rig.store.entry(at(home, ''))).to.include({ kind: 'directory', key: '' });
      expect(await rig.store.entry(at(home, 'nothing'))).to.equal(null);
      await remove('a/b/c');
      expect([await directory('a/b/'), (await directory('a/'))?.key]).to.deep.equal([null, 'a/']);
      await remove('a/d');
      expect([await directory('a/'), (await directory(''))?.key]).to.deep.equal([null, '']);
    });

    it('are explicit while their marker is there', async () => {
      await put('a/');
      expect(await directory('a/')).to.include({ explicit: true });
      await put('a/b');
      await remove('a/b');
      expect(await directory('a/')).to.include({ explicit: true });
      await put('a/b');
      await remove('a/');
      expect(await directory('a/')).to.include({ explicit: false });
      await remove('a/b');
      expect(await directory('a/')).to.equal(null);
    });

    it('move their etag and time with every change at or below, and with nothing else', async () => {
      await put('a/b/c');
      await put('other/x');
      const tags = async () => Promise.all(['', 'a/', 'a/b/', 'other/'].map(async (key) => (await directory(key))?.etag));
      const changes = [
        () => put('a/b/c'),
        () => put('a/b/new'),
        () => remove('a/b/new'),
        () => rig.store.commit({ kind: 'annotate', who: home.who, bucket: home.id, key: 'a/b/c', mtime: 9 }),
        () => rig.store.commit({ kind: 'annotate', who: home.who, bucket: home.id, key: 'a/b/', properties: { 'urn:x p': '1' } }),
      ];
      for (const [index, change] of changes.entries()) {
        const before = await tags();
        rig.clock.advance(1000);
        await change();
        const after = await tags();
        expect(
          after.map((tag, n) => tag !== before[n]),
          `change ${index}`,
        ).to.deep.equal([true, true, true, false]);
        expect((await directory('a/'))?.modified).to.equal(rig.clock.now());
      }
      const before = await tags();
      await remove('a/b/never there');
      expect(await tags()).to.deep.equal(before);
    });

    it('keep their id, birth and properties while they live', async () => {
      await put('a/b');
      const first = await directory('a/');
      rig.clock.advance(1000);
      await rig.store.commit({ kind: 'annotate', who: home.who, bucket: home.id, key: 'a/', properties: { 'urn:x p': '1' } });
      await put('a/c');
      expect(await directory('a/')).to.deep.include({
        directoryId: first?.directoryId,
        created: first?.created,
        properties: { 'urn:x p': '1' },
      });
      const root = await rig.store.commit({
        kind: 'annotate',
        who: home.who,
        bucket: home.id,
        key: '',
        properties: { 'urn:x r': '2' },
      });
      expect(root).to.deep.include({ key: '', properties: { 'urn:x r': '2' } });
      await Promise.all([remove('a/b'), remove('a/c')]);
      await put('a/b');
      expect((await directory('a/'))?.properties).to.equal(null);
    });

    it('stay as explicit folders with keepParent, when the last entry went', async () => {
      await put('a/b');
      await put('a/c');
      await remove('a/b', { keepParent: true });
      expect(await directory('a/')).to.include({ explicit: false });
      await remove('a/c', { keepParent: true });
      expect(await directory('a/')).to.include({ explicit: true });
      expect(await rig.store.current(at(home, 'a/'))).to.include({ size: 0 });
      await put('top');
      await remove('top', { keepParent: true });
      expect(await rig.store.current(at(home, ''))).to.equal(null);
    });

    it('stay as they are with keepParent, when others of the same moment are still in it', async () => {
      await put('a/b');
      await put('a/c');
      const { store } = rig.gateways[0]!;
      await Promise.all([store.commit(putIntent(home, 'a/c')), store.commit(removal('a/b', { keepParent: true }))]);
      expect(await directory('a/')).to.include({ explicit: false });
      await put('a/b');
      await Promise.all([store.commit(removal('a/b', { keepParent: true })), store.commit(removal('a/c'))]);
      expect(await directory('a/')).to.equal(null);
      await Promise.all(['a/b', 'a/c'].map((key) => put(key)));
      await Promise.all(['a/b', 'a/c'].map((key) => store.commit(removal(key, { keepParent: true }))));
      expect(await directory('a/')).to.include({ explicit: true });
    });

    it('come and go within one moment, in order', async () => {
      const { store } = rig.gateways[0]!;
      await store.commit(putIntent(home, 'a/b'));
      const strict = { requireParent: true };
      const outcomes = await Promise.allSettled([
        store.commit(removal('a/b')),
        store.commit(putIntent(home, 'a/c', strict)),
        store.commit(putIntent(home, 'n/')),
        store.commit(putIntent(home, 'n/x', strict)),
        store.commit(putIntent(home, 'n/x/y', strict)),
      ]);
      expect(outcomes.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'rejected']);
      expect([await directory('a/'), (await directory('n/'))?.explicit]).to.deep.equal([null, true]);
    });
  });
}
