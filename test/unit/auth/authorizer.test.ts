import { expect } from 'chai';
import { describeAuthorizer } from '../../conformance/authorizer.ts';
import { grantOf, testAuthority, whoIs } from '../../support/authority.ts';

describeAuthorizer('policy and grants', (grants) => {
  const rig = testAuthority();
  rig.grants.push(...grants);
  rig.changed();
  return rig;
});

describe('authorizer', () => {
  const guest = whoIs({ id: 8, role: 'guest' });

  it('answers without waiting for admins and owners, and for the others once the revision is compiled', async () => {
    const { authorizer, bucket, grants, changed, loads } = testAuthority();
    expect(authorizer.require(whoIs({ id: 7, role: 'member' }), 'write', bucket, 'k')).to.equal(undefined);
    expect(authorizer.require(whoIs({ id: 9, role: 'admin' }), 'admin', null)).to.equal(undefined);
    expect(loads()).to.equal(0);
    grants.push(grantOf({ kind: 'user', id: 8 }, 'viewer'));
    changed();
    const first = authorizer.require(guest, 'read', bucket, 'k');
    expect(first).to.be.instanceOf(Promise);
    await first;
    for (let i = 0; i < 100; i++) expect(authorizer.require(guest, 'read', bucket, 'k')).to.equal(undefined);
    expect(authorizer.visible(guest, bucket)).to.equal(true);
    expect(loads()).to.equal(1);
  });

  it('never uses what is older than the revision that the bucket has', async () => {
    const { authorizer, bucket, grants, changed, loads } = testAuthority();
    grants.push(grantOf({ kind: 'user', id: 8 }, 'viewer'));
    changed();
    const before = { ...bucket };
    expect(await authorizer.decide(guest, 'read', bucket, 'k')).to.include({ allowed: true });
    grants.pop();
    changed();
    // Under way for the old revision when the new one is asked for.
    expect(await authorizer.decide(guest, 'read', bucket, 'k')).to.include({ allowed: false });
    // A row that is older than what is compiled does not bring it back.
    expect(authorizer.decide(guest, 'read', before, 'k')).to.include({ allowed: false });
    expect(loads()).to.equal(2);
  });

  it('does not take a load that began before the change for one that came after it', async () => {
    const { authorizer, bucket, grants, changed } = testAuthority();
    grants.push(grantOf({ kind: 'user', id: 8 }, 'viewer'));
    changed();
    const early = authorizer.decide(guest, 'read', { ...bucket }, 'k');
    grants.pop();
    changed();
    expect(await authorizer.decide(guest, 'read', bucket, 'k')).to.include({ allowed: false });
    await early;
    expect(await authorizer.decide(guest, 'read', bucket, 'k')).to.include({ allowed: false });
  });
});
