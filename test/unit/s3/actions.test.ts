import { expect } from 'chai';
import { ACTIONS, configAction, roleHolds } from '#core/actions';
import { GRANT_ROLES } from '#core/grant';
import { assertOperations, documentAction, OPERATION_ACTIONS } from '#protocols/s3/operations/actions';
import { createTable } from '#protocols/s3/operations/table';

describe('s3 operations and their actions', () => {
  it('do not start without one', () => {
    assertOperations(createTable().keys());
    expect(() => assertOperations(['PutObjectAnnotation'])).to.throw('does not say which action');
  });

  it('name only actions that there are, and ask for a bucket document before its handler', () => {
    for (const [name, actions] of Object.entries(OPERATION_ACTIONS))
      for (const action of actions) expect(ACTIONS, name).to.have.property(action);
    expect(documentAction('PutBucketCors')).to.equal('bucket.cors.write');
    expect(documentAction('GetBucketLocation')).to.equal('bucket.location.read');
    for (const name of ['GetObject', 'DeleteBucket', 'CreateBucket', 'ListObjectsV2'])
      expect(documentAction(name)).to.equal(null);
  });
});

describe('roles', () => {
  it('hold each what the one before holds, but for the uploader', () => {
    const held = (role: (typeof GRANT_ROLES)[number]) => Object.keys(ACTIONS).filter((name) => roleHolds(role, name as never));
    const ladder = GRANT_ROLES.filter((role) => role !== 'uploader');
    for (const [index, role] of ladder.entries())
      if (index > 0) expect(held(role)).to.include.members(held(ladder[index - 1] as never));
    expect(held('uploader')).to.deep.equal(['create', 'upload.parts', 'upload.abort']);
    expect(held('viewer')).to.include.members(['read', 'list']).and.not.include.members(['write', 'version.read']);
    for (const never of ['admin', 'bucket.create', 'account.write']) expect(held('owner')).to.not.include(never);
    expect(configAction('cors', 'write')).to.equal('bucket.cors.write');
    expect(configAction('nothing', 'write')).to.equal(null);
  });
});
