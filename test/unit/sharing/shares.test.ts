import { expect } from 'chai';
import { createAuthorizer } from '#auth/authorizer';
import type { Share } from '#contracts/shares';
import type { Principal, Who } from '#core/principal';
import { createShares } from '#sharing/shares';
import { type Account, type MetadataRig, openMetadataRig } from '../../support/metadata-rig.ts';

describe('what others have shared', () => {
  let rig: MetadataRig;
  let ann: Account;
  let shares: ReturnType<typeof createShares>;

  before(async () => {
    rig = await openMetadataRig('one gateway');
    const [metadata] = rig.gateways as [(typeof rig.gateways)[0]];
    ann = await rig.user('ann');
    const authorizer = createAuthorizer({ authority: metadata.authority, signals: metadata.signals, clock: rig.clock });
    shares = createShares({ ...metadata, authorizer, clock: rig.clock });
  });
  after(() => rig.close());

  const shown = ({ name, prefix, role, owner, group }: Share) => ({ name, prefix, role, owner, group });
  const list = async (principal: Principal): Promise<object[]> =>
    (await shares.withMe({ principal, protocol: 'rest', requestId: 'R' } satisfies Who)).map(shown);

  it('has names of its own, the greatest role of a place, and nothing twice', async () => {
    const [metadata] = rig.gateways as [(typeof rig.gateways)[0]];
    const { authority, groups } = metadata;
    const bob = await rig.user('bob');
    const friends = await groups.create('friends');
    await groups.change(friends.id, { add: [bob.principal.id], remove: [] });
    const one = await rig.bucket({ owner: ann });
    const two = await rig.bucket({ owner: ann });
    const own = await rig.bucket({ owner: bob });
    const toBob = { kind: 'user', id: bob.principal.id } as const;
    const toFriends = { kind: 'group', id: friends.id } as const;
    for (const grant of [
      { subject: toBob, bucket: one.id, prefix: 'photos/', role: 'viewer' as const },
      { subject: toFriends, bucket: one.id, prefix: 'photos/', role: 'editor' as const },
      { subject: toBob, bucket: one.id, prefix: 'photos/2026/', role: 'viewer' as const },
      { subject: toBob, bucket: one.id, prefix: 'photos/inbox/', role: 'uploader' as const },
      { subject: toBob, bucket: two.id, prefix: 'old/photos/', role: 'viewer' as const },
      { subject: toBob, bucket: two.id, prefix: '', role: 'viewer' as const },
      { subject: toBob, bucket: own.id, prefix: '', role: 'viewer' as const },
    ])
      await authority.setGrant(grant);
    const member: Principal = { ...bob.principal, groups: [friends.id] };
    expect(await list(member)).to.deep.equal(
      [
        { name: two.name, prefix: '', role: 'viewer', owner: 'ann', group: false },
        { name: 'inbox', prefix: 'photos/inbox/', role: 'uploader', owner: 'ann', group: false },
        { name: 'photos', prefix: 'photos/', role: 'editor', owner: 'ann', group: true },
      ].sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
    await authority.removeGrant({ subject: toBob, bucket: two.id, prefix: '' });
    expect(
      (await list(member)).map((share) => (share as Share).name),
      'neither takes the name that the other had',
    ).to.deep.equal(['inbox', `photos (${one.name})`, `photos (${two.name}, old)`].sort());
    await authority.setGrant({ subject: toBob, bucket: one.id, prefix: `other/photos (${one.name})/`, role: 'viewer' });
    expect((await list(member)).map((share) => (share as Share).name)).to.include.members([
      `photos (${one.name})`,
      `photos (${one.name}) 2`,
    ]);
    expect(await list({ ...member, credential: { kind: 's3', id: 'K', scope: { actions: null, places: [] } } })).to.deep.equal(
      [],
    );
    expect(await list(ann.principal)).to.deep.equal([]);
  });

  it('is remembered, and known to be otherwise when a change has been answered', async () => {
    const [metadata] = rig.gateways as [(typeof rig.gateways)[0]];
    const { authority, groups, principals } = metadata;
    const eve = await rig.user('eve');
    const team = await groups.create('team');
    await groups.change(team.id, { add: [eve.principal.id], remove: [] });
    const place = { bucket: (await rig.bucket({ owner: ann })).id, prefix: 'plans/' };
    const subject = { kind: 'user', id: eve.principal.id } as const;
    const member: Principal = { ...eve.principal, groups: [team.id] };
    const names = async () => (await list(member)).map((share) => (share as Share).name);
    // Its clock stands still: nothing ends by its age here.
    expect(await names()).to.deep.equal([]);
    for (let round = 0; round < 20; round++) {
      await authority.setGrant({ ...place, subject, role: 'viewer' });
      expect(await names(), `granted, ${round}`).to.deep.equal(['plans']);
      await authority.removeGrant({ ...place, subject });
      expect(await names(), `taken back, ${round}`).to.deep.equal([]);
    }
    await authority.setGrant({ ...place, subject: { kind: 'group', id: team.id }, role: 'editor' });
    expect(await names()).to.deep.equal(['plans']);
    const asked: number[] = [];
    const { grantsTo } = authority;
    authority.grantsTo = (of) => {
      asked.push(of.id);
      return grantsTo(of);
    };
    await names();
    await names();
    authority.grantsTo = grantsTo;
    expect(asked, 'from memory').to.deep.equal([]);
    await groups.remove(team.id);
    expect(await names()).to.deep.equal([]);
    await authority.setGrant({ ...place, subject, role: 'viewer' });
    expect(await names()).to.deep.equal(['plans']);
    const heir = await rig.user('heir');
    await principals.remove(ann.principal.id, heir.principal.id);
    expect(await list(member)).to.deep.include({ name: 'plans', prefix: 'plans/', role: 'viewer', owner: 'heir', group: false });
  });
});
