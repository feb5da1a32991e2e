import { expect } from 'chai';
import type { Bucket } from '#core/bucket';
import { isCloudStoreError } from '#core/errors';
import { type Account, type MetadataRig, putIntent } from '../support/metadata-rig.ts';
import { codeOf } from '../support/rooms.ts';

/** Buckets: their names, settings, owners and end. */
export function describeBucketStore(name: string, make: () => Promise<MetadataRig>): void {
  describe(`bucket store: ${name}`, () => {
    let rig: MetadataRig;
    let ann: Account;
    let bob: Account;
    let turn = 0;
    before(async () => {
      rig = await make();
      [ann, bob] = [await rig.user('ann'), await rig.user('bob')];
    });
    after(() => rig.close());
    const store = () => rig.gateways[turn++ % rig.gateways.length]!.buckets;
    const create = (bucket: string, owner = ann, more = {}) =>
      store().create({ name: bucket, owner: owner.principal.id, domain: owner.domain, ...more });
    const withWho = (bucket: Bucket, owner = ann) => ({ ...bucket, who: owner.who });
    const namesOf = (buckets: Bucket[]) => buckets.map((bucket) => bucket.name);

    it('creates what is found again by id and name', async () => {
      const plain = await create('plain');
      expect(plain).to.deep.include({
        name: 'plain',
        owner: ann.principal.id,
        domain: ann.domain,
        kind: 'standard',
        versioning: 'off',
        objectLock: false,
        created: rig.clock.now(),
        config: {},
      });
      const locked = await create('locked', ann, { versioning: 'enabled', objectLock: true });
      expect(await store().find(plain.id)).to.deep.equal(plain);
      expect(await store().resolve(null, 'locked')).to.deep.equal(locked);
      expect([await store().find(999_999), await store().resolve(null, 'none')]).to.deep.equal([null, null]);
      expect(await store().usage(plain.id)).to.deep.equal({ objects: 0, bytes: 0 });
      expect(await codeOf(store().usage(999_999))).to.equal('bucket_not_found');
    });

    it('gives a global name once, and tells its owner from others', async () => {
      await create('taken');
      expect(await codeOf(create('taken'))).to.equal('bucket_owned_by_you');
      const error = await create('taken', bob).catch((thrown: unknown) => thrown);
      expect(isCloudStoreError(error, 'bucket_exists') && error.details.bucket).to.equal('taken');
      const codes = await Promise.all(Array.from({ length: 6 }, (_, n) => codeOf(create('raced', n % 2 === 0 ? ann : bob))));
      expect(codes.filter((code) => code === 'none').length).to.equal(1);
      for (const bad of ['ab', 'Upper', 'a..b', '1.2.3.4', '-a-', 'x'.repeat(64)]) {
        expect(await codeOf(create(bad)), bad).to.equal('invalid_bucket_name');
      }
    });

    it('resolves an alias for its user only, ahead of the global name', async () => {
      const homes = [await create('home-ann', ann, { alias: 'home' }), await create('home-bob', bob, { alias: 'home' })];
      expect((await store().resolve(ann.principal.id, 'home'))?.id).to.equal(homes[0]!.id);
      expect((await store().resolve(bob.principal.id, 'home'))?.id).to.equal(homes[1]!.id);
      expect(await store().resolve(null, 'home')).to.equal(null);
      const global = await create('home', bob);
      expect((await store().resolve(null, 'home'))?.id).to.equal(global.id);
      expect((await store().resolve(ann.principal.id, 'home'))?.id).to.equal(homes[0]!.id);
      expect((await store().resolve(ann.principal.id, 'home-bob'))?.id).to.equal(homes[1]!.id);
      expect(await codeOf(create('another', ann, { alias: 'home' }))).to.equal('bucket_owned_by_you');
      expect(await store().resolve(null, 'another')).to.equal(null);
    });

    it('lists in byte order, all or of one owner', async () => {
      const carl = await rig.user('carl');
      for (const bucket of ['list-b', 'list-a', 'list-10', 'list.z']) await create(bucket, carl);
      expect(namesOf(await store().list(carl.principal.id))).to.deep.equal(['list-10', 'list-a', 'list-b', 'list.z']);
      const all = namesOf(await store().list());
      expect(all).to.include.members(['list-a', 'plain']);
      expect(all).to.deep.equal([...all].sort());
    });

    it('updates what is named, and merges documents by name', async () => {
      const { id } = await create('updated');
      await store().update(id, { versioning: 'enabled', config: { cors: [{ any: 1 }], tags: { a: 'b' } } });
      const after = await store().update(id, { objectLock: true, config: { tags: null, policy: 'x' } });
      expect(after).to.deep.include({
        versioning: 'enabled',
        objectLock: true,
        owner: ann.principal.id,
        config: { cors: [{ any: 1 }], policy: 'x' },
      });
      expect(await store().find(id)).to.deep.equal(after);
      expect(await codeOf(store().update(999_999, {}))).to.equal('bucket_not_found');
    });

    it('decides later commits with the new settings', async () => {
      const bucket = withWho(await create('switched'));
      expect((await rig.store.commit(putIntent(bucket, 'a'))).info.visibility).to.equal('null');
      await store().update(bucket.id, { versioning: 'enabled' });
      expect((await rig.store.commit(putIntent(bucket, 'a'))).info.visibility).to.equal('id');
    });

    it('moves what is used to a new owner’s account', async () => {
      const bucket = withWho(await create('given'));
      await rig.store.commit(putIntent(bucket, 'a', { size: 500 }));
      const used = async (account: Account) =>
        Number((await rig.database.sql('SELECT bytes FROM usage WHERE principal = $1', [account.principal.id]))[0]?.[0] ?? 0);
      const before = [await used(ann), await used(bob)] as const;
      expect((await store().update(bucket.id, { owner: bob.principal.id })).owner).to.equal(bob.principal.id);
      expect([await used(ann), await used(bob)]).to.deep.equal([before[0] - 500, before[1] + 500]);
      await store().remove(bucket.id, { force: true });
      expect(await used(bob)).to.equal(before[1]);
    });

    it('is removed only when nothing in it can be seen, unless by force; its name is free then', async () => {
      const bucket = withWho(await create('removed', ann, { alias: 'nick' }));
      const removal = { kind: 'remove' as const, who: ann.who, bucket: bucket.id };
      const remove = (key: string, versionId: string) => rig.store.commit({ ...removal, key, versionId });
      await rig.store.commit(putIntent(bucket, 'a'));
      expect(await codeOf(store().remove(bucket.id))).to.equal('bucket_not_empty');
      await remove('a', 'a'.repeat(32));
      const { uploads } = rig.gateways[0]!;
      const upload = await uploads.create({ bucket: bucket.id, key: 'k', principal: ann.principal.id, attributes: {} });
      expect(await uploads.find(bucket.id, 'k', upload.id)).not.to.equal(null);
      await store().remove(bucket.id);
      expect(await uploads.find(bucket.id, 'k', upload.id), 'an upload ends with its bucket').to.equal(null);
      expect(await codeOf(store().remove(bucket.id))).to.equal('bucket_not_found');
      expect(await store().resolve(ann.principal.id, 'nick')).to.equal(null);
      expect(await codeOf(rig.store.commit(putIntent(bucket, 'a')))).to.equal('bucket_not_found');
      expect(await rig.store.current({ bucket: bucket.id, key: 'a' })).to.equal(null);

      const versioned = withWho(await create('removed', bob, { versioning: 'enabled' }), bob);
      await rig.store.commit({ ...removal, who: bob.who, bucket: versioned.id, key: 'x', versionId: 'b'.repeat(32) });
      expect(await codeOf(store().remove(versioned.id))).to.equal('bucket_not_empty');
      await store().remove(versioned.id, { force: true });
      expect(await store().find(versioned.id)).to.equal(null);
    });

    it('comes back with all that it held, its aliases and settings, until it is dropped; nothing is written to it meanwhile', async () => {
      const bucket = withWho(await create('back', ann, { alias: 'nick-back' }));
      for (const size of [10, 20]) await rig.store.commit(putIntent(bucket, 'a', { size }));
      await store().update(bucket.id, { config: { note: 'kept' } });
      const used = async () =>
        Number((await rig.database.sql('SELECT bytes FROM usage WHERE principal = $1', [ann.principal.id]))[0]?.[0] ?? 0);
      const history = async () =>
        (await rig.gateways[0]!.usage.owners()).find(({ owner }) => owner === ann.principal.id)!.historyBytes;
      const [before, past] = [await used(), await history()];
      expect(await codeOf(store().restore(bucket.id)), 'it is there').to.equal('bucket_not_found');
      expect(await codeOf(store().drop(bucket.id)), 'it is there').to.equal('bucket_not_found');
      await store().remove(bucket.id, { force: true });
      expect(await used()).to.equal(before - 20);
      expect(await history(), 'what it held is history now').to.equal(past + 20);
      expect(await codeOf(rig.store.commit(putIntent(bucket, 'b')))).to.equal('bucket_not_found');
      expect(await codeOf(rig.store.removeTree({ who: ann.who, bucket: bucket.id, key: 'a/' }))).to.equal('bucket_not_found');
      const [shown] = await store().removed(ann.principal.id);
      const usage = { objects: 1, bytes: 20, historyVersions: 1, historyBytes: 10 };
      expect(shown).to.deep.include({ id: bucket.id, name: 'back', removed: rig.clock.now(), usage });
      expect(await store().findRemoved(bucket.id)).to.deep.equal(shown);
      expect((await store().removed(bob.principal.id)).map(({ id }) => id)).to.not.include(bucket.id);
      expect(namesOf(await store().list())).to.not.include('back');

      await create('back', bob);
      const restored = await Promise.all([0, 1].map(() => codeOf(store().restore(bucket.id))));
      expect(restored, 'another has its name').to.deep.equal(['bucket_exists', 'bucket_exists']);
      await rig.gateways[0]!.principals.update(ann.principal.id, { quotaBytes: before - 1 });
      expect(await codeOf(store().restore(bucket.id, 'back-again'))).to.equal('quota_exceeded');
      await rig.gateways[0]!.principals.update(ann.principal.id, { quotaBytes: null });
      expect(await store().restore(bucket.id, 'back-again')).to.deep.include({
        id: bucket.id,
        name: 'back-again',
        config: { note: 'kept' },
      });
      expect(await used()).to.equal(before);
      expect((await store().resolve(ann.principal.id, 'nick-back'))?.name).to.equal('back-again');
      expect(await rig.store.current({ bucket: bucket.id, key: 'a' })).to.include({ size: 20 });
      await rig.store.commit(putIntent(bucket, 'b', { size: 1 }));

      await store().remove(bucket.id, { force: true });
      await store().drop(bucket.id);
      expect(await codeOf(store().restore(bucket.id))).to.equal('bucket_not_found');
      expect(await rig.database.sql('SELECT 1 FROM slots WHERE bucket_id = $1', [bucket.id])).to.deep.equal([]);
    });

    it('tells of every change', async () => {
      const heard: (string | null)[] = [];
      const stop = rig.gateways[0]!.signals.subscribe('buckets', (payload) => heard.push(payload));
      const until = async (payload: string | null) => {
        while (!heard.includes(payload)) await new Promise((resolve) => setTimeout(resolve, 10));
        heard.length = 0;
      };
      await until(null);
      const { id } = await create('told');
      await until(String(id));
      await store().update(id, { versioning: 'enabled' });
      await until(String(id));
      await store().remove(id);
      await until(String(id));
      stop();
    });
  });
}
