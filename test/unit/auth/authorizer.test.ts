import { expect } from 'chai';
import { createAuthorizer } from '#auth/authorizer';
import type { Action } from '#contracts/authorizer';
import type { Grant, PrincipalStore } from '#contracts/principal-store';
import type { Signals } from '#contracts/signals';
import type { Bucket } from '#core/bucket';
import type { Role, Who } from '#core/principal';
import { describeAuthorizer } from '../../conformance/authorizer.ts';

const clock = { now: () => 0 };
const silent: Signals = { publish: async () => undefined, subscribe: () => () => undefined };
const who = (id: number, role: Role): Who => ({ principal: { id, name: `u${id}`, role }, protocol: 's3', requestId: '' });

describeAuthorizer('policy and grants', (grants) => {
  const principals = { grants: async (id: number) => grants.filter((grant) => grant.principal === id) };
  return createAuthorizer({ principals: principals as Partial<PrincipalStore> as PrincipalStore, signals: silent, clock });
});

describe('authorizer', () => {
  const bucket = { id: 1, owner: 7 } as Bucket;

  it('answers without waiting for admins and owners, and for the others once their grants are known', async () => {
    const grants: Grant[] = [{ bucket: 1, prefix: '', access: 'read' }];
    const principals = { grants: async () => grants } as Partial<PrincipalStore> as PrincipalStore;
    const authorizer = createAuthorizer({ principals, signals: silent, clock });
    expect(authorizer.require(who(7, 'member'), 'write', bucket, 'k')).to.equal(undefined);
    expect(authorizer.require(who(9, 'admin'), 'admin', null)).to.equal(undefined);
    const first = authorizer.require(who(8, 'guest'), 'read', bucket, 'k');
    expect(first).to.be.instanceOf(Promise);
    await first;
    expect(authorizer.require(who(8, 'guest'), 'read', bucket, 'k')).to.equal(undefined);
    expect(authorizer.visible(who(8, 'guest'), bucket)).to.equal(true);
  });

  it('looks again after a second when no signal comes', async () => {
    const grants: Grant[] = [{ bucket: 1, prefix: '', access: 'read' }];
    let now = 0;
    const principals = { grants: async () => [...grants] } as Partial<PrincipalStore> as PrincipalStore;
    const authorizer = createAuthorizer({ principals, signals: silent, clock: { now: () => now } });
    const may = async (action: Action): Promise<boolean> => {
      try {
        await authorizer.require(who(8, 'guest'), action, bucket, 'k');
        return true;
      } catch {
        return false;
      }
    };
    expect(await may('read')).to.equal(true);
    grants.pop();
    now = 999;
    expect(await may('read')).to.equal(true);
    now = 2000;
    expect(await may('read')).to.equal(false);
  });
});
