import { expect } from 'chai';
import { cloudstore } from '../../support/process.ts';
import { type Callers, until } from './callers.ts';
import { doorsOf } from './places-suite.ts';

/** What is granted: explained, given and taken, by REST and by commands. */
export function describeRules(scene: () => Callers): void {
  const doors = doorsOf(scene);

  it('is explained the same by REST and by the command', async () => {
    const cases: [string, string, string, boolean, RegExp][] = [
      ['viewer', 'read', 'place/a', true, /user viewer is viewer of the folder "place\/"/],
      ['viewer', 'write', 'place/a', false, /Nothing allows it/],
      ['in-a-group', 'write', 'place/a', true, /group team is editor/],
      ['by-policy', 'read', 'place/a', true, /Statement 1 \(reads\) of the bucket policy allows/],
      ['denied-by-policy', 'read', 'place/a', false, /Statement 2 \(keeps out\) of the bucket policy denies/],
      ['owner', 'bucket.remove', '', true, /its own/],
    ];
    for (const [user, action, key, allowed, because] of cases) {
      const answer = await scene().rest('POST', '/access/explain', scene().of('owner').basic, {
        user,
        action,
        bucket: 'matrix-b',
        key,
      });
      const found = (await answer.json()) as { allowed: boolean; because: string };
      expect(found.allowed, `${user} ${action}`).to.equal(allowed);
      expect(found.because).to.match(because);
      // A command starts for seconds.
      if (user !== 'in-a-group' && user !== 'denied-by-policy') continue;
      const told = await cloudstore(['access', 'explain', user, action, `matrix-b/${key}`, '--json'], {
        env: { CLOUDSTORE_DATA_DIR: scene().gateway.dataDir },
      });
      expect(JSON.parse(told.stdout), told.stderr).to.include({ allowed, because: found.because });
    }
    // Who may not see what is granted asks about itself only.
    expect(
      (
        await scene().rest('POST', '/access/explain', scene().of('viewer').basic, {
          action: 'read',
          bucket: 'matrix-b',
          key: 'place/a',
        })
      ).status,
    ).to.equal(200);
    expect(
      (
        await scene().rest('POST', '/access/explain', scene().of('viewer').basic, {
          user: 'owner',
          action: 'read',
          bucket: 'matrix-b',
          key: 'place/a',
        })
      ).status,
    ).to.equal(403);
  });

  it('every role in a bucket is listed, wherever it is, for who may see all of them', async () => {
    const list = (by: string) => scene().rest('GET', '/buckets/matrix-b/access', scene().of(by).basic);
    const { items } = (await (await list('owner')).json()) as { items: Record<string, unknown>[] };
    expect(items).to.deep.include({ kind: 'user', name: 'viewer', role: 'viewer', key: 'place/', inherited: false });
    expect(items).to.deep.include({ kind: 'group', name: 'team', role: 'editor', key: 'place/', inherited: false });
    expect((await list('viewer')).status).to.be.oneOf([403, 404]);
    // Who manages a folder is told of that one.
    expect((await list('manager')).status).to.be.oneOf([403, 404]);
  });

  it('a bucket is made for somebody else, and removed with all that is in it, by admins only', async () => {
    const { rest, of } = scene();
    const admin = of('admin').basic;
    const wanted = { name: 'matrix-given', owner: 'owner' };
    expect((await rest('POST', '/buckets', of('viewer').basic, wanted)).status).to.equal(403);
    expect((await rest('POST', '/buckets', admin, { ...wanted, owner: 'nobody at all' })).status).to.equal(404);
    expect((await rest('POST', '/buckets', admin, wanted)).status).to.equal(201);
    const owner = of('owner').basic;
    expect((await rest('PUT', '/files/matrix-given/a', owner, {})).status).to.equal(201);
    expect((await rest('DELETE', '/buckets/matrix-given', owner)).status).to.equal(409);
    expect((await rest('DELETE', '/buckets/matrix-given?force', owner)).status).to.equal(403);
    expect((await rest('GET', '/files/matrix-given/a', owner)).status).to.equal(200);
    expect((await rest('DELETE', '/buckets/matrix-given?force', admin)).status).to.equal(204);
    expect((await rest('GET', '/files/matrix-given/a', owner)).status).to.equal(404);
  });

  it('a manager gives and takes what is less than its own, and nobody else does', async () => {
    const path = '/access/matrix-b/place/';
    const give = (by: string, role: string) =>
      scene().rest('PUT', path, scene().of(by).basic, { kind: 'user', name: 'guest', role });
    expect((await give('editor', 'viewer')).status).to.equal(403);
    expect((await give('manager', 'owner')).status).to.equal(403);
    expect((await give('manager', 'viewer')).status).to.equal(200);
    expect(await doors.WebDAV(scene().of('guest'), 'read', 'place/')).to.equal('yes');
    const listed = (await (await scene().rest('GET', path, scene().of('manager').basic)).json()) as {
      items: { name: string; role: string }[];
    };
    expect(listed.items).to.deep.include({ kind: 'user', name: 'guest', role: 'viewer', key: 'place/', inherited: false });
    const owned = await scene().rest('DELETE', `${path}?kind=user&name=granted-owner`, scene().of('manager').basic);
    expect(owned.status).to.equal(403);
    expect((await scene().rest('DELETE', `${path}?kind=user&name=guest`, scene().of('manager').basic)).status).to.equal(204);
    expect(await doors.REST(scene().of('guest'), 'read', 'place/')).to.equal('no');
    expect(
      (
        await scene().rest('PUT', '/access/matrix-b/place', scene().of('owner').basic, {
          kind: 'user',
          name: 'guest',
          role: 'viewer',
        })
      ).status,
    ).to.equal(400);
  });

  it('a command grants and revokes beside the running gateway', async () => {
    const command = (...args: string[]) =>
      cloudstore(['access', ...args, '--json'], { env: { CLOUDSTORE_DATA_DIR: scene().gateway.dataDir } });
    const granted = await command('grant', 'matrix-b/place/', '--user', 'guest', '--role', 'viewer');
    expect(JSON.parse(granted.stdout), granted.stderr).to.include({ place: 'matrix-b/place/', role: 'viewer' });
    await until(async () => (await doors.S3(scene().of('guest'), 'read', 'place/')) === 'yes');
    expect(JSON.parse((await command('list', 'matrix-b')).stdout)).to.deep.include({
      place: 'matrix-b/place/',
      kind: 'user',
      name: 'guest',
      role: 'viewer',
    });
    await command('revoke', 'matrix-b/place/', '--user', 'guest');
    await until(async () => (await doors.S3(scene().of('guest'), 'read', 'place/')) === 'no');
  });
}
