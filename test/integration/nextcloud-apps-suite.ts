import { createHash, randomBytes } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import { expect } from 'chai';
import type { Answer, SendOptions } from '../support/requests.ts';

/** A request as the user, below the gateway's address. */
type Call = (method: string, path: string, options?: SendOptions, as?: string) => Promise<Answer>;

export interface AppsPlace {
  user: string;
  /** Of a guest, who owns no files. */
  guest: string;
  /** Of another user, who does. */
  other: string;
  webUrl(): string;
}

/** What Nextcloud's apps do beside reading and writing files; each request as the client's source named beside it sends it. */
export function describeApps(call: Call, { user, guest, other, webUrl }: AppsPlace): void {
  const files = `/remote.php/dav/files/${user}`;
  const trash = `/remote.php/dav/trashbin/${user}/trash`;
  const hrefs = ({ body }: Answer) =>
    [...body.toString().matchAll(/<d:response><d:href>([^<]*)/g)].map((match) => match[1] ?? '');
  const value = (text: string, name: string) => new RegExp(`<(?:oc|nc|d):${name}>([^<]*)<`).exec(text)?.[1];
  const propfind = (names: string[]) =>
    `<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns"><d:prop>${names.map((name) => `<${name}/>`).join('')}</d:prop></d:propfind>`;
  const of = (answer: Answer, href: string) =>
    answer.body
      .toString()
      .split('<d:response>')
      .find((part) => part.startsWith(`<d:href>${href}<`)) ?? '';
  const fileId = async (path: string) => {
    const body = propfind(['oc:fileid', 'nc:has-preview']);
    return Number(value((await call('PROPFIND', files + path, { headers: { depth: '0' }, body })).body.toString(), 'fileid'));
  };

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

  describe('the trash (android: resources/trashbin)', () => {
    const asked = propfind([
      'd:resourcetype',
      'd:getcontentlength',
      'd:getcontenttype',
      'd:getlastmodified',
      'oc:id',
      'oc:fileid',
      'oc:size',
      'oc:permissions',
      'nc:has-preview',
      'nc:trashbin-filename',
      'nc:trashbin-original-location',
      'nc:trashbin-deletion-time',
    ]);
    const list = (path = '') => call('PROPFIND', `${trash}${path}`, { headers: { depth: '1' }, body: asked });
    const restore = (path: string, to = `${webUrl()}/remote.php/dav/trashbin/${user}/restore/any`) =>
      call('MOVE', path, { headers: { destination: to, overwrite: 'T' } });

    before(async () => {
      await call('DELETE', trash);
      for (const folder of ['gone', 'gone/sub', 'here']) await call('MKCOL', `${files}/${folder}`);
      for (const [path, body] of [
        ['gone/a.txt', 'a'],
        ['gone/sub/b%20%23.txt', 'b'],
        ['here/c.png', png(50, 50)],
        ['top.txt', 'top'],
      ] as const)
        expect((await call('PUT', `${files}/${path}`, { body })).status).to.equal(201);
      for (const path of ['gone', 'here/c.png', 'top.txt'])
        expect((await call('DELETE', `${files}/${path}`)).status).to.equal(204);
    });

    it('lists what was deleted, where it was and when', async () => {
      const top = await list();
      expect(hrefs(top)).to.deep.equal([`${trash}/`, `${trash}/gone/`, `${trash}/here/`, `${trash}/top.txt`]);
      const file = of(top, `${trash}/top.txt`);
      expect(value(file, 'trashbin-filename')).to.equal('top.txt');
      expect(value(file, 'trashbin-original-location')).to.equal('top.txt');
      expect(Number(value(file, 'trashbin-deletion-time'))).to.be.greaterThan(1.7e9);
      expect(value(file, 'permissions')).to.equal('GD');
      expect(value(file, 'id'), 'android reads a number').to.equal(value(file, 'fileid'));
      expect(value(file, 'size')).to.equal('3');
      const folder = of(top, `${trash}/gone/`);
      expect(folder).to.include('<d:collection/>');
      expect(value(folder, 'trashbin-original-location')).to.equal('gone');
      expect(value(folder, 'fileid')).not.to.equal(value(of(top, `${trash}/here/`), 'fileid'));
      expect(of(top, `${trash}/`)).not.to.include('<nc:trashbin-filename>');
      const below = await list('/gone/sub');
      expect(hrefs(below)).to.deep.equal([`${trash}/gone/sub/`, `${trash}/gone/sub/b%20%23.txt`]);
      expect(value(of(below, `${trash}/gone/sub/b%20%23.txt`), 'trashbin-original-location')).to.equal('gone/sub/b #.txt');
      expect((await call('GET', `${trash}/gone/sub/b%20%23.txt`)).body.toString()).to.equal('b');
      const picture = of(await list('/here'), `${trash}/here/c.png`);
      expect(value(picture, 'has-preview')).to.equal('true');
      const preview = `/index.php/apps/files_trashbin/preview?fileId=${value(picture, 'fileid')}&x=128&y=128`;
      expect((await call('GET', preview)).headers['content-type']).to.equal('image/webp');
      expect((await call('GET', preview, {}, other)).status).to.equal(404);
    });

    it('gives back a file and a folder, and what has taken its place stays', async () => {
      await call('PUT', `${files}/top.txt`, { body: 'another' });
      await call('DELETE', `${files}/top.txt`);
      expect((await restore(`${trash}/top.txt`)).status).to.equal(201);
      expect((await call('GET', `${files}/top.txt`)).body.toString()).to.equal('another');
      expect((await restore(`${trash}/gone/`)).status).to.equal(201);
      expect((await call('GET', `${files}/gone/sub/b%20%23.txt`)).body.toString()).to.equal('b');
      expect((await list('/gone')).status, 'nothing of it is left').to.equal(404);
      expect((await restore(`${trash}/top.txt`)).status).to.equal(404);
    });

    it('refuses what is no way out of it, and other people', async () => {
      for (const [path, to, status] of [
        [`${trash}/here/c.png`, `${files}/c.png`, 403],
        [`${trash}/here/c.png`, `/remote.php/dav/trashbin/other/restore/c.png`, 403],
        [`${trash}/here/c.png`, `/remote.php/dav/versions/${user}/restore/c.png`, 403],
        [`${trash}/here/c.png`, 'http://elsewhere/x', 403],
        [`${trash}/`, undefined, 403],
        [`${trash}/nothing`, undefined, 404],
        [`${trash}/a%2fb`, undefined, 400],
      ] as const)
        expect((await restore(path, to)).status, `${path} ${to}`).to.equal(status);
      expect((await call('PUT', `${trash}/here/c.png`, { body: 'x' })).status).to.equal(405);
      expect((await call('PROPFIND', `${trash}/`, { headers: { depth: 'infinity' } })).status).to.equal(403);
      for (const method of ['PROPFIND', 'GET', 'MOVE', 'DELETE'])
        expect((await call(method, `${trash}/here/c.png`, {}, other)).status, method).to.equal(404);
    });

    it('removes one for good, and all', async () => {
      expect((await call('DELETE', `${trash}/here/c.png`)).status).to.equal(204);
      expect((await list('/here')).status).to.equal(404);
      await call('DELETE', `${files}/top.txt`);
      expect(hrefs(await list())).to.deep.equal([`${trash}/`, `${trash}/top.txt`]);
      expect((await call('DELETE', trash)).status).to.equal(204);
      expect(hrefs(await list())).to.deep.equal([`${trash}/`]);
    });
  });

  describe('searching', () => {
    const search = (
      where: string,
      {
        order = '',
        limit = '',
        props = ['oc:fileid', 'oc:favorite', 'd:getlastmodified'],
        scope = `/files/${user}`,
        depth = 'infinity',
      } = {},
    ) =>
      call('SEARCH', '/remote.php/dav/', {
        headers: { 'content-type': 'text/xml' },
        body:
          '<?xml version="1.0"?><d:searchrequest xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns"><d:basicsearch>' +
          `<d:select><d:prop>${props.map((name) => `<${name}/>`).join('')}</d:prop></d:select>` +
          `<d:from><d:scope><d:href>${scope}</d:href><d:depth>${depth}</d:depth></d:scope></d:from>` +
          `<d:where>${where}</d:where>${order}${limit}</d:basicsearch></d:searchrequest>`,
      });
    const like = (name: string, literal: string) =>
      `<d:like><d:prop><d:${name}/></d:prop><d:literal>${literal}</d:literal></d:like>`;
    const time = (word: string, literal: string | number, name = 'd:getlastmodified') =>
      `<d:${word}><d:prop><${name}/></d:prop><d:literal>${literal}</d:literal></d:${word}>`;
    const newest = '<d:orderby><d:order><d:prop><d:getlastmodified/></d:prop><d:descending/></d:order></d:orderby>';
    const names = (answer: Answer) => hrefs(answer).map((href) => href.slice(files.length));
    const at = '/searched';

    before(async () => {
      await call('MKCOL', files + at);
      await call('MKCOL', `${files}${at}/Holiday%20pics`);
      for (const [name, mtime] of [
        ['Holiday%20pics/one.jpg', 1_500_000_000],
        ['Holiday%20pics/two.MP4', 1_600_000_000],
        ['100%25_holiday.txt', 1_550_000_000],
        ['three.png', 1_700_000_000],
      ] as const)
        expect(
          (await call('PUT', `${files}${at}/${name}`, { body: name, headers: { 'x-oc-mtime': String(mtime) } })).status,
        ).to.equal(201);
    });

    it('is offered where Android looks for it (SearchRemoteOperation.kt: OPTIONS of the root, `isAllowed("SEARCH")`)', async () => {
      for (const path of ['/remote.php/dav', '/remote.php/dav/']) {
        const { status, headers } = await call('OPTIONS', path);
        expect([status, headers.allow, headers.dasl]).to.deep.equal([200, 'OPTIONS, SEARCH', '<DAV:basicsearch>']);
      }
      expect((await call('PUT', '/remote.php/dav/', { body: 'x' })).status).to.equal(405);
    });

    it('finds by name, files and folders (android: NcSearchMethod.java FILE_SEARCH; iOS: NKDataFileXML.swift requestBodySearchFileName)', async () => {
      const found = await search(like('displayname', '%holiday%'), { scope: `/files/${user}${at}` });
      expect(names(found)).to.have.members([`${at}/100%25_holiday.txt`, `${at}/Holiday%20pics/`]);
      expect(names(await search(like('displayname', '%hol\\%day%')))).to.deep.equal([]);
      const folders = `<d:and><d:is-collection/>${like('displayname', '%holiday%')}</d:and>`;
      expect(names(await search(folders))).to.deep.equal([`${at}/Holiday%20pics/`]);
      expect(names(await search(like('displayname', '%o%'), { scope: `/files/${user}${at}`, depth: '1' }))).to.not.include(
        `${at}/Holiday%20pics/one.jpg`,
      );
    });

    it('finds pictures and films, the newest first, between two times (android: GALLERY_SEARCH; iOS: requestBodySearchMedia)', async () => {
      const media = `<d:or>${like('getcontenttype', 'image/%')}${like('getcontenttype', 'video/%')}</d:or>`;
      const scope = `/files/${user}${at}`;
      expect(names(await search(media, { order: newest, scope }))).to.deep.equal([
        `${at}/three.png`,
        `${at}/Holiday%20pics/two.MP4`,
        `${at}/Holiday%20pics/one.jpg`,
      ]);
      const between = `<d:and>${time('lt', 1_650_000_000)}${time('gt', '2017-07-14T02:40:00+00:00')}${media}</d:and>`;
      expect(names(await search(between, { order: newest, scope }))).to.deep.equal([`${at}/Holiday%20pics/two.MP4`]);
      const limited = { order: newest, scope, limit: '<d:limit><d:nresults>1</d:nresults></d:limit>' };
      expect(names(await search(media, limited))).to.deep.equal([`${at}/three.png`]);
      const own = time('lt', 1_550_000_000, 'nc:metadata-photos-original_date_time');
      expect(names(await search(`<d:and>${media}${own}</d:and>`, { scope }))).to.deep.equal([`${at}/Holiday%20pics/one.jpg`]);
      const recent = time('gte', new Date(1_700_000_000_000).toISOString());
      expect(names(await search(recent, { order: newest, scope })))
        .to.include(`${at}/three.png`)
        .and.not.include(`${at}/Holiday%20pics/two.MP4`);
    });

    it('finds favorites, by search (android) and by report (iOS: getRequestBodyFileListingFavorites), and a file by its number', async () => {
      const mark = (path: string, text: string) =>
        call('PROPPATCH', files + path, {
          body: `<?xml version="1.0"?><d:propertyupdate xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:set><d:prop><oc:favorite>${text}</oc:favorite></d:prop></d:set></d:propertyupdate>`,
        });
      for (const path of [`${at}/three.png`, `${at}/Holiday%20pics`]) expect((await mark(path, '1')).status).to.equal(207);
      const favorite = '<d:eq><d:prop><oc:favorite/></d:prop><d:literal>yes</d:literal></d:eq>';
      const both = [`${at}/Holiday%20pics/`, `${at}/three.png`];
      const found = await search(favorite);
      expect(names(found)).to.have.members(both);
      expect(value(of(found, `${files}${at}/three.png`), 'favorite'), 'in the words that iOS looks for').to.equal('1');
      const filter = (rules: string) =>
        call('REPORT', files, {
          body: `<?xml version="1.0"?><oc:filter-files xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><oc:fileid/></d:prop><oc:filter-rules>${rules}</oc:filter-rules></oc:filter-files>`,
        });
      expect(names(await filter('<oc:favorite>1</oc:favorite>'))).to.have.members(both);
      expect((await filter('<oc:systemtag>3</oc:systemtag>')).status).to.equal(400);
      expect((await filter('')).status).to.equal(400);
      expect((await mark(`${at}/three.png`, '0')).status).to.equal(207);
      expect(names(await filter('<oc:favorite>1</oc:favorite>'))).to.deep.equal([`${at}/Holiday%20pics/`]);
      for (const path of [`${at}/three.png`, `${at}/Holiday%20pics`]) {
        const eq = `<d:eq><d:prop><oc:fileid/></d:prop><d:literal>${await fileId(path)}</d:literal></d:eq>`;
        expect(names(await search(eq)).map((name) => name.replace(/\/$/, ''))).to.deep.equal([path]);
      }
    });

    it('lets everybody search in turn', async () => {
      const all = await Promise.all(Array.from({ length: 12 }, () => search(like('displayname', 'three.png'))));
      expect(all.map(names)).to.deep.equal(all.map(() => [`${at}/three.png`]));
    });

    it('takes every literal as one', async () => {
      for (const literal of ['\\', '\\\\', '\\\\\\', 'a\\b%', "'; DROP TABLE slots; --", '_', 'x y', '%\\'])
        expect((await search(like('displayname', literal))).status, literal).to.equal(207);
      const equal = (literal: string) => `<d:eq><d:prop><d:displayname/></d:prop><d:literal>${literal}</d:literal></d:eq>`;
      expect(names(await search(equal('100%_holiday.txt')))).to.deep.equal([`${at}/100%25_holiday.txt`]);
      expect(names(await search(equal('%')))).to.deep.equal([]);
    });

    it('refuses what it does not look for, and is nobody else’s', async () => {
      for (const where of [
        '<d:contains>x</d:contains>',
        like('getetag', 'x'),
        like('displayname', '%a'.repeat(7)),
        like('displayname', 'x'.repeat(301)),
        '<d:lt><d:prop><d:getlastmodified/></d:prop><d:literal>soon</d:literal></d:lt>',
        '<d:like/>',
        `${'<d:not>'.repeat(55)}<d:is-collection/>${'</d:not>'.repeat(55)}`,
      ])
        expect((await search(where)).status, where.slice(0, 40)).to.equal(400);
      expect((await search('', { scope: '/files/other' })).status).to.equal(409);
      expect((await search('', { scope: `/files/${user}/../x` })).status).to.equal(400);
      expect((await call('SEARCH', '/remote.php/dav/', { body: '<a/>' })).status).to.equal(400);
      expect((await call('SEARCH', '/remote.php/dav/', {}, guest)).status).to.equal(404);
      expect((await call('SEARCH', '/dav/')).status, 'not at the plain door').to.equal(405);
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

/** A picture of one colour. */
function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = deflateSync(Buffer.alloc((width * 3 + 1) * height));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', head),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
