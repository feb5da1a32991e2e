import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { ServedDoor } from './door-suite.ts';

/** What clients count on beyond what the RFCs demand, or in spite of what they allow. */
export function describeCountedOn(server: () => ServedDoor): void {
  describe('what clients count on', () => itServes(server));
}

function itServes(server: () => ServedDoor): void {
  const send = (...args: Parameters<ServedDoor['send']>) => server().send(...args);

  it('keeps any time that a date can say, before 1970 too', async () => {
    const path = '/dav/home/times.txt';
    const told = async () => {
      const [alone, listed] = [
        await send('PROPFIND', path, { depth: '0' }),
        await send('PROPFIND', '/dav/home/', { depth: '1' }),
      ];
      const heard = /times\.txt<.*?getlastmodified>([^<]*)/s;
      expect(heard.exec(listed.body)?.[1]).to.equal(heard.exec(alone.body)?.[1]);
      expect((await send('HEAD', path)).headers['last-modified']).to.equal(heard.exec(alone.body)?.[1]);
      return heard.exec(alone.body)?.[1];
    };
    for (const [seconds, date] of [
      ['-18489600', 'Sun, 01 Jun 1969 00:00:00 GMT'],
      ['-0.5', 'Wed, 31 Dec 1969 23:59:59 GMT'],
      ['0', 'Thu, 01 Jan 1970 00:00:00 GMT'],
      ['4294967296.75', 'Sun, 07 Feb 2106 06:28:16 GMT'],
    ] as const) {
      expect((await send('PUT', path, { 'x-oc-mtime': seconds }, 'x')).headers['x-oc-mtime'], seconds).to.equal('accepted');
      expect(await told()).to.equal(date);
    }
    const set = (time: string) =>
      send(
        'PROPPATCH',
        path,
        {},
        `<propertyupdate xmlns="DAV:"><set><prop><getlastmodified>${time}</getlastmodified></prop></set></propertyupdate>`,
      );
    for (const time of ['-18489600', 'Sun, 01 Jun 1969 00:00:00 GMT']) {
      expect((await set('1600000000')).body).to.include('200 OK');
      expect((await set(time)).body, time).to.include('200 OK');
      expect(await told()).to.equal('Sun, 01 Jun 1969 00:00:00 GMT');
    }
    for (const none of ['999999999999', '+012345-01-01T00:00:00Z', '-', 'soon', '1e3'])
      expect((await set(none)).body, none).to.include('409 Conflict');
    for (const none of ['999999999999', '1e3', '-'])
      expect((await send('PUT', path, { 'x-oc-mtime': none }, 'x')).headers, none).to.not.have.property('x-oc-mtime');
  });

  // webdav3/client.py of webdavclient3: check (HEAD) before mkdir, upload, list, copy, move; what is neither 200 nor 404 ends it. sabre's CorePlugin::httpHead makes it 200 for that.
  it('webdavclient3 (Python): HEAD of a folder says that it is there', async () => {
    expect((await send('MKCOL', '/dav/home/asked')).status).to.equal(201);
    const shown = /<d:getetag>([^<]*)/.exec((await send('PROPFIND', '/dav/home/asked', { depth: '0' })).body)?.[1];
    for (const path of ['/dav/home/asked', '/dav/home/asked/']) {
      const head = await send('HEAD', path);
      expect([head.status, head.headers.etag, head.headers['content-length'], head.body]).to.deep.equal([200, shown, '0', '']);
      expect((await send('HEAD', path, { 'if-none-match': String(shown) })).status).to.equal(304);
      expect((await send('HEAD', path, { 'if-match': '"other"' })).status).to.equal(412);
      const get = await send('GET', path);
      expect([get.status, String(get.headers.allow).split(', ').includes('HEAD')]).to.deep.equal([405, true]);
    }
    for (const path of ['/dav/', '/dav/home', '/dav/home/']) expect((await send('HEAD', path)).status, path).to.equal(200);
    for (const path of ['/dav/home/none', '/dav/home/none/', '/dav/none/'])
      expect((await send('HEAD', path)).status).to.equal(404);
  });

  // webdav4/client.py of webdav4, by which fsspec and DVC come: get_props (exists, isdir, created, etag) sends no Depth and looks for the response of its own path.
  it('webdav4 (Python): a PROPFIND without Depth lists a folder, as sabre does', async () => {
    expect((await send('MKCOL', '/dav/home/depthless')).status).to.equal(201);
    expect((await send('MKCOL', '/dav/home/depthless/in')).status).to.equal(201);
    expect((await send('PUT', '/dav/home/depthless/in/deep', {}, 'x')).status).to.equal(201);
    const hrefs = async (path: string) =>
      [...(await send('PROPFIND', path)).body.matchAll(/<d:response><d:href>([^<]*)/g)].map((match) => match[1]);
    expect(await hrefs('/dav/home/depthless')).to.deep.equal(['/dav/home/depthless/', '/dav/home/depthless/in/']);
    expect(await hrefs('/dav/home/depthless/in/deep')).to.deep.equal(['/dav/home/depthless/in/deep']);
    expect(await hrefs('/dav/'))
      .to.include('/dav/')
      .and.include('/dav/home/');
    const asked = await send('PROPFIND', '/dav/home/depthless', { depth: 'infinity' });
    expect([asked.status, asked.body.includes('propfind-finite-depth')], 'who asks for all is not told a part').to.deep.equal([
      403,
      true,
    ]);
  });

  // rclone's backend/webdav/webdav.go for vendor owncloud: Hashes (MD5 before SHA1), Update ("If we set only SHA1 here, owncloud will calculate the MD5 too"), SetModTime.
  it('rclone (vendor owncloud): a file has an MD5 to be compared by, though it was sent with its SHA1', async () => {
    const agent = { 'user-agent': 'rclone/v1.68.2' };
    const path = '/dav/home/summed.txt';
    const [sha1, md5] = ['sha1', 'md5'].map((name) => createHash(name).update('bytes').digest('hex'));
    const sent = { ...agent, 'x-oc-mtime': '1500000000', 'oc-checksum': `SHA1:${sha1}` };
    expect((await send('PUT', path, sent, 'bytes')).status).to.equal(201);
    const ask = '<propfind xmlns="DAV:"><prop><checksums xmlns="http://owncloud.org/ns"/></prop></propfind>';
    const told = async () => /<oc:checksum>([^<]*)/.exec((await send('PROPFIND', path, { depth: '0' }, ask)).body)?.[1];
    expect(await told()).to.equal(`SHA1:${sha1} MD5:${md5}`);
    const again = (sum: string) =>
      `<D:propertyupdate xmlns:D="DAV:" xmlns:oc="http://owncloud.org/ns"><D:set><D:prop><lastmodified xmlns="DAV:">1500000001</lastmodified><oc:checksums><oc:checksum>${sum}</oc:checksum></oc:checksums></D:prop></D:set></D:propertyupdate>`;
    for (const sum of [`MD5:${md5}`, `SHA1:${sha1}`, `SHA1:${sha1} MD5:${md5}`])
      expect((await send('PROPPATCH', path, agent, again(sum))).body, sum).to.match(/checksums .*200 OK/);
    for (const sum of [`MD5:${sha1}`, `SHA1:${sha1} MD5:x`, ''])
      expect((await send('PROPPATCH', path, agent, again(sum))).body, sum).to.include('409 Conflict');
    expect(await told()).to.equal(`SHA1:${sha1} MD5:${md5}`);
  });
}
