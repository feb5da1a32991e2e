import { expect } from 'chai';
import type { Answer } from '../support/requests.ts';
import { type AppsScene, png } from './nextcloud-apps-scene.ts';

/** How Nextcloud's apps find what is there, and what was; each request as the client's source named beside it sends it. */
export function describeFinding({
  call,
  files,
  trash,
  hrefs,
  value,
  propfind,
  of,
  fileId,
  user,
  guest,
  other,
  webUrl,
}: AppsScene): void {
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
      for (const name of ['gone', 'top.txt']) await call('DELETE', `${trash}/${name}`);
      await call('PUT', `${files}/top.txt`, { body: 'top' });
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
}
