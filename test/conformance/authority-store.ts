import { expect } from 'chai';
import type { Grant, Subject } from '#core/grant';
import { type MetadataRig, putIntent } from '../support/metadata-rig.ts';
import { codeOf } from '../support/rooms.ts';

/** Grants, documents' revisions and lists of objects. */
export function describeAuthorityStore(name: string, make: () => Promise<MetadataRig>): void {
  describe(`authority store: ${name}`, () => {
    let rig: MetadataRig;
    let turn = 0;
    before(async () => {
      rig = await make();
    });
    after(() => rig.close());
    const gateway = () => rig.gateways[turn++ % rig.gateways.length]!;
    const store = () => gateway().authority;
    const revision = async (bucket: number) => {
      const [loaded, row] = [await store().load(bucket), await gateway().buckets.find(bucket)];
      expect(loaded?.revision).to.equal(row?.authority);
      return row?.authority ?? -1;
    };

    it('keeps one role a subject and place, and moves the revision with each', async () => {
      const [home, friend] = [await rig.bucket(), await rig.user()];
      const user: Subject = { kind: 'user', id: friend.principal.id };
      const team: Subject = { kind: 'group', id: (await gateway().groups.create(`team of ${home.name}`)).id };
      const grant = (subject: Subject, prefix: string, role: Grant['role']): Grant => ({
        subject,
        bucket: home.id,
        prefix,
        role,
      });
      expect(await revision(home.id)).to.equal(0);
      const all = [grant(user, '', 'viewer'), grant(team, 'a/', 'editor'), grant(user, 'b/', 'uploader')];
      for (const [index, one] of all.entries()) {
        await store().setGrant(one);
        expect(await revision(home.id)).to.equal(index + 1);
      }
      await store().setGrant(grant(user, '', 'manager'));
      expect(await revision(home.id)).to.equal(4);
      expect((await store().load(home.id))?.grants).to.have.deep.members([grant(user, '', 'manager'), ...all.slice(1)]);
      expect(await store().grantsTo(user)).to.deep.equal([grant(user, '', 'manager'), all[2]]);
      expect(await store().grantsTo(team)).to.deep.equal([all[1]]);
      expect(await store().removeGrant(grant(user, 'c/', 'viewer'))).to.equal(false);
      expect(await store().removeGrant(all[2]!)).to.equal(true);
      expect(await revision(home.id)).to.equal(5);
      await gateway().principals.remove(friend.principal.id, (await rig.user()).principal.id);
      expect((await store().load(home.id))?.grants).to.deep.equal([all[1]]);
      expect(await revision(home.id)).to.equal(6);
      await gateway().buckets.remove(home.id, { force: true });
      expect(await store().load(home.id)).to.equal(null);
      expect(await store().grantsTo(team)).to.deep.equal([]);
    });

    it('gives a user its groups, whose grants go with them', async () => {
      const [home, friend] = [await rig.bucket(), await rig.user()];
      const { id, name } = await gateway().groups.create(`group of ${home.name}`);
      expect((await gateway().principals.find(friend.principal.id))?.groups).to.equal(undefined);
      await gateway().groups.change(id, { add: [friend.principal.id], remove: [] });
      expect((await gateway().principals.find(friend.principal.id))?.groups).to.deep.equal([id]);
      await store().setGrant({ subject: { kind: 'group', id }, bucket: home.id, prefix: '', role: 'viewer' });
      await gateway().groups.remove(id);
      expect((await store().load(home.id))?.grants).to.deep.equal([]);
      expect(await revision(home.id)).to.equal(2);
      expect(
        await codeOf(store().setGrant({ subject: { kind: 'group', id }, bucket: home.id, prefix: '', role: 'viewer' })),
        name,
      ).to.equal('principal_not_found');
    });

    it('grants nothing to nobody, nor on what is not there', async () => {
      const [home, friend] = [await rig.bucket(), await rig.user()];
      const user: Subject = { kind: 'user', id: friend.principal.id };
      expect(
        await codeOf(store().setGrant({ subject: { kind: 'user', id: 999_999 }, bucket: home.id, prefix: '', role: 'viewer' })),
      ).to.equal('principal_not_found');
      expect(await codeOf(store().setGrant({ subject: user, bucket: 999_999, prefix: '', role: 'viewer' }))).to.equal(
        'bucket_not_found',
      );
    });

    it('moves the revision with the documents that decide, and the owner, and with nothing else', async () => {
      const home = await rig.bucket();
      const heir = await rig.user();
      const { buckets } = gateway();
      await buckets.update(home.id, { config: { cors: [], tagging: { a: 'b' } } });
      expect(await revision(home.id)).to.equal(0);
      let moved = 0;
      for (const document of ['policy', 'acl', 'publicAccessBlock', 'ownershipControls']) {
        await buckets.update(home.id, { config: { [document]: { some: document } } });
        expect(await revision(home.id), document).to.equal(++moved);
      }
      await buckets.update(home.id, { config: { policy: { some: 'policy' } } });
      expect(await revision(home.id)).to.equal(moved);
      await buckets.update(home.id, { owner: heir.principal.id });
      expect(await revision(home.id)).to.equal(moved + 1);
      expect((await store().load(home.id))?.config).to.have.property('policy');
    });

    it('tells of a change', async () => {
      const home = await rig.bucket();
      const heard: (string | null)[] = [];
      const off = rig.gateways[0]!.signals.subscribe('buckets', (payload) => heard.push(payload));
      await rig.gateways
        .at(-1)!
        .authority.setGrant({ subject: { kind: 'user', id: home.owner }, bucket: home.id, prefix: '', role: 'viewer' });
      // null: it may have come before anybody listened.
      const told = () => heard.includes(String(home.id)) || heard.includes(null);
      while (!told()) await new Promise((resolve) => setTimeout(resolve, 5));
      off();
    });

    it('keeps lists of objects by version, and forgets one with what it was of', async () => {
      const home = await rig.bucket({ versioning: 'enabled' });
      const at = { bucket: home.id, key: 'a' };
      expect(await store().object(at)).to.equal(null);
      const first = await rig.store.commit(putIntent(home, 'a', { attributes: { tags: { secret: 'no' } } }));
      expect(await store().object(at)).to.deep.equal({
        versionId: first.info.versionId,
        deleteMarker: false,
        tags: { secret: 'no' },
        acl: null,
      });
      await store().setObjectAcl(home.who, at, undefined, '{"owner": 1}');
      expect((await store().object(at))?.acl).to.equal('{"owner": 1}');
      await rig.store.commit(putIntent(home, 'a', {}));
      expect(await store().object(at)).to.include({ acl: null });
      expect(await store().object(at, first.info.versionId)).to.include({ acl: '{"owner": 1}' });
      await store().setObjectAcl(home.who, at, first.info.versionId, null);
      expect(await store().object(at, first.info.versionId)).to.include({ acl: null });
      expect(await codeOf(store().setObjectAcl(home.who, { ...at, key: 'b' }, undefined, '{}'))).to.equal('not_found');
      expect(await codeOf(store().setObjectAcl(home.who, at, 'null', '{}'))).to.equal('version_not_found');
      expect(await codeOf(store().setObjectAcl(home.who, { ...at, key: 'b' }, first.info.versionId, '{}'))).to.equal(
        'version_not_found',
      );
    });
  });
}
