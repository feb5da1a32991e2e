import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Bucket, Versioning } from '#core/bucket';
import type { Who } from '#core/principal';
import { address as at, type MetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { codeOf } from '../../support/rooms.ts';

/** What stays of what was: hidden history, S3's versions, the null version and delete markers. */
export function describeVersions(rigOf: () => MetadataRig): void {
  describe('versions', () => {
    let rig: MetadataRig;
    let home: Bucket & { who: Who };
    before(() => {
      rig = rigOf();
    });
    const fresh = async (versioning: Versioning) => {
      home = await rig.bucket({ versioning });
    };
    const become = (versioning: Versioning) => rig.gateways[0]!.buckets.update(home.id, { versioning });
    const put = async (key: string, more = {}) => (await rig.store.commit(putIntent(home, key, more))).info;
    const remove = (key: string, more = {}) =>
      rig.store.commit({
        kind: 'remove',
        who: home.who,
        bucket: home.id,
        key,
        versionId: randomBytes(16).toString('hex'),
        ...more,
      });
    const current = (key: string) => rig.store.current(at(home, key));
    const version = (key: string, id: string, options = {}) => rig.store.version(at(home, key), id, options);

    it('off: S3 sees the null version only, history is kept and hidden', async () => {
      await fresh('off');
      const one = await put('a', { size: 1 });
      const two = await put('a', { size: 2 });
      expect((await version('a', 'null'))?.versionId).to.equal(two.versionId);
      expect(await version('a', one.versionId)).to.equal(null);
      expect(await version('a', one.versionId, { hidden: true })).to.include({ visibility: 'hidden', isLatest: false, size: 1 });
      await remove('a');
      expect([await current('a'), await version('a', 'null')]).to.deep.equal([null, null]);
      expect(await version('a', two.versionId, { hidden: true })).to.include({ visibility: 'hidden', isLatest: false, size: 2 });
      expect([await version('a', 'nonsense'), await version('b', one.versionId, { hidden: true })]).to.deep.equal([null, null]);
    });

    it('enabled: every version stays under its id; a removal is a delete marker on top', async () => {
      await fresh('enabled');
      const [one, two] = [await put('a', { size: 1 }), await put('a', { size: 2 })];
      expect(two).to.include({ visibility: 'id', isLatest: true });
      expect(await version('a', one.versionId)).to.include({ visibility: 'id', isLatest: false, size: 1 });
      const removed = await remove('a');
      expect(removed).to.include({ existed: true, deleteMarker: true });
      expect(await current('a')).to.equal(null);
      expect(await version('a', removed.versionId!)).to.deep.include({
        deleteMarker: true,
        isLatest: true,
        size: 0,
        content: null,
        key: 'a',
      });
      expect(await version('a', two.versionId)).to.include({ isLatest: false, size: 2 });
      const again = await remove('a');
      expect(again).to.include({ existed: false, deleteMarker: true });
      expect(again.versionId).to.not.equal(removed.versionId);
      const three = await put('a', { size: 3 });
      expect(await current('a')).to.include({ versionId: three.versionId, size: 3 });
    });

    it('a removal by version is for good, and brings back what was below the current one', async () => {
      await fresh('enabled');
      const [one, two, three] = [await put('a', { size: 1 }), await put('a', { size: 2 }), await put('a', { size: 3 })];
      expect(await remove('a', { version: two.versionId })).to.deep.equal({
        existed: true,
        deleteMarker: false,
        versionId: two.versionId,
      });
      expect(await version('a', two.versionId, { hidden: true })).to.equal(null);
      expect(await current('a')).to.include({ versionId: three.versionId });
      await remove('a', { version: three.versionId });
      expect(await current('a')).to.include({ versionId: one.versionId, size: 1, isLatest: true });
      const marker = (await remove('a')).versionId!;
      expect(await remove('a', { version: marker })).to.deep.equal({ existed: true, deleteMarker: true, versionId: marker });
      expect(await current('a')).to.include({ versionId: one.versionId });
      await remove('a', { version: one.versionId });
      expect([await current('a'), await version('a', one.versionId, { hidden: true })]).to.deep.equal([null, null]);
      expect(await remove('a', { version: one.versionId })).to.include({ existed: false, deleteMarker: false });
      expect(await codeOf(remove('a', { version: one.versionId, mustExist: true }))).to.equal('version_not_found');
      expect((await rig.gateways[0]!.buckets.usage(home.id)).objects).to.equal(0);
    });

    it('suspended: the null version is replaced, versions with ids stay', async () => {
      await fresh('off');
      const before = await put('a', { size: 1 });
      await become('enabled');
      const kept = await put('a', { size: 2 });
      expect(await version('a', 'null')).to.include({ versionId: before.versionId, visibility: 'null', isLatest: false });
      await become('suspended');
      const over = await put('a', { size: 3 });
      expect(over).to.include({ visibility: 'null' });
      expect(await version('a', 'null')).to.include({ versionId: over.versionId, isLatest: true });
      expect(await version('a', before.versionId)).to.equal(null);
      expect(await version('a', kept.versionId)).to.include({ size: 2, isLatest: false });
      expect(await remove('a')).to.deep.equal({ existed: true, deleteMarker: true, versionId: 'null' });
      expect(await version('a', 'null')).to.include({ deleteMarker: true, isLatest: true });
      expect(await remove('a', { version: 'null' })).to.deep.equal({ existed: true, deleteMarker: true, versionId: 'null' });
      expect(await current('a')).to.include({ versionId: kept.versionId, size: 2 });
    });

    it('the null version can be removed by name where there never were versions', async () => {
      await fresh('off');
      await put('a');
      expect(await remove('a', { version: 'null' })).to.deep.equal({ existed: true, deleteMarker: false, versionId: 'null' });
      expect(await current('a')).to.equal(null);
      const hidden = await put('b');
      await put('b');
      expect(await remove('b', { version: hidden.versionId })).to.include({ existed: false });
    });

    it('keeps usage by what is live', async () => {
      await fresh('enabled');
      const usage = () => rig.gateways[0]!.buckets.usage(home.id);
      const one = await put('a', { size: 10 });
      await put('a', { size: 30 });
      await put('b', { size: 5 });
      expect(await usage()).to.deep.equal({ objects: 2, bytes: 35 });
      const marker = (await remove('a')).versionId!;
      expect(await usage()).to.deep.equal({ objects: 1, bytes: 5 });
      await remove('a', { version: marker });
      expect(await usage()).to.deep.equal({ objects: 2, bytes: 35 });
      await remove('a', { version: one.versionId });
      expect(await usage()).to.deep.equal({ objects: 2, bytes: 35 });
    });

    it('tells the journal what the key holds after a version was removed for good', async () => {
      await fresh('enabled');
      const [one, two] = [await put('a'), await put('a')];
      const { journal } = rig.gateways[0]!;
      const last = async () =>
        (await journal.since(home.id, { epoch: 1, seq: (await journal.head(home.id)).seq - 1 }, 10)).at(-1);
      await remove('a', { version: two.versionId });
      expect(await last()).to.include({ kind: 'put', key: 'a', versionId: one.versionId });
      const three = await put('a');
      await remove('a', { version: one.versionId });
      expect(await last()).to.include({ kind: 'put', key: 'a', versionId: three.versionId });
      await remove('a', { version: three.versionId });
      expect(await last()).to.include({ kind: 'remove', key: 'a', versionId: null });
    });
  });
}
