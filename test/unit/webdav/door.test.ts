import { expect } from 'chai';
import { ACTIONS, type Asked } from '#core/actions';
import { CloudStoreError } from '#core/errors';
import { METHOD_ACTIONS } from '#protocols/webdav/method-actions';
import { createMethods } from '#protocols/webdav/methods';
import { createRoutes, ROUTE_ACTIONS } from '#protocols/webdav/nextcloud/routes';
import { describeDoor } from './door-suite.ts';
import { serveDoor } from './serve-door.ts';

describeDoor('a namespace in memory', serveDoor);

describe('WebDAV and Nextcloud: what is served and its actions', () => {
  it('do not start with a method or a route that asks for no action', () => {
    const serve = async (): Promise<void> => undefined;
    const methods = Object.fromEntries(Object.keys(METHOD_ACTIONS).map((name) => [name, serve]));
    expect(createMethods(methods as never)('GET')).to.equal(serve);
    expect(() => createMethods({ ...methods, SEARCH: serve } as never)).to.throw('The method SEARCH does not say which action');
    const routes = Object.fromEntries(Object.keys(ROUTE_ACTIONS).map((name) => [name, name]));
    const serveOf = createRoutes(routes as never);
    for (const [path, route] of [
      ['/remote.php/dav/files/ann/a', 'files'],
      ['/remote.php/webdav/a?x', 'files'],
      ['/remote.php/dav/versions/ann/versions/1', 'versions'],
      ['/ocs/v2.php/cloud/user', 'ocs'],
      ['/index.php/login/v2', 'login'],
      ['/index.php/apps/files/', 'page'],
    ])
      expect(serveOf(path!), path).to.equal(route);
    expect(() => createRoutes({ ...routes, comments: 'x' } as never)).to.throw('The route comments does not say which action');
  });

  it('name only actions that there are', () => {
    for (const declared of [METHOD_ACTIONS, ROUTE_ACTIONS])
      for (const [name, asked] of Object.entries<Asked>(declared))
        for (const action of 'none' in asked ? [] : asked) expect(ACTIONS, name).to.have.property(action);
  });
});

describe('WebDAV: a folder that was listed before', () => {
  let server: Awaited<ReturnType<typeof serveDoor>>;
  before(async () => {
    server = await serveDoor();
  });
  after(() => server.close());

  for (const [what, count] of [
    ['large', 1200],
    ['small', 3],
  ] as const)
    it(`is listed once, and refused to who may not list it any more (${what})`, () => listsOnce(what, count));

  async function listsOnce(what: string, count: number): Promise<void> {
    await server.plant(
      'home',
      Array.from({ length: count }, (_, i) => [`${what}/entry-${i}`, 'x']),
    );
    const list = () => server.send('PROPFIND', `/dav/home/${what}/`, { depth: '1' });
    const first = await list();
    const { namespace } = server.store;
    const given: (number | undefined)[] = [];
    const listing = namespace.listFolder;
    namespace.listFolder = async (who, at, query, begin) => {
      const page = await listing(who, at, query, begin);
      given.push(page.count ?? undefined);
      return page;
    };
    const second = await list();
    expect([second.status, second.body === first.body]).to.deep.equal([207, true]);
    expect(given, 'only whether it is as it was').to.deep.equal([undefined]);
    const held = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
    expect((await server.send('LOCK', `/dav/home/${what}/entry-1`, {}, held)).status).to.equal(200);
    const locked = (await list()).body.split('<d:activelock>').length - 1;
    expect(locked, 'a lock moves no ETag').to.equal(1);
    namespace.listFolder = async () => {
      throw new CloudStoreError('access_denied', 'not any more');
    };
    expect((await list()).status).to.equal(403);
    const file = await server.send('PROPFIND', `/dav/home/${what}/entry-2`, { depth: '1' });
    expect(file.status, 'a file is no list').to.equal(207);
    namespace.listFolder = listing;
  }
});

describe('WebDAV: behind a proxy that shows it by another name', () => {
  it('takes Destination and If by that name, by its own and as a path, and no other', async () => {
    const server = await serveDoor({ publicUrl: 'https://files.example:8443/' });
    const own = `http://${server.host}:${server.port}`;
    const held = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
    await server.send('PUT', '/dav/home/0', {}, 'x');
    let at = 0;
    const move = async (origin: string) => {
      const to = `/dav/home/${at + 1}`;
      const { status } = await server.send('MOVE', `/dav/home/${at}`, { destination: `${origin}${to}`, overwrite: 'F' });
      if (status === 201) at++;
      return status;
    };
    for (const origin of ['https://files.example:8443', own, '', 'https://FILES.example:8443', 'http://files.example:8443'])
      expect(await move(origin), origin).to.equal(201);
    for (const origin of [
      'https://files.example',
      'https://files.example:8444',
      'https://evil.example:8443',
      'ftp://files.example:8443',
    ])
      expect(await move(origin), origin).to.equal(502);
    const path = `/dav/home/${at}`;
    const token = String((await server.send('LOCK', path, { depth: '0' }, held)).headers['lock-token']);
    for (const origin of ['https://files.example:8443', own, ''])
      expect((await server.send('PUT', path, { if: `<${origin}${path}> (${token})` }, 'y')).status, origin).to.equal(204);
    expect((await server.send('PUT', path, { if: `<https://evil.example${path}> (${token})` }, 'y')).status).to.equal(412);
    await server.close();
  });
});

describe('WebDAV: refusals of the authenticator', () => {
  it('says 429 to a flood of wrong passwords, and when to come back', async () => {
    const server = await serveDoor();
    const { status, headers } = await server.send('GET', '/dav/home/x', {}, '', 'flood');
    await server.close();
    expect([status, headers['retry-after']]).to.deep.equal([429, '30']);
  });
});
