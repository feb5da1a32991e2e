import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { type Answer, doorsOf, type SendOptions, send } from '../support/requests.ts';
import { appsScene } from './nextcloud-apps-scene.ts';
import { describeApps } from './nextcloud-apps-suite.ts';
import { describeFinding } from './nextcloud-finding-suite.ts';

const json = (answer: Answer) => JSON.parse(answer.body.toString());
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

describe("Nextcloud's dialect on a real gateway", function () {
  this.timeout(60_000);
  let gateway: TestGateway;
  const user = 'ann+b@x.org';
  const files = `/remote.php/dav/files/${user}`;
  const uploads = `/remote.php/dav/uploads/${encodeURIComponent(user)}`;
  before(async () => {
    gateway = await startGateway();
    for (const [name, role] of [
      [user, 'member'],
      ['gus', 'guest'],
      ['other', 'member'],
    ] as const) {
      const headers = { authorization: basic(gateway.user, gateway.password), 'content-type': 'application/json' };
      const body = JSON.stringify({ name, role, password: 'a password' });
      const made = await send('POST', `${gateway.restUrl}/users`, { headers, body });
      expect(made.status, made.body.toString()).to.equal(201);
    }
  });
  after(() => gateway?.stop());

  const call = (
    method: string,
    path: string,
    { headers, ...rest }: SendOptions = {},
    as = basic(user, 'a password'),
  ): Promise<Answer> => send(method, gateway.webUrl + path, { ...rest, headers: { authorization: as, ...headers } });
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const hrefs = (answer: Answer) => [...answer.body.toString().matchAll(/<d:response><d:href>([^<]*)/g)].map((match) => match[1]);

  it('says what it is, before anybody logs in', async () => {
    const status = json(await send('GET', `${gateway.webUrl}/status.php`));
    expect(status).to.include({ installed: true, maintenance: false, productname: 'CloudStore' });
    expect((await send('GET', `${gateway.webUrl}/index.php/204`)).status).to.equal(204);
    const open = json(await send('GET', `${gateway.webUrl}/ocs/v2.php/cloud/capabilities?format=json`));
    expect(open.ocs.data.capabilities).to.have.nested.property('theming.name', 'CloudStore');
    expect(open.ocs.data.capabilities.dav).to.deep.equal({ chunking: '1.0', trashbin: '1.0', bulkupload: '1.0' });
    const headers = { 'user-agent': 'Mozilla/5.0 (Linux) mirall/3.7.3git (nextcloudcmd)' };
    const desktop = json(await send('GET', `${gateway.webUrl}/ocs/v2.php/cloud/capabilities?format=json`, { headers }));
    expect(desktop.ocs.data.capabilities.dav, 'who breaks off at empty files').to.not.have.property('bulkupload');
    expect(open.ocs.data.capabilities.notify_push.endpoints.websocket).to.match(/^ws:.*\/push\/ws$/);
    expect((await send('GET', `${gateway.webUrl}/index.php/apps/files/`)).headers.location).to.equal('/');
    expect((await send('GET', `${gateway.webUrl}/index.php/avatar/${user}/128`)).status, 'no picture of anybody').to.equal(404);
  });

  it('answers OCS in both versions, as JSON and as XML', async () => {
    const second = json(await call('GET', '/ocs/v2.php/cloud/user?format=json'));
    expect(second.ocs.meta).to.include({ status: 'ok', statuscode: 200 });
    expect(second.ocs.data).to.include({ id: user, displayname: user });
    expect(second.ocs.data.quota.quota).to.equal(-3);
    expect(
      json(await call('GET', '/ocs/v1.php/cloud/user', { headers: { accept: 'application/json' } })).ocs.meta.statuscode,
    ).to.equal(100);
    const xml = await call('GET', '/ocs/v1.php/cloud/user');
    expect(xml.headers['content-type']).to.match(/^application\/xml/);
    expect(xml.body.toString()).to.include(`<id>${user}</id>`).and.include('<statuscode>100</statuscode>');
    const refused = await send('GET', `${gateway.webUrl}/ocs/v1.php/cloud/user?format=json`);
    expect([refused.status, json(refused).ocs.meta.statuscode]).to.deep.equal([401, 997]);
    expect((await call('GET', '/ocs/v2.php/apps/nothing?format=json')).status).to.equal(404);
    const old = await call('GET', '/ocs/v1.php/apps/nothing?format=json');
    expect([old.status, json(old).ocs.meta.statuscode]).to.deep.equal([200, 404]);
    expect(json(await call('GET', '/ocs/v2.php/apps/files_sharing/api/v1/shares?format=json')).ocs.data).to.deep.equal([]);
    // Android, CreateShareRemoteOperation.java: not offered by the capabilities, and so not pretended.
    const share = { headers: form, body: 'path=%2Fa.txt&shareType=3' };
    expect((await call('POST', '/ocs/v2.php/apps/files_sharing/api/v1/shares', share)).status).to.equal(404);
  });

  it('answers GET of the root, by which GNOME’s Online Accounts look whether it is there (goahttpclient.c)', async () => {
    for (const path of ['/remote.php/webdav/', '/remote.php/webdav', files, `${files}/`]) {
      const { status, headers } = await call('GET', path);
      expect([status, headers['content-type']], path).to.deep.equal([200, 'text/plain; charset=utf-8']);
    }
    expect((await send('GET', `${gateway.webUrl}/remote.php/webdav/`)).status).to.equal(401);
    expect((await call('MKCOL', `${files}/looked at`.replace(' ', '%20'))).status).to.equal(201);
    expect((await call('GET', `${files}/looked%20at`)).status).to.equal(405);
    expect((await call('DELETE', `${files}/looked%20at`)).status).to.equal(204);
  });

  it("shows a user's home under both paths, and nobody else's", async () => {
    const put = await call('PUT', `${files}/a.txt`, { body: 'a', headers: { 'x-oc-mtime': '1500000000' } });
    expect(put.status).to.equal(201);
    expect(put.headers).to.include({ 'x-oc-mtime': 'accepted', 'oc-etag': put.headers.etag }).and.have.property('oc-fileid');
    expect((await call('GET', '/remote.php/webdav/a.txt')).body.toString()).to.equal('a');
    expect((await call('GET', '/dav/home/a.txt')).body.toString(), 'the same file by the plain door').to.equal('a');
    expect(
      hrefs(await call('PROPFIND', `/remote.php/dav/files/${encodeURIComponent(user)}/`, { headers: { depth: '1' } })),
    ).to.deep.equal([`${files}/`, `${files}/a.txt`]);
    expect(hrefs(await call('PROPFIND', '/remote.php/webdav', { headers: { depth: '1' } }))).to.include(
      '/remote.php/webdav/a.txt',
    );
    expect((await call('PROPFIND', `/remote.php/dav/files/${gateway.user}/`, { headers: { depth: '0' } })).status).to.equal(404);
    expect(
      (await call('PROPFIND', '/remote.php/dav/files/gus/', { headers: { depth: '0' } }, basic('gus', 'a password'))).status,
    ).to.equal(404);
    expect((await call('DELETE', `${files}/`)).status).to.equal(403);
    expect((await call('MKCOL', `${files}/`)).status).to.equal(405);
    const moved = await call('MOVE', `${files}/a.txt`, {
      headers: { destination: `${gateway.webUrl}/remote.php/webdav/b%20c.txt` },
    });
    expect([moved.status, moved.headers['oc-fileid']]).to.deep.equal([201, put.headers['oc-fileid']]);
    expect(
      (await call('MOVE', `${files}/b%20c.txt`, { headers: { destination: `${gateway.webUrl}/dav/home/x` } })).status,
      'another mount',
    ).to.equal(502);
  });

  it('tells the properties, and ids that stay', async () => {
    const ask = async (path: string) => {
      const names = [
        'id',
        'fileid',
        'permissions',
        'size',
        'checksums',
        'share-types',
        'favorite',
        'data-fingerprint',
        'owner-id',
      ];
      const body = `<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><d:getetag/>${names.map((name) => `<oc:${name}/>`).join('')}</d:prop></d:propfind>`;
      return (await call('PROPFIND', files + path, { headers: { depth: '0' }, body })).body.toString();
    };
    const value = (text: string, name: string) => new RegExp(`<oc:${name}>([^<]*)<`).exec(text)?.[1];
    const there = Number(value(await ask('/'), 'size'));
    await call('MKCOL', `${files}/d`);
    await call('MKCOL', `${files}/d/e`);
    const sha1 = createHash('sha1').update('xyz').digest('hex');
    await call('PUT', `${files}/d/e/f`, { body: 'xyz', headers: { 'oc-checksum': `SHA1:${sha1}` } });
    const [root, folder, file] = await Promise.all([ask('/'), ask('/d/'), ask('/d/e/f')]);
    expect(value(file, 'permissions')).to.equal('GDNVW');
    expect(value(folder, 'permissions')).to.equal('GDNVCK');
    expect(value(root, 'permissions')).to.equal('GCK');
    expect(root).to.include('<oc:data-fingerprint/>');
    expect(value(folder, 'size'), 'of all below').to.equal('3');
    expect(value(root, 'size')).to.equal(`${there + 3}`);
    expect(value(file, 'size')).to.equal('3');
    expect(file)
      .to.include(`<oc:checksums><oc:checksum>SHA1:${sha1}</oc:checksum></oc:checksums>`)
      .and.include('<oc:share-types/>');
    expect(value(file, 'owner-id')).to.equal(user);
    await call('MOVE', `${files}/d`, { headers: { destination: `${files}/renamed` } });
    expect(value(await ask('/renamed/'), 'fileid')).to.equal(value(folder, 'fileid'));
    expect(value(await ask('/renamed/e/f'), 'id')).to.equal(value(file, 'id'));
    const before = await ask('/');
    await call('PUT', `${files}/renamed/e/f`, { body: 'new' });
    const etag = (text: string) => /<d:getetag>([^<]*)/.exec(text)?.[1];
    expect(etag(await ask('/')), 'every ancestor changes').not.to.equal(etag(before));
    // Desktop's choice of what to sync (selectivesyncdialog.cpp: LsColJob with resourcetype and size, Depth 1) shows the size of each folder.
    const body =
      '<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><d:resourcetype/><oc:size/></d:prop></d:propfind>';
    const sizes = async () => {
      const listed = (await call('PROPFIND', `${files}/`, { headers: { depth: '1' }, body })).body.toString();
      return [...listed.matchAll(/<d:collection\/>.*?<oc:size>(\d+)</g)].map((match) => Number(match[1]));
    };
    await call('PUT', `${files}/renamed/e/more`, { body: 'x'.repeat(1000) });
    await call('COPY', `${files}/renamed`, { headers: { destination: `${files}/twice` } });
    expect(await sizes()).to.deep.equal([there + 2006, 1003, 1003]);
    await call('DELETE', `${files}/renamed/e/more`);
    await call('DELETE', `${files}/twice`);
    expect(await sizes()).to.deep.equal([there + 3, 3]);
  });

  describe('uploads in parts', () => {
    const bytes = randomBytes(400_000);
    const sha1 = createHash('sha1').update(bytes).digest('hex');
    const piece = (from: number, to: number) => bytes.subarray(from, to);

    it('makes a file of parts that came in any order, in the order of their names', async () => {
      expect(
        (await call('MKCOL', `${uploads}/one`, { headers: { destination: `${gateway.webUrl}${files}/big` } })).status,
      ).to.equal(201);
      expect((await call('MKCOL', `${uploads}/one`)).status).to.equal(405);
      for (const [name, from, to] of [
        ['10', 300_000, 400_000],
        ['2', 100_000, 300_000],
        ['1', 0, 50_000],
        ['1', 0, 100_000],
      ] as const) {
        expect((await call('PUT', `${uploads}/one/${name}`, { body: piece(from, to) })).status).to.equal(201);
      }
      const listed = await call('PROPFIND', `${uploads}/one`, { headers: { depth: '1' } });
      expect(hrefs(listed).map((href) => href?.split('/').pop())).to.deep.equal(['', '00001', '00002', '00010']);
      const headers = {
        destination: `${gateway.webUrl}${files}/big`,
        'oc-total-length': '400000',
        'oc-checksum': `SHA1:${sha1}`,
        'x-oc-mtime': '1500000000',
      };
      expect((await call('MOVE', `${uploads}/one/.file`, { headers: { ...headers, 'oc-total-length': '1' } })).status).to.equal(
        400,
      );
      expect(
        (await call('MOVE', `${uploads}/one/.file`, { headers: { ...headers, 'oc-checksum': `SHA1:${'0'.repeat(40)}` } })).status,
      ).to.equal(400);
      const made = await call('MOVE', `${uploads}/one/.file`, { headers });
      expect([made.status, made.headers['x-oc-mtime']]).to.deep.equal([201, 'accepted']);
      const got = await call('GET', `${files}/big`);
      expect(got.body.equals(bytes)).to.equal(true);
      expect(got.headers).to.include({
        'oc-checksum': `SHA1:${sha1}`,
        etag: made.headers.etag,
        'last-modified': 'Fri, 14 Jul 2017 02:40:00 GMT',
      });
      expect((await call('PROPFIND', `${uploads}/one`)).status, 'it is over').to.equal(404);
    });

    it('takes parts that are named by their bytes, and lists what can be gone on from', async () => {
      await call('MKCOL', `${uploads}/two`);
      const name = (from: number, to: number) => `${String(from).padStart(16, '0')}-${String(to).padStart(16, '0')}`;
      for (const from of [0, 102_400, 307_200]) {
        await call('PUT', `${uploads}/two/${name(from, from + 102_399)}`, {
          body: piece(from, Math.min(400_000, from + 102_400)),
        });
      }
      const names = async () =>
        hrefs(await call('PROPFIND', `${uploads}/two/`, { headers: { depth: '1' } })).map((href) => href?.split('/').pop());
      expect(await names()).to.deep.equal(['', name(0, 102_399), name(102_400, 204_799)]);
      const headers = { destination: `${files}/two`, 'oc-total-length': '400000' };
      expect((await call('MOVE', `${uploads}/two/.file`, { headers })).status).to.equal(400);
      await call('PUT', `${uploads}/two/${name(204_800, 307_199)}`, { body: piece(204_800, 307_200) });
      expect(await names()).to.have.length(5);
      expect((await call('MOVE', `${uploads}/two/.file`, { headers })).status).to.equal(201);
      expect((await call('GET', `${files}/two`)).body.equals(bytes)).to.equal(true);
    });

    it('holds the conditions, locks and folders of the destination; what is refused can be tried again', async () => {
      await call('PUT', `${files}/big`, { body: 'old' });
      await call('MKCOL', `${files}/folder`);
      await call('MKCOL', `${uploads}/three`);
      await call('PUT', `${uploads}/three/1`, { body: 'new' });
      const move = (headers: Record<string, string>) =>
        call('MOVE', `${uploads}/three/.file`, { headers: { destination: `${files}/big`, ...headers } });
      const { etag } = (await call('HEAD', `${files}/big`)).headers;
      expect((await move({ destination: `${files}/no/where` })).status).to.equal(409);
      expect((await move({ destination: `${files}/folder` })).status, 'a folder').to.equal(405);
      expect((await move({ overwrite: 'F' })).status).to.equal(412);
      expect((await move({ if: `<${gateway.webUrl}${files}/big> (["other"])` })).status).to.equal(412);
      const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
      const lock = (await call('LOCK', `${files}/big`, { body })).headers['lock-token'];
      const locked = await move({});
      expect([locked.status, locked.body.toString().includes(`<d:href>${files}/big</d:href>`)]).to.deep.equal([423, true]);
      expect((await move({ if: `<${gateway.webUrl}${files}/big> (${lock} [${etag}])` })).status).to.equal(204);
      expect((await call('GET', `${files}/big`)).body.toString()).to.equal('new');
      await call('UNLOCK', `${files}/big`, { headers: { 'lock-token': String(lock) } });
    });

    it('forgets what is taken back, and refuses what is none', async () => {
      await call('MKCOL', `${uploads}/four`);
      expect((await call('DELETE', `${uploads}/four`)).status).to.equal(204);
      expect((await call('PUT', `${uploads}/four/1`, { body: 'x' })).status).to.equal(404);
      await call('MKCOL', `${uploads}/five`);
      for (const name of ['x', '-1', '99999999999999999999', '1.5', '%00', 'a%2fb']) {
        expect((await call('PUT', `${uploads}/five/${name}`, { body: 'x' })).status, name).to.equal(400);
      }
      expect(
        (await call('MOVE', `${uploads}/five/.file`, { headers: { destination: `${files}/none` } })).status,
        'no parts',
      ).to.equal(400);
      expect((await call('GET', `${uploads}/five/1`)).status).to.equal(405);
      expect((await call('MKCOL', `${uploads}/%2e%2e`)).status).to.be.oneOf([400, 404]);
      expect((await call('MKCOL', `/remote.php/dav/uploads/${gateway.user}/x`)).status, "another user's").to.equal(404);
    });
  });

  describe('logging in', () => {
    before(() => call('PUT', `${files}/reached`, { body: 'x' }));
    const begin = async () =>
      json(await send('POST', `${gateway.webUrl}/index.php/login/v2`, { headers: { 'user-agent': 'A phone <1>' } }));
    const poll = (flow: { poll: { token: string; endpoint: string } }) =>
      send('POST', flow.poll.endpoint, { headers: form, body: `token=${encodeURIComponent(flow.poll.token)}` });
    const type = (url: string, password: string) =>
      send('POST', url, { headers: form, body: `user=${encodeURIComponent(user)}&password=${encodeURIComponent(password)}` });

    it('by flow v2: the client waits, and gets an app password of its own once', async () => {
      const flow = await begin();
      expect((await poll(flow)).status).to.equal(404);
      const page = await send('GET', flow.login);
      expect(page.body.toString()).to.include('<b>A phone &lt;1&gt;</b>');
      expect(page.headers['content-security-policy']).to.match(/default-src 'none'.*frame-ancestors 'none'/);
      const german = await send('GET', flow.login, { headers: { 'accept-language': 'de-DE,de;q=0.9' } });
      expect(german.body.toString()).to.include('<html lang="de">').and.include('Anmelden und Zugriff erlauben');
      const wrong = await type(flow.login, 'wrong');
      expect([wrong.status, wrong.body.includes('wrong')]).to.deep.equal([401, true]);
      expect((await poll(flow)).status).to.equal(404);
      expect((await type(flow.login, 'a password')).status).to.equal(200);
      expect((await type(flow.login, 'a password')).status, 'used').to.equal(404);
      const got = await poll(flow);
      expect(json(got)).to.include({ server: gateway.webUrl, loginName: user });
      expect((await poll(flow)).status, 'told once').to.equal(404);
      const app = basic(user, json(got).appPassword);
      expect((await call('GET', `${files}/reached`, {}, app)).status).to.equal(200);
      const again = await begin();
      expect((await type(again.login, json(got).appPassword)).status, 'an app password makes no other').to.equal(403);
      expect(
        (await call('DELETE', '/ocs/v2.php/core/apppassword', {}, basic(user, 'a password'))).status,
        'not the password itself',
      ).to.equal(403);
      expect((await call('DELETE', '/ocs/v2.php/core/apppassword', {}, app)).status).to.equal(200);
      expect((await call('GET', `${files}/reached`, {}, app)).status, 'given back').to.equal(401);
    });

    it('by flow v1: the browser in the app is sent to an address that the app catches', async () => {
      const url = `${gateway.webUrl}/index.php/login/flow`;
      expect((await send('GET', url, { headers: { 'ocs-apirequest': 'true' } })).body.toString()).to.include(
        '<form method="post">',
      );
      const sent = await type(url, 'a password');
      const match = /^nc:\/\/login\/server:(.*)&user:(.*)&password:(.*)$/.exec(String(sent.headers.location));
      expect([sent.status, match?.[1], match?.[2]]).to.deep.equal([303, gateway.webUrl, encodeURIComponent(user)]);
      expect((await call('GET', `${files}/reached`, {}, basic(user, decodeURIComponent(match?.[3] ?? '')))).status).to.equal(200);
    });

    it('is begun so often from one network and no more, for nobody is asked who it is and each is kept for a while', async () => {
      const url = `${gateway.webUrl}/index.php/login/v2`;
      const statuses: number[] = [];
      let last = await send('POST', url);
      for (let n = 0; n < 60; n++) {
        statuses.push(last.status);
        last = await send('POST', url);
      }
      expect(statuses[0]).to.equal(200);
      expect([last.status, Number(last.headers['retry-after']) > 0]).to.deep.equal([429, true]);
    });
  });

  it('tells a waiting client at once that something changed, by whatever door', async () => {
    const socket = new WebSocket(`${gateway.webUrl.replace('http', 'ws')}/push/ws`);
    const heard: string[] = [];
    let wake = (): void => undefined;
    socket.on('message', (data) => {
      heard.push(String(data));
      wake();
    });
    const until = async (word: string): Promise<void> => {
      while (!heard.includes(word)) await new Promise<void>((resolve) => (wake = resolve));
    };
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(user);
    socket.send('a password');
    await until('authenticated');
    expect(heard).to.deep.equal(['authenticated']);
    const pong = new Promise((resolve) => socket.once('pong', resolve));
    socket.ping();
    await pong;
    await call('PUT', '/dav/home/from-the-other-door', { body: 'x' });
    await until('notify_file');
    await call('MKCOL', '/dav/home/by');
    await call('PUT', '/dav/home/by/number', { body: 'x' });
    const asked = '<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><oc:fileid/></d:prop></d:propfind>';
    const idOf = async (path: string): Promise<number> => {
      const answer = await call('PROPFIND', files + path, { headers: { depth: '0' }, body: asked });
      return Number(/<oc:fileid>(\d+)/.exec(answer.body.toString())?.[1]);
    };
    const [root, folder, file] = [await idOf('/'), await idOf('/by/'), await idOf('/by/number')];
    socket.send('listen notify_file_id');
    const word = 'notify_file_id ';
    // What is told first may be of a change before the wish was heard, or of the folder alone: the file is changed until it is told of itself.
    const told = (): number[][] => heard.flatMap((one) => (one.startsWith(word) ? [JSON.parse(one.slice(word.length))] : []));
    let ids: number[] | undefined;
    for (let n = 0; ids === undefined; n++) {
      const count = heard.length;
      await call('PUT', '/dav/home/by/number', { body: `${n}` });
      while (heard.length === count) await new Promise<void>((resolve) => (wake = resolve));
      ids = told().find((some) => some.includes(file));
    }
    expect(ids, 'and of what it lies in').to.include.members([root, folder]);
    socket.close();
    const stranger = new WebSocket(`${gateway.webUrl.replace('http', 'ws')}/push/ws`);
    const refused = new Promise<string>((resolve) => stranger.once('message', (data) => resolve(String(data))));
    await new Promise((resolve) => stranger.once('open', resolve));
    stranger.send(user);
    stranger.send('wrong');
    expect(await refused).to.equal('err: Invalid credentials');
    await new Promise((resolve) => stranger.once('close', resolve));
  });

  const scene = appsScene(call, {
    user,
    guest: basic('gus', 'a password'),
    other: basic('other', 'a password'),
    webUrl: () => gateway.webUrl,
  });
  describeApps(scene);
  describeFinding(scene);

  it('keeps S3 apart: an upload of parts is no file before it ends', async () => {
    const { s3 } = doorsOf(gateway);
    expect((await s3('GET', '.nextcloud-uploads/one')).status).to.equal(404);
  });
});
