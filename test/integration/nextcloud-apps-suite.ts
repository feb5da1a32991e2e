import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { Answer } from '../support/requests.ts';
import { type AppsScene, png } from './nextcloud-apps-scene.ts';

/** What Nextcloud's apps do beside reading and writing files; each request as the client's source named beside it sends it. */
export function describeApps({ call, files, hrefs, value, propfind, of, fileId, user, guest, other, webUrl }: AppsScene): void {
  describe('pictures', () => {
    let id: number;
    before(async () => {
      await call('MKCOL', `${files}/pics`);
      expect((await call('PUT', `${files}/pics/a%20b.png`, { body: png(300, 200) })).status).to.equal(201);
      await call('PUT', `${files}/pics/broken.png`, { body: Buffer.alloc(100, 'x') });
      await call('PUT', `${files}/pics/text.txt`, { body: 'text' });
      const listed = await call('PROPFIND', `${files}/pics/`, {
        headers: { depth: '1' },
        body: propfind(['oc:fileid', 'nc:has-preview']),
      });
      expect(value(of(listed, `${files}/pics/a%20b.png`), 'has-preview')).to.equal('true');
      expect(value(of(listed, `${files}/pics/text.txt`), 'has-preview')).to.equal('false');
      expect(value(of(listed, `${files}/pics/`), 'has-preview')).to.equal('false');
      id = Number(value(of(listed, `${files}/pics/a%20b.png`), 'fileid'));
    });

    it('are given by id (android: ThumbnailsCacheManager; iOS: NextcloudKit downloadPreview) and by path (desktop: ThumbnailJob)', async () => {
      for (const path of [
        `/index.php/core/preview?fileId=${id}&x=256&y=256&a=1&mode=cover&forceIcon=0`,
        `/index.php/core/preview?fileId=${id}&x=-1&y=200`,
        '/index.php/core/preview.png?file=/pics/a%20b.png&x=200&y=200',
        '/index.php/apps/files/api/v1/thumbnail/150/150/pics/a%20b.png',
      ]) {
        const answer = await call('GET', path);
        expect([answer.status, answer.headers['content-type']], path).to.deep.equal([200, 'image/webp']);
        expect(answer.body.subarray(8, 12).toString(), path).to.equal('WEBP');
        const again = await call('GET', path, { headers: { 'if-none-match': String(answer.headers.etag) } });
        expect(again.status).to.equal(304);
      }
      expect((await call('HEAD', `/index.php/core/preview?fileId=${id}`)).status).to.equal(200);
    });

    it('follow a file that is renamed, and change with what is in it', async () => {
      const before = await call('GET', `/index.php/core/preview?fileId=${id}&x=64&y=64`);
      await call('MOVE', `${files}/pics/a%20b.png`, { headers: { destination: `${files}/pics/renamed.png` } });
      const after = await call('GET', `/index.php/core/preview?fileId=${id}&x=64&y=64`);
      expect([after.status, after.headers.etag]).to.deep.equal([200, before.headers.etag]);
      await call('PUT', `${files}/pics/renamed.png`, { body: png(20, 20) });
      expect((await call('GET', `/index.php/core/preview?fileId=${id}&x=64&y=64`)).headers.etag).not.to.equal(
        before.headers.etag,
      );
    });

    it('are none of what is no picture, or not the caller’s; wrong questions are refused', async () => {
      const text = await fileId('/pics/text.txt');
      const broken = await fileId('/pics/broken.png');
      for (const [path, status] of [
        [`/index.php/core/preview?fileId=${text}`, 404],
        [`/index.php/core/preview?fileId=${broken}`, 404],
        [`/index.php/core/preview?fileId=${await fileId('/pics')}`, 404],
        ['/index.php/core/preview?fileId=999999999', 404],
        ['/index.php/core/preview?fileId=x', 400],
        ['/index.php/core/preview', 400],
        [`/index.php/core/preview?fileId=${id}&x=a`, 400],
        ['/index.php/core/preview.png?file=/../secret&x=1&y=1', 400],
        ['/index.php/apps/files/api/v1/thumbnail/64/64/nothing.png', 404],
        ['/index.php/apps/files/api/v1/thumbnail/64/64/pics%2fx.png', 400],
      ] as const)
        expect((await call('GET', path)).status, path).to.equal(status);
      const own = `/index.php/core/preview?fileId=${id}&x=64&y=64`;
      expect((await call('GET', own, {}, other)).status, 'another user').to.equal(404);
      expect((await call('GET', own, {}, guest)).status, 'a guest').to.equal(404);
      expect((await call('GET', own, {}, 'Basic eDp5')).status).to.equal(401);
      expect((await call('POST', own)).status).to.equal(405);
    });
  });

  describe('many files at once (desktop: BulkPropagatorJob, PutMultiFileJob)', () => {
    const boundary = 'boundary_.oOo._a/b+c=';
    const part = (path: string, body: string | Buffer, extra: Record<string, string> = {}) => {
      const headers = {
        'content-length': String(Buffer.byteLength(body)),
        'x-file-path': path,
        'x-file-md5': createHash('md5').update(body).digest('hex'),
        'x-file-mtime': '1500000000',
        ...extra,
      };
      const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      return Buffer.concat([Buffer.from(`--${boundary}\r\n${head.join('')}\r\n`), Buffer.from(body), Buffer.from('\r\n')]);
    };
    const post = (parts: Buffer[], end = `--${boundary}--\r\n`, as?: string) =>
      call(
        'POST',
        '/remote.php/dav/bulk',
        {
          headers: { 'content-type': `multipart/related; boundary="${boundary}"` },
          body: Buffer.concat([...parts, Buffer.from(end)]),
        },
        as,
      );
    const told = (answer: Answer): Record<string, Record<string, unknown>> => JSON.parse(answer.body.toString());
    before(() => call('MKCOL', `${files}/bulk`));

    it('stores each, and tells of each what a PUT would', async () => {
      const large = randomBytes(700_000);
      const answer = await post([
        ...Array.from({ length: 40 }, (_, i) => part(`/bulk/${i}`, `number ${i}`)),
        part('/bulk/ünï %41 #.txt', 'odd\r\n--boundary\r\n'),
        part('/bulk/large', large),
        part('/bulk/empty', ''),
      ]);
      expect([answer.status, Object.keys(told(answer)).length]).to.deep.equal([200, 43]);
      const one = told(answer)['/bulk/7'] ?? {};
      const got = await call('GET', `${files}/bulk/7`);
      expect(got.body.toString()).to.equal('number 7');
      expect(got.headers.etag).to.equal(`"${one.etag}"`);
      expect(got.headers['last-modified']).to.equal('Fri, 14 Jul 2017 02:40:00 GMT');
      expect(one).to.include({ error: false, 'X-OC-MTime': 'accepted', permissions: 'GDNVW', 'OC-ETag': one.etag });
      const id = await call('PROPFIND', `${files}/bulk/7`, { headers: { depth: '0' }, body: propfind(['oc:id']) });
      expect(one['OC-FileID']).to.equal(value(id.body.toString(), 'id'));
      expect((await call('GET', `${files}/bulk/%C3%BCn%C3%AF%20%2541%20%23.txt`)).body.toString()).to.equal(
        'odd\r\n--boundary\r\n',
      );
      expect((await call('GET', `${files}/bulk/large`)).body.equals(large)).to.equal(true);
      expect((await call('HEAD', `${files}/bulk/empty`)).headers['content-length']).to.equal('0');
    });

    it('fails one without the others', async () => {
      const { etag } = (await call('HEAD', `${files}/bulk/1`)).headers;
      const answers = told(
        await post([
          part('/bulk/1', 'changed', { 'if-match': String(etag) }),
          part('/bulk/2', 'changed', { 'if-match': '"other"' }),
          part('/bulk/wrong', 'x', { 'x-file-md5': '0'.repeat(32) }),
          part('/bulk/none', 'x', { 'x-file-md5': '' }),
          part('/no/parent', 'x'),
          part('/bulk', 'a folder'),
          part('/bulk/../escape', 'x'),
          part('', 'x'),
          part('/bulk/last', 'x'),
        ]),
      );
      const failed = Object.entries(answers).flatMap(([path, { error }]) => (error === true ? [path] : []));
      expect(failed).to.have.members(['/bulk/2', '/bulk/wrong', '/bulk/none', '/no/parent', '/bulk', '/bulk/../escape', '']);
      expect((await call('GET', `${files}/bulk/1`)).body.toString()).to.equal('changed');
      expect((await call('GET', `${files}/bulk/2`)).body.toString()).to.equal('number 2');
      expect((await call('GET', `${files}/bulk/wrong`)).status).to.equal(404);
    });

    it('is 400 for a body that breaks, with what was stored before; and for nobody else', async () => {
      for (const [parts, end] of [
        [[part('/bulk/kept', 'x')], ''],
        [[part('/bulk/kept', 'x')], '--other--\r\n'],
        [[part('/bulk/kept', 'x'), part('/bulk/short', 'x', { 'content-length': '50' })], undefined],
        [[part('/bulk/kept', 'x'), part('/bulk/long', 'xyz', { 'content-length': '1' })], undefined],
        [[part('/bulk/kept', 'x'), part('/bulk/n', 'x', { 'content-length': 'n' })], undefined],
        [[part('/bulk/kept', 'x'), Buffer.from(`--${boundary}\r\nno colon\r\n\r\n`)], undefined],
        [[part('/bulk/kept', 'x'), Buffer.alloc(40_000, 'y')], undefined],
      ] as const) {
        const answer = await post([...parts], end);
        expect([answer.status, told(answer)['/bulk/kept']?.error], String(end)).to.deep.equal([400, false]);
      }
      expect((await call('POST', '/remote.php/dav/bulk', { body: 'x' })).status, 'no multipart').to.equal(400);
      expect((await call('PUT', '/remote.php/dav/bulk', { body: 'x' })).status).to.equal(405);
      expect((await post([part('/x', 'x')], undefined, guest)).status).to.equal(404);
      expect((await post([part('/x', 'x')], undefined, 'Basic eDp5')).status).to.equal(401);
    });
  });

  describe('versions (android: ReadFileVersionsRemoteOperation, RestoreFileVersionRemoteOperation)', () => {
    const base = `/remote.php/dav/versions/${user}/versions`;
    const asked = propfind(['d:getcontentlength', 'd:getcontenttype', 'd:getlastmodified', 'oc:size']);
    const put = (body: string, mtime: number) =>
      call('PUT', `${files}/versioned.txt`, { body, headers: { 'x-oc-mtime': String(mtime) } });
    let id: number;
    const list = () => call('PROPFIND', `${base}/${id}`, { headers: { depth: '1' }, body: asked });

    before(async () => {
      for (const [body, mtime] of [
        ['first', 1_500_000_000],
        ['second', 1_600_000_000],
        ['third', 1_600_000_000],
        ['now', 1_700_000_000],
      ] as const)
        await put(body, mtime);
      id = await fileId('/versioned.txt');
    });

    it('are listed by the second of their time, which clients make their names of', async () => {
      const listed = await list();
      expect(hrefs(listed)).to.deep.equal([
        `${base}/${id}/`,
        `${base}/${id}/1600000000`,
        `${base}/${id}/1599999999`,
        `${base}/${id}/1500000000`,
      ]);
      for (const href of hrefs(listed).slice(1)) {
        const seconds = Date.parse(value(of(listed, href), 'getlastmodified') ?? '') / 1000;
        expect(href, 'its own time').to.equal(`${base}/${id}/${seconds}`);
      }
      expect((await call('GET', `${base}/${id}/1500000000`)).body.toString()).to.equal('first');
      expect((await call('GET', `${base}/${id}/1600000000`)).body.toString()).to.equal('third');
    });

    it('come back, also after a rename, and what was there is a version then', async () => {
      await call('MOVE', `${files}/versioned.txt`, { headers: { destination: `${files}/moved.txt` } });
      const destination = `${webUrl()}/remote.php/dav/versions/${user}/restore/${id}`;
      const restored = await call('MOVE', `${base}/${id}/1500000000`, { headers: { destination } });
      expect(restored.status).to.equal(201);
      expect((await call('GET', `${files}/moved.txt`)).body.toString()).to.equal('first');
      expect(hrefs(await list())).to.include(`${base}/${id}/1700000000`);
      expect((await call('MOVE', `${base}/${id}/1700000000`, { headers: { destination: `${files}/x` } })).status).to.equal(403);
      expect((await call('DELETE', `${base}/${id}/1700000000`)).status).to.equal(204);
      expect((await call('GET', `${base}/${id}/1700000000`)).status).to.equal(404);
    });

    it('are nobody else’s', async () => {
      for (const method of ['PROPFIND', 'GET', 'MOVE', 'DELETE']) {
        expect((await call(method, `${base}/${id}/1500000000`, {}, other)).status, method).to.equal(404);
        const own = `/remote.php/dav/versions/other/versions/${id}/1500000000`;
        expect((await call(method, own, {}, other)).status, `${method} by the number alone`).to.equal(404);
      }
      expect((await call('PROPFIND', `${base}/999999`, { headers: { depth: '1' } })).status).to.equal(404);
      expect((await call('PUT', `${base}/${id}/1500000000`, { body: 'x' })).status).to.equal(405);
    });
  });
}
