import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { UsageStore } from '#contracts/usage';
import type { Bucket } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import { accountsOf } from '../../support/metadata-accounts.ts';
import { type Account, type MetadataRig, putIntent } from '../../support/metadata-rig.ts';
import { codeOf } from '../../support/rooms.ts';

const NONE = { objects: null, bytes: null };

/** Every clause of UsageStore; what deduplicated contents take is measured by the tests of the content store and of `measure`. */
export function describeUsageStore(rigOf: () => MetadataRig): void {
  describe('usage', () => {
    let rig: MetadataRig;
    let owner: Account;
    let turn = 0;
    before(async () => {
      rig = rigOf();
      owner = await rig.user();
    });
    const usage = (): UsageStore => rig.gateways[turn++ % rig.gateways.length]!.usage;
    const put = (bucket: Bucket, key: string, size: number) =>
      rig.store.commit(putIntent({ ...bucket, who: owner.who }, key, { size }));
    const remove = (bucket: Bucket, key: string) =>
      rig.store.commit({
        kind: 'remove',
        who: owner.who,
        bucket: bucket.id,
        key,
        versionId: randomBytes(16).toString('hex'),
      });
    const useOf = async (bucket: Bucket) => (await usage().buckets(owner.principal.id)).find((one) => one.bucket === bucket.id);
    const ofOwner = async () => (await usage().owners()).find((one) => one.owner === owner.principal.id);

    it('counts what is there and what was, by bucket and by owner, at every commit', async () => {
      const [one, two] = [await rig.bucket({ owner }), await rig.bucket({ owner, versioning: 'enabled' })];
      expect(await useOf(one)).to.deep.equal({
        ...{ bucket: one.id, name: one.name, owner: owner.principal.id, quota: NONE, physical: null },
        ...{ objects: 0, bytes: 0, historyVersions: 0, historyBytes: 0 },
      });
      await put(one, 'a', 10);
      await put(one, 'a', 30);
      await put(two, 'b', 5);
      await put(two, 'c', 7);
      await remove(two, 'c');
      await rig.store.copy({
        who: owner.who,
        from: { bucket: one.id, key: 'a' },
        to: { bucket: two.id, key: 'd/a' },
        overwrite: false,
      });
      await rig.store.move({
        who: owner.who,
        from: { bucket: two.id, key: 'd/' },
        to: { bucket: two.id, key: 'e/' },
        overwrite: false,
      });
      expect(await useOf(one)).to.include({ objects: 1, bytes: 30, historyVersions: 1, historyBytes: 10 });
      expect(await useOf(two)).to.include({ objects: 2, bytes: 35 });
      expect(await ofOwner()).to.include({ objects: 3, bytes: 65, storedBytes: 0 });
      for (const bucket of [one, two]) {
        const { kept, counted } = await accountsOf(rig.database, bucket);
        expect(kept).to.deep.equal(counted);
      }
    });

    it('tells what a write is held against', async () => {
      const bucket = await rig.bucket({ owner });
      await put(bucket, 'a', 4);
      await rig.gateways[0]!.buckets.update(bucket.id, { quota: { objects: 7, bytes: 100 } });
      await rig.gateways[0]!.principals.update(owner.principal.id, { quotaBytes: 1_000, quotaObjects: 50 });
      const account = await ofOwner();
      expect(await usage().room(bucket.id)).to.deep.equal({
        owner: owner.principal.id,
        bucket: { used: { objects: 1, bytes: 4 }, quota: { objects: 7, bytes: 100 } },
        account: { used: { objects: account?.objects, bytes: account?.bytes }, quota: { objects: 50, bytes: 1_000 } },
      });
      await rig.gateways[0]!.principals.update(owner.principal.id, { quotaBytes: null, quotaObjects: null });
      await rig.gateways[0]!.buckets.update(bucket.id, { quota: NONE });
      expect((await usage().room(bucket.id)).account.quota).to.deep.equal(NONE);
      expect(await codeOf(usage().room(2 ** 30))).to.equal('bucket_not_found');
    });

    it('lists buckets of one owner, or all, and owners who have none', async () => {
      const idle = await rig.user();
      expect(await usage().buckets(idle.principal.id)).to.deep.equal([]);
      expect((await usage().owners()).find((one) => one.owner === idle.principal.id)).to.include({ objects: 0, bytes: 0 });
      const all = await usage().buckets();
      expect(all.length).to.be.greaterThan((await usage().buckets(owner.principal.id)).length - 1);
      expect(all.map(({ name }) => name)).to.deep.equal(all.map(({ name }) => name).toSorted());
    });

    it('goes with the bucket that is removed, and with the owner that it gets', async () => {
      const [going, given] = [await rig.bucket({ owner }), await rig.bucket({ owner })];
      const before = await ofOwner();
      await put(given, 'a', 11);
      const heir = await rig.user();
      await rig.gateways[0]!.buckets.update(given.id, { owner: heir.principal.id });
      await rig.gateways[0]!.buckets.remove(going.id, {});
      expect(await ofOwner()).to.include({ objects: before?.objects, bytes: before?.bytes });
      expect((await usage().owners()).find((one) => one.owner === heir.principal.id)).to.include({ objects: 1, bytes: 11 });
      const { kept, counted } = await accountsOf(rig.database, { id: given.id, owner: heir.principal.id });
      expect(kept).to.deep.equal(counted);
    });

    it('measures every bucket of a domain, at a time that it tells', async () => {
      const bucket = await rig.bucket({ owner });
      const domain = async () => (await usage().domains()).find((one) => one.domain === bucket.domain);
      expect((await domain())?.current).to.equal(false);
      const measured = await usage().measure(bucket.domain);
      expect(measured).to.equal((await usage().buckets(owner.principal.id)).length + 1); // and the one that was given away
      const none = { ownBytes: 0, ownChunks: 0, sharedBytes: 0, sharedChunks: 0, inlineBytes: 0 };
      expect((await useOf(bucket))?.physical).to.deep.equal({ ...none, measured: rig.clock.now(), current: true });
      expect(await domain()).to.deep.include({ measured: rig.clock.now(), current: true });
    });

    it('knows whether anything has changed since: in a bucket, in its history, among its neighbours', async () => {
      const [one, two] = [await rig.bucket({ owner }), await rig.bucket({ owner })];
      const current = async () => [(await useOf(one))?.physical?.current, (await useOf(two))?.physical?.current];
      const other = await rig.bucket({ owner: await rig.user() });
      await usage().measure(other.domain);
      const seen: { versions: number; total: number }[] = [];
      const again = () => usage().measure(one.domain, { progress: (now) => seen.push(now) });
      for (const change of [
        () => put(one, 'a', 3),
        () => put(one, 'a', 4),
        () => remove(two, 'nothing').then(() => put(two, 'b', 1)),
        () => rig.gateways[0]!.history.purge({ bucket: one.id, what: { kind: 'history', key: '' } }, { after: '', names: 10 }),
      ]) {
        await again();
        expect(await current()).to.deep.equal([true, true]);
        await change();
        expect(await current(), 'both, for they may share').to.deep.equal([false, false]);
      }
      await again();
      const third = await rig.bucket({ owner });
      expect(await current()).to.deep.equal([false, false]);
      await again();
      await rig.gateways[0]!.buckets.remove(third.id, {});
      expect(await current()).to.deep.equal([false, false]);
      expect(seen.at(-1)).to.deep.equal({ versions: seen.at(-1)?.total, total: seen.at(-1)?.total });
      const own = (await usage().buckets(other.owner)).find((bucket) => bucket.bucket === other.id);
      expect(own?.physical?.current, 'of another owner, untouched').to.equal(true);
    });

    it('measures nothing when it is called off', async () => {
      const bucket = await rig.bucket({ owner });
      expect(
        await codeOf(usage().measure(bucket.domain, { signal: AbortSignal.abort(new CloudStoreError('aborted', 'Enough.')) })),
      ).to.equal('aborted');
      expect((await useOf(bucket))?.physical).to.equal(null);
    });

    it('counts the folders anew where what is kept of them is missing or wrong', async () => {
      const bucket = await rig.bucket({ owner });
      for (const [key, size] of [
        ['a/', 0],
        ['a/b/c', 5],
        ['a/d', 7],
        ['e', 11],
      ] as const)
        await put(bucket, key, size);
      const sizes = async () => Object.values((await accountsOf(rig.database, bucket)).kept.folders);
      expect(await sizes()).to.have.members([23, 12, 5]);
      await rig.database.sql(`UPDATE directories SET bytes = CASE path WHEN 'a/' THEN 1 END WHERE bucket_id = $1`, [bucket.id]);
      await put(bucket, 'a/f', 1);
      expect(await sizes(), 'what is not known stays so').to.have.members([null, 2, null]);
      await usage().measure(bucket.domain);
      expect(await sizes()).to.have.members([24, 13, 5]);
    });

    it('holds a bucket’s quota against any number of writers at once, whatever they do', async () => {
      const bucket = await rig.bucket({ owner });
      await put(bucket, 'seed', 10);
      await rig.gateways[0]!.buckets.update(bucket.id, { quota: { objects: 8, bytes: 60 } });
      const codes = await Promise.all([
        ...Array.from({ length: 12 }, (_, n) => codeOf(put(bucket, `p${n}`, 10))),
        ...Array.from({ length: 12 }, (_, n) =>
          codeOf(
            rig.store.copy({
              ...{ who: owner.who, from: { bucket: bucket.id, key: 'seed' }, to: { bucket: bucket.id, key: `c${n}` } },
              overwrite: false,
            }),
          ),
        ),
      ]);
      expect(codes.filter((code) => code === 'quota_exceeded')).to.have.length(19);
      expect(await useOf(bucket)).to.include({ objects: 6, bytes: 60 });
    });
  });
}
