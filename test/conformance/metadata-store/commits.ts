import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import type { Who } from '#core/principal';
import { address as at, type MetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { codeOf } from '../../support/rooms.ts';

/** Single commits: what they change, and what refuses them. */
export function describeCommits(rigOf: () => MetadataRig): void {
  describe('commit', () => {
    let rig: MetadataRig;
    let home: Bucket & { who: Who };
    before(async () => {
      rig = rigOf();
      home = await rig.bucket();
    });
    const put = (key: string, more = {}) => rig.store.commit(putIntent(home, key, more));
    const remove = (key: string, more = {}) =>
      rig.store.commit({
        kind: 'remove',
        who: home.who,
        bucket: home.id,
        key,
        versionId: randomBytes(16).toString('hex'),
        ...more,
      });
    const annotate = (key: string, more = {}) =>
      rig.store.commit({ kind: 'annotate', who: home.who, bucket: home.id, key, ...more });

    it('puts: everything that was given is what is current', async () => {
      const attributes = {
        contentType: 'text/plain',
        user: { colour: 'blue' },
        partSizes: [1, 2],
        extra: { 's3.storageClass': 'COLD' },
      };
      const intent = putIntent(home, 'whole', { size: 1234, mtime: 5, attributes, properties: { 'urn:x a': '<b/>' } });
      const verdict = await rig.store.commit(intent);
      const now = rig.clock.now();
      expect(verdict.created).to.equal(true);
      expect(verdict.info).to.deep.include({
        kind: 'object',
        bucket: home.id,
        key: 'whole',
        versionId: intent.versionId,
        visibility: 'null',
        deleteMarker: false,
        isLatest: true,
        size: 1234,
        etag: intent.etag,
        modified: now,
        mtime: 5,
        created: now,
        attributes,
        content: intent.content,
        properties: { 'urn:x a': '<b/>' },
      });
      expect(await rig.store.current(at(home, 'whole'))).to.deep.equal(verdict.info);
      expect(await rig.store.entry(at(home, 'whole'))).to.deep.equal(verdict.info);
      expect((await put('without time')).info.mtime).to.equal(now);
    });

    it('overwrites: the node, its birth and its dead properties stay, all else is new', async () => {
      const first = await put('over', { properties: { 'urn:x a': '1' } });
      rig.clock.advance(1000);
      const second = await put('over', { properties: { 'urn:x b': '2' } });
      expect(second.created).to.equal(false);
      expect(second.info).to.include({ nodeId: first.info.nodeId, created: first.info.created });
      expect(second.info.modified).to.equal(first.info.modified + 1000);
      expect(second.info.properties).to.deep.equal({ 'urn:x a': '1' });
      expect((await rig.store.current(at(home, 'over')))?.versionId).to.equal(second.info.versionId);
    });

    it('removes: nothing is current; a new file of the name is another node', async () => {
      const first = await put('gone');
      expect(await remove('gone')).to.deep.equal({ existed: true, deleteMarker: false, versionId: null });
      expect(await rig.store.current(at(home, 'gone'))).to.equal(null);
      expect(await remove('gone')).to.deep.equal({ existed: false, deleteMarker: false, versionId: null });
      expect(await codeOf(remove('gone', { mustExist: true }))).to.equal('not_found');
      const again = await put('gone');
      expect(again).to.include({ created: true });
      expect(again.info.nodeId).to.not.equal(first.info.nodeId);
      expect(again.info.properties).to.equal(null);
    });

    it('annotates: sets and removes properties and the time, and nothing else', async () => {
      const { info } = await put('noted', { mtime: 1 });
      rig.clock.advance(1000);
      const noted = await annotate('noted', { properties: { 'urn:x a': 'ä<', 'urn:x b': '2' }, mtime: 77 });
      expect(noted).to.deep.equal({ ...info, mtime: 77, properties: { 'urn:x a': 'ä<', 'urn:x b': '2' } });
      const less = await annotate('noted', { properties: { 'urn:x a': null, 'urn:x never': null } });
      expect(less).to.deep.equal({ ...info, mtime: 77, properties: { 'urn:x b': '2' } });
      expect((await rig.store.version(at(home, 'noted'), 'null'))?.mtime).to.equal(77);
      expect((await annotate('noted', { properties: { 'urn:x b': null } })).properties).to.equal(null);
      expect(await codeOf(annotate('not there', { mtime: 1 }))).to.equal('not_found');
      expect(await codeOf(annotate('not there/', { properties: {} }))).to.equal('not_found');
    });

    it('decides conditions against what is then current', async () => {
      const { info } = await put('if');
      const refused = async (more: object, key = 'if') => {
        expect(await codeOf(put(key, more)), `put ${JSON.stringify(more)}`).to.equal('precondition_failed');
        expect(await codeOf(remove(key, more)), `remove ${JSON.stringify(more)}`).to.equal('precondition_failed');
      };
      await refused({ conditions: { ifMatch: ['other'] } });
      await refused({ conditions: { ifNoneMatch: '*' } });
      await refused({ conditions: { ifNoneMatch: ['x', info.etag] } });
      await refused({ conditions: { ifUnmodifiedSince: info.modified - 1000 } });
      await refused({ conditions: { ifMatch: '*' } }, 'if absent');
      await refused({ conditions: { ifMatch: [info.etag] } }, 'if absent');
      expect(await codeOf(annotate('if', { mtime: 1, conditions: { ifMatch: ['other'] } }))).to.equal('precondition_failed');
      expect((await rig.store.current(at(home, 'if')))?.versionId).to.equal(info.versionId);
      await put('if', { conditions: { ifMatch: ['x', info.etag], ifUnmodifiedSince: 0 } });
      await remove('if', { conditions: { ifMatch: '*' } });
      expect((await put('if', { conditions: { ifNoneMatch: '*' } })).created).to.equal(true);
    });

    it('refuses what is locked, unless the right principal brings the token', async () => {
      const [{ locks }] = rig.gateways as [MetadataRig['gateways'][0]];
      const other = await rig.user();
      const lock = (key: string, infinite: boolean) =>
        locks.acquire({ at: at(home, key), principal: home.owner, exclusive: true, infinite, ownerXml: null, timeoutMs: 60_000 });
      await put('locked/file');
      const above = await lock('locked', true);
      const refused = [put('locked/file'), put('locked/new'), remove('locked/file'), annotate('locked/file', { mtime: 1 })];
      expect(await Promise.all(refused.map(codeOf))).to.deep.equal(refused.map(() => 'locked'));
      expect(await codeOf(put('locked/new', { who: other.who, lockTokens: [above.token] }))).to.equal('locked');
      await put('locked/new', { lockTokens: ['urn:uuid:other', above.token] });
      await put('locked beside');
      rig.clock.advance(60_001);
      await put('locked/new');
      const own = await lock('locked/file', false);
      expect(await codeOf(put('locked/file'))).to.equal('locked');
      await remove('locked/file', { lockTokens: [own.token] });
      expect(await locks.covering(home.id, ['locked/file'])).to.deep.equal([]);
    });

    it('guards a folder’s members with a lock on the folder, of any depth', async () => {
      const [{ locks }] = rig.gateways as [MetadataRig['gateways'][0]];
      await put('members/old');
      await locks.acquire({
        at: at(home, 'members/'),
        principal: home.owner,
        exclusive: true,
        infinite: false,
        ownerXml: null,
        timeoutMs: 1000,
      });
      expect(await codeOf(put('members/new'))).to.equal('locked');
      expect(await codeOf(remove('members/old'))).to.equal('locked');
      expect(await codeOf(put('members/old'))).to.equal('none');
      expect(await codeOf(put('members/below/new'))).to.equal('none');
      rig.clock.advance(1001);
    });

    it('holds the quota of the bucket’s owner, over all its buckets', async () => {
      const owner = await rig.user();
      const [one, two] = [await rig.bucket({ owner }), await rig.bucket({ owner })];
      const [{ principals }] = rig.gateways as [MetadataRig['gateways'][0]];
      await principals.update(owner.principal.id, { quotaBytes: 100 });
      await rig.store.commit(putIntent(one, 'a', { size: 60 }));
      expect(await codeOf(rig.store.commit(putIntent(two, 'b', { size: 41 })))).to.equal('quota_exceeded');
      await rig.store.commit(putIntent(two, 'b', { size: 40 }));
      expect(await codeOf(rig.store.commit(putIntent(one, 'a', { size: 61 })))).to.equal('quota_exceeded');
      await rig.store.commit(putIntent(one, 'a', { size: 50 }));
      await rig.store.commit(putIntent(one, 'empty', { size: 0 }));
      await principals.update(owner.principal.id, { quotaBytes: 10 });
      await rig.store.commit(putIntent(one, 'a', { size: 49 }));
      expect(await codeOf(rig.store.commit(putIntent(one, 'c', { size: 1 })))).to.equal('quota_exceeded');
      await principals.update(owner.principal.id, { quotaBytes: null });
      await rig.store.commit(putIntent(one, 'c', { size: 1000 }));
    });

    it('asks for parents, and gives one name one meaning, where the caller wants a tree', async () => {
      const strict = { requireParent: true };
      expect(await codeOf(put('tree/file', strict))).to.equal('parent_missing');
      await put('tree/', strict);
      await put('tree/file', strict);
      expect(await codeOf(put('tree/', strict))).to.equal('already_exists');
      expect(await codeOf(put('tree', strict))).to.equal('is_a_directory');
      expect(await codeOf(put('tree/file/', strict))).to.equal('already_exists');
      expect(await codeOf(put('tree/file/below', strict))).to.equal('parent_missing');
      await put('tree');
      await put('tree/file/below');
      await put('tree', strict);
    });

    it('knows no bucket but its own, and no content of another domain', async () => {
      expect(await codeOf(put('x', { bucket: 999_999 }))).to.equal('bucket_not_found');
      const elsewhere = await rig.user();
      expect(await codeOf(rig.store.commit(putIntent({ ...home, domain: elsewhere.domain }, 'x')))).to.equal('internal');
    });

    it('keeps keys and text as they are', async () => {
      const keys = ['ünï', 'a//b', '../x', ' ', '\u0001', '😀', '"\\', "o'brien", '%2F', 'x'.repeat(1024), '\ufeffbom'];
      for (const key of keys) await put(key, { attributes: { user: { name: key } } });
      for (const key of keys) {
        const info = await rig.store.current(at(home, key));
        expect(info?.key).to.equal(key);
        expect(info?.attributes.user?.name).to.equal(key);
      }
    });

    it('answers a look-up of many at once, each with its own', async () => {
      await Promise.all(Array.from({ length: 40 }, (_, n) => put(`many/${n}`, { size: n })));
      const sizes = await Promise.all(Array.from({ length: 60 }, (_, n) => rig.store.current(at(home, `many/${n}`))));
      expect(sizes.map((info) => info?.size ?? null)).to.deep.equal(Array.from({ length: 60 }, (_, n) => (n < 40 ? n : null)));
    });

    it('peeks only at what cannot be older than the last commit', async () => {
      await put('peeked');
      await rig.store.current(at(home, 'peeked'));
      const { info } = await put('peeked');
      const peeked = rig.store.peekCurrent(at(home, 'peeked'));
      if (peeked !== undefined) expect(peeked?.versionId).to.equal(info.versionId);
      await remove('peeked');
      expect(rig.store.peekCurrent(at(home, 'peeked')) ?? null).to.equal(null);
      if (rig.gateways.length > 1) expect(peeked).to.equal(undefined);
    });
  });
}
