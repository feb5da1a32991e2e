import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { presign } from '../support/presign.ts';

/** What is done to a folder is done to all below it, which a rule may forbid of some of it: to the owner and the admin, too. */
describe('a policy that denies something below a folder', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let authorization: string;
  let then: string;

  before(async () => {
    gateway = await startGateway();
    authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
    for (const key of ['f/a', 'f/secret/x', 'g/y', 'trash/secret/t', 'trash/u'])
      await done(rest('PUT', `/files/home/${key}`, 'x'));
    then = new Date().toISOString();
    for (const key of ['f/secret/later', 'trash/v']) await done(rest('PUT', `/files/home/${key}`, 'x'));
    await done(rest('DELETE', '/files/home/trash/?recursive=true'));
    await done(rest('PUT', '/files/home/free/secret/x', 'x'));
  });
  after(() => gateway?.stop());

  const rest = (method: string, path: string, body?: object | string) =>
    fetch(`${gateway.restUrl.replace(/\/$/, '')}${path}`, {
      method,
      headers: { authorization, ...(typeof body === 'object' ? { 'content-type': 'application/json' } : {}) },
      ...(body === undefined ? {} : { body: typeof body === 'object' ? JSON.stringify(body) : body }),
    });
  const dav = (method: string, path: string, headers: Record<string, string> = {}) =>
    fetch(`${gateway.webdavUrl}${path}`, { method, headers: { authorization, ...headers } });
  const s3 = (method: string, path: string, body?: string, headers: Record<string, string> = {}) =>
    fetch(presign(method, `${gateway.s3Url.replace(/\/$/, '')}/home${path}`, gateway, new Date()), {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
  async function done(call: Promise<Response>): Promise<Response> {
    const answer = await call;
    expect(answer.status, `${answer.url} ${await answer.clone().text()}`).to.be.within(200, 204);
    return answer;
  }
  const at = (key: string) => ({ bucket: 'home', key });
  async function deny(action: string, resource: string, more: object = {}): Promise<void> {
    const statement = { Effect: 'Deny', Principal: '*', Action: action, Resource: `arn:aws:s3:::home/${resource}`, ...more };
    await done(s3('PUT', '?policy', JSON.stringify({ Version: '2012-10-17', Statement: [statement] })));
  }
  /** All that there is, trash included; by who may again. */
  async function everything(): Promise<string> {
    await done(s3('DELETE', '?policy'));
    return (await s3('GET', '?versions')).text();
  }

  /** Each with the action that a rule denies, and the folder that it is done to. */
  const operations: [string, string, string, (folder: string) => Promise<Response>][] = [
    ['REST copy', 'GetObject', 'f/', (f) => rest('POST', '/copy', { from: at(f), to: at('copied/') })],
    ['REST move', 'DeleteObject', 'f/', (f) => rest('POST', '/move', { from: at(f), to: at('moved/') })],
    ['REST move of what may not be read', 'GetObject', 'f/', (f) => rest('POST', '/move', { from: at(f), to: at('moved/') })],
    ['REST delete', 'DeleteObject', 'f/', (f) => rest('DELETE', `/files/home/${f}?recursive=true`)],
    ['DAV COPY', 'GetObject', 'f/', (f) => dav('COPY', `home/${f}`, { destination: `${gateway.webdavUrl}home/copied/` })],
    ['DAV MOVE', 'DeleteObject', 'f/', (f) => dav('MOVE', `home/${f}`, { destination: `${gateway.webdavUrl}home/moved/` })],
    ['DAV DELETE', 'DeleteObject', 'f/', (f) => dav('DELETE', `home/${f}`)],
    ['a copy onto it', 'PutObject', 'f/', (f) => rest('POST', '/copy', { from: at('g/'), to: at(f), overwrite: true })],
    ['purge of the trash', 'DeleteObjectVersion', 'trash/', (f) => rest('POST', '/trash/purge', at(f))],
    ['purge of the whole trash', 'DeleteObjectVersion', 'trash/', () => rest('POST', '/trash/purge', at(''))],
    [
      'restore as of',
      'DeleteObject',
      'f/',
      (f) => rest('POST', '/restore-as-of', { bucket: 'home', prefix: f, at: then, conflict: 'replace', added: 'remove' }),
    ],
  ];
  for (const [name, action, folder, call] of operations)
    it(`keeps ${name} from it`, async () => {
      const there = await everything();
      await deny(`s3:${action}`, `${folder}secret/*`);
      expect((await call(folder)).status).to.equal(403);
      expect(await everything()).to.equal(there);
    });

  it('by the tags of an object, by a wildcard and by what it leaves out as well', async () => {
    const tags = { Condition: { StringEquals: { 's3:ExistingObjectTag/kind': 'legal' } } };
    for (const [resource, more] of [
      ['*', tags],
      ['*/x', {}],
      ['f/secret/x', {}],
      ['f/secre?/x', {}],
    ] as const) {
      await deny('s3:DeleteObject', resource, more);
      expect((await rest('DELETE', '/files/home/f/?recursive=true')).status, resource).to.equal(403);
    }
    const rest3 = { Resource: undefined, NotResource: ['arn:aws:s3:::home/f/a', 'arn:aws:s3:::home/g/*'] };
    await deny('s3:DeleteObject', '', rest3);
    expect((await rest('DELETE', '/files/home/f/?recursive=true')).status, 'NotResource').to.equal(403);
    expect((await rest('DELETE', '/files/home/g/?recursive=true')).status, 'NotResource').to.equal(204);
    await done(rest('POST', '/trash/restore', at('g/')));
  });

  it('keeps a file that may not be read from going where it may', async () => {
    await deny('s3:GetObject', 'f/secret/*');
    const moved = await s3('PUT', '/open?renameObject', undefined, { 'x-amz-rename-source': '/home/f/secret/x' });
    expect(moved.status).to.equal(403);
    expect((await rest('POST', '/move', { from: at('f/secret/x'), to: at('open') })).status).to.equal(403);
    const batch = { items: [{ op: 'move', from: at('f/secret/x'), to: at('open') }] };
    expect(await (await rest('POST', '/batch', batch)).text()).to.include('access_denied');
    expect((await rest('GET', '/stat/home/open')).status).to.equal(404);
    await done(s3('DELETE', '?policy'));
    const { versions } = (await (await rest('GET', '/versions/home/f/secret/x')).json()) as { versions: { versionId: string }[] };
    await deny('s3:GetObjectVersion', 'f/secret/*');
    const restored = await rest('POST', '/versions/restore', {
      ...at('f/secret/x'),
      versionId: versions[0]?.versionId,
      to: 'open',
    });
    expect([restored.status, (await rest('GET', '/stat/home/open')).status]).to.deep.equal([403, 404]);
  });

  it('keeps nothing from what it does not reach', async () => {
    await deny('s3:*', 'f/secret/*', { Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:DeleteObjectVersion'] });
    await done(rest('POST', '/copy', { from: at('g/'), to: at('g2/') }));
    await done(rest('POST', '/move', { from: at('g2/'), to: at('g3/') }));
    await done(rest('DELETE', '/files/home/g3/?recursive=true'));
    await done(rest('POST', '/trash/purge', at('g3/')));
    await done(dav('DELETE', 'home/free/'));
  });
});
