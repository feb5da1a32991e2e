import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { ServedDoor } from './door-suite.ts';

/**
 * What clients send when they mount, look and save, in their order, with what makes them work. Each names the source or the log in an issue that it follows, or is reconstructed from
 * documentation and general knowledge: none is a capture of ours. gvfs, davfs2, rclone, cadaver and nextcloudcmd run for real in test/e2e.
 */
export function describeTraces(server: () => ServedDoor): void {
  describe('clients, request by request', () => itServes(server));
}

function itServes(server: () => ServedDoor): void {
  const send = (...args: Parameters<ServedDoor['send']>) => server().send(...args);
  const home = '/dav/traces';
  before(async () => {
    await send('MKCOL', home);
  });
  const LOCK = (owner: string) =>
    `<?xml version="1.0" encoding="utf-8"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>${owner}</D:owner></D:lockinfo>`;

  // The order of a save: logs in pydio/pydio-core#581 and owncloud/core#24753 (PROPFIND 404, PUT, PROPFIND of ._NAME, LOCK, looks without the token, PUT, UNLOCK). The bodies of looks, of the
  // room left and of LOCK: Apple's webdavfs, mount.tproj/http.c, http_stat, http_statfs and http_lock. Chunks and their length: owncloud/core#20502 and its neighbours. Of the probed names .localized,
  // .DS_Store and ._.DS_Store: the log in nextcloud/server#9533; the others: reconstructed.
  it('Finder (macOS): mounts, asks for the room left, probes its hidden files, and saves in chunks under a lock', async () => {
    const agent = { 'user-agent': 'WebDAVFS/3.0.0 (03008000) Darwin/24.0.0 (arm64)' };
    const path = `${home}/finder`;
    await send('MKCOL', path, agent);
    // It looks for the classes on the refusal too: without level 2 it mounts read-only.
    const refused = await send('OPTIONS', `${path}/`, { ...agent, authorization: 'Basic bm9ib2R5Og==' });
    expect([refused.status, String(refused.headers.dav)]).to.satisfy(
      ([status, dav]: [number, string]) => status === 401 && /\b1\b.*\b2\b/.test(dav),
    );
    const options = await send('OPTIONS', `${path}/`, agent);
    expect([options.status, String(options.headers.dav).split(', ').includes('2')]).to.deep.equal([200, true]);
    const statfs =
      '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:quota-available-bytes/><D:quota-used-bytes/><D:quota/><D:quotaused/></D:prop></D:propfind>';
    expect((await send('PROPFIND', `${path}/`, { ...agent, depth: '0' }, statfs)).body).to.match(
      /<d:quota-available-bytes>\d+<.*<d:quota-used-bytes>\d+</,
    );
    const look =
      '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:getlastmodified/><D:getcontentlength/><D:creationdate/><D:resourcetype/></D:prop></D:propfind>';
    for (const name of ['.localized', '.DS_Store', '._.DS_Store', '._.', '.hidden', '.Spotlight-V100', '.metadata_never_index']) {
      expect((await send('PROPFIND', `${path}/${name}`, { ...agent, depth: '0' }, look)).status, name).to.equal(404);
    }
    expect(
      (await send('PUT', `${path}/report.pdf`, { ...agent, 'transfer-encoding': 'chunked' }, '')).status,
      'first an empty file',
    ).to.equal(201);
    const locked = await send(
      'LOCK',
      `${path}/report.pdf`,
      { ...agent, depth: '0', timeout: 'Second-600' },
      LOCK('<D:href>http://www.apple.com/webdav_fs/</D:href>'),
    );
    const token = String(locked.headers['lock-token']);
    expect((await send('PROPFIND', `${path}/._report.pdf`, { ...agent, depth: '0' }, look)).status).to.equal(404);
    expect(
      (await send('PROPFIND', `${path}/report.pdf`, { ...agent, depth: '0' }, look)).status,
      'looks at what it locked',
    ).to.equal(207);
    expect((await send('GET', `${path}/report.pdf`, agent)).status, 'and reads it, without the token').to.equal(200);
    expect([locked.status, /^<(opaquelocktoken|urn:uuid):/.test(token), locked.body.includes('lockdiscovery')]).to.deep.equal([
      200,
      true,
      true,
    ]);
    const chunked = { ...agent, 'transfer-encoding': 'chunked', if: `(${token})` };
    expect(
      (await send('PUT', `${path}/report.pdf`, { ...chunked, 'x-expected-entity-length': '99' }, 'cut off')).status,
      'a short body',
    ).to.equal(400);
    expect((await send('PUT', `${path}/report.pdf`, { ...chunked, 'x-expected-entity-length': '5' }, 'whole')).status).to.equal(
      204,
    );
    expect(
      (await send('LOCK', `${path}/report.pdf`, { ...agent, if: `(${token})`, timeout: 'Second-600' })).status,
      'refreshed',
    ).to.equal(200);
    expect((await send('UNLOCK', `${path}/report.pdf`, { ...agent, 'lock-token': token })).status).to.equal(204);
    const { body } = await send('PROPFIND', `${path}/`, { ...agent, depth: '1' }, look);
    expect(body).to.match(/report\.pdf<.*<d:getcontentlength>5</s);
    expect(body, 'Finder stumbles over it').not.to.include('<d:location');
    expect(
      (
        await send('MOVE', `${path}/report.pdf`, {
          ...agent,
          destination: `http://${server().host}:${server().port}${path}/renamed.pdf`,
          overwrite: 'F',
        })
      ).status,
    ).to.equal(201);
    expect((await send('DELETE', `${path}/renamed.pdf`, agent)).status).to.equal(204);
  });

  // The order of a save, and the two PROPPATCHes: the log in mar10/wsgidav#112. LOCK without a Depth: the capture in swisspol/GCDWebServer#319. Looks at `/`: dgraziotin/docker-nginx-webdav-nononsense#8.
  // The token in If of PROPPATCH: cs3org/reva#4928. Lock-Token without brackets: sabre-io/dav, lib/DAV/Locks/Plugin.php, httpUnlock. The limit of 1 MB: ramondeklein/nwebdav#70.
  it('Windows (WebClient): asks at the root, wants the DAV headers and short listings, and stamps files with Win32 properties', async () => {
    const agent = { 'user-agent': 'Microsoft-WebDAV-MiniRedir/10.0.22631', translate: 'f' };
    const path = `${home}/windows`;
    const root = await send('OPTIONS', '/', agent);
    expect([root.status, root.headers['ms-author-via'], /\b1, 2/.test(String(root.headers.dav))]).to.deep.equal([
      200,
      'DAV',
      true,
    ]);
    expect((await send('PROPFIND', '/', { ...agent, depth: '0' })).status).to.equal(207);
    expect((await send('PROPFIND', '/dav', { ...agent, depth: '0' })).status).to.equal(207);
    await send('MKCOL', path, agent);
    expect((await send('PROPFIND', `${path}/new.txt`, { ...agent, depth: '0' })).status).to.equal(404);
    expect((await send('PUT', `${path}/new.txt`, { ...agent, 'content-length': '0' })).status).to.equal(201);
    const locked = await send('LOCK', `${path}/new.txt`, { ...agent, timeout: 'Second-3600' }, LOCK('<D:href>BOX\\ann</D:href>'));
    const token = String(locked.headers['lock-token']).slice(1, -1);
    const patch =
      '<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop><Z:Win32CreationTime>Wed, 25 Nov 2026 10:00:00 GMT</Z:Win32CreationTime><Z:Win32LastModifiedTime>Wed, 25 Nov 2026 10:00:00 GMT</Z:Win32LastModifiedTime><Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>';
    const patched = await send('PROPPATCH', `${path}/new.txt`, { ...agent, if: `(<${token}>)` }, patch);
    expect(patched.body).to.include('200 OK').and.not.include('403');
    expect((await send('HEAD', `${path}/new.txt`, agent)).status).to.equal(200);
    expect((await send('PUT', `${path}/new.txt`, { ...agent, if: `(<${token}>)` }, 'text')).status).to.equal(204);
    const stamp =
      '<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop><Z:Win32LastModifiedTime>Wed, 25 Nov 2020 10:00:00 GMT</Z:Win32LastModifiedTime><Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>';
    expect((await send('PROPPATCH', `${path}/new.txt`, { ...agent, if: `(<${token}>)` }, stamp)).body).to.include('200 OK');
    expect(
      (await send('HEAD', `${path}/new.txt`, agent)).headers['last-modified'],
      'the time of the file that was copied',
    ).to.equal('Wed, 25 Nov 2020 10:00:00 GMT');
    const kept = '<propfind xmlns="DAV:"><prop><Win32LastModifiedTime xmlns="urn:schemas-microsoft-com:"/></prop></propfind>';
    expect((await send('PROPFIND', `${path}/new.txt`, { ...agent, depth: '0' }, kept)).body).to.include(
      '>Wed, 25 Nov 2020 10:00:00 GMT<',
    );
    expect((await send('UNLOCK', `${path}/new.txt`, { ...agent, 'lock-token': token })).status, 'without brackets').to.equal(204);
    await server().plant(
      'traces',
      Array.from({ length: 300 }, (_, i) => [`windows/entry number ${i}.txt`, 'x']),
    );
    const listed = await send('PROPFIND', `${path}/`, { ...agent, depth: '1' });
    expect(listed.headers['content-type']).to.match(/^application\/xml/);
    expect(listed.body).to.match(/<d:creationdate>[^<]*Z<\/d:creationdate>/);
    expect(listed.body.length / 302, 'bytes an entry: it shows nothing of a listing above 1 MB').to.be.lessThan(400);
    expect((await send('HEAD', `${path}/new.txt`, agent)).status).to.equal(200);
    expect((await send('GET', `${path}/new.txt`, agent)).body).to.equal('text');
  });

  // MS-Author-Via: FubarDevelopment/WebDavServer#18. The owner of its lock: sabre-io/dav#955. An empty Bearer before it asks for a password: the log in mikedeboer/jsDAV#129. The file beside the
  // document: the log in OpenMarshal/npm-WebDAV-Server#37. Refreshes, without a body: sabre-io/dav#537; of which the token must be the same: FubarDevelopment/WebDavServer#24.
  it('Office: opens for writing, holds its lock while somebody edits, and saves by its token', async () => {
    const agent = { 'user-agent': 'Microsoft Office Word 2024 (16.0)' };
    const path = `${home}/letter.docx`;
    await send('PUT', path, {}, 'first');
    const options = await send('OPTIONS', `${home}/`, { ...agent, 'user-agent': 'Microsoft Office Protocol Discovery' });
    expect(options.headers['ms-author-via'], 'else it opens read-only').to.equal('DAV');
    expect((await send('HEAD', path, { ...agent, 'user-agent': 'Microsoft Office Existence Discovery' })).status).to.equal(200);
    const bearer = await send('GET', path, { ...agent, authorization: 'Bearer', translate: 'f', 'x-office-major-version': '16' });
    expect([bearer.status, String(bearer.headers['www-authenticate']).startsWith('Basic ')], 'is told how').to.deep.equal([
      401,
      true,
    ]);
    const owner = `${home}/~$letter.docx`;
    expect((await send('PUT', owner, agent, '')).status).to.equal(201);
    const held = String(
      (await send('LOCK', owner, { ...agent, timeout: 'Second-3600' }, LOCK('<D:href>box/ann</D:href>'))).headers['lock-token'],
    );
    expect((await send('HEAD', owner, agent)).status).to.equal(200);
    expect((await send('PUT', owner, { ...agent, if: `(${held})` }, 'ann')).status).to.equal(204);
    expect((await send('UNLOCK', owner, { ...agent, 'lock-token': held })).status).to.equal(204);
    const locked = await send('LOCK', path, { ...agent, timeout: 'Second-3600' }, LOCK('<D:href>box/ann</D:href>'));
    const token = String(locked.headers['lock-token']);
    const got = await send('GET', path, agent);
    expect([locked.status, got.body]).to.deep.equal([200, 'first']);
    const refreshed = await send('LOCK', path, { ...agent, if: `(${token})`, timeout: 'Second-3600' });
    expect([refreshed.status, refreshed.body.includes('<d:timeout>Second-3600<')]).to.deep.equal([200, true]);
    expect(refreshed.body, 'the same lock').to.include(token.slice(1, -1));
    expect((await send('PUT', path, agent, 'by another')).status).to.equal(423);
    expect((await send('PUT', path, { ...agent, if: `(${token})` }, 'second')).status).to.equal(204);
    expect((await send('HEAD', path, agent)).headers.etag).not.to.equal(got.headers.etag);
    expect((await send('UNLOCK', path, { ...agent, 'lock-token': token })).status).to.equal(204);
  });

  // GNOME/gvfs, daemon/gvfsbackenddav.c: try_move (looks at the target, then at the source, then MOVE), try_set_display_name, try_copy, try_push (looks at the target, then PUT); Overwrite F;
  // try_create (HEAD, then PUT without a condition), try_replace (HEAD and PUT by If-Match). Only the slashes of its MOVEs, as Caja sets them, are reconstructed.
  it('gvfs (GNOME Files, Caja): looks with Depth 0 and 1, writes on the condition of an ETag, and moves folders with a slash and without', async () => {
    const agent = { 'user-agent': 'gvfs/1.56.0' };
    const path = `${home}/gvfs`;
    const look =
      '<?xml version="1.0" encoding="utf-8" ?><D:propfind xmlns:D="DAV:"><D:prop><D:creationdate/><D:displayname/><D:getcontentlength/><D:getcontenttype/><D:getetag/><D:getlastmodified/><D:resourcetype/></D:prop></D:propfind>';
    expect((await send('OPTIONS', home, agent)).status).to.equal(200);
    expect((await send('MKCOL', `${path}/`, agent)).status).to.equal(201);
    expect((await send('PROPFIND', path, { ...agent, depth: '0' }, look)).body).to.include('<d:collection/>');
    expect((await send('HEAD', `${path}/a`, agent)).status, 'is the name free?').to.equal(404);
    expect((await send('PUT', `${path}/a`, agent, 'x')).status).to.equal(201);
    const known = { ...agent, 'if-match': String((await send('HEAD', `${path}/a`, agent)).headers.etag) };
    expect((await send('HEAD', `${path}/a`, known)).status).to.equal(200);
    expect((await send('PUT', `${path}/a`, known, 'y')).status).to.equal(204);
    expect((await send('HEAD', `${path}/a`, known)).status, 'it was changed by another').to.equal(412);
    expect((await send('PUT', `${path}/a`, known, 'z')).status).to.equal(412);
    expect((await send('PROPFIND', `${path}/pushed`, { ...agent, depth: '0' }, look)).status, 'is the name free?').to.equal(404);
    expect((await send('PUT', `${path}/pushed`, agent, 'pushed')).status).to.equal(201);
    for (const [method, name] of [
      ['COPY', 'copied'],
      ['MOVE', 'moved'],
    ] as const) {
      expect((await send('PROPFIND', `${path}/${name}`, { ...agent, depth: '0' }, look)).status).to.equal(404);
      expect((await send('PROPFIND', `${path}/pushed`, { ...agent, depth: '0' }, look)).body).to.include(
        '<d:getcontentlength>6<',
      );
      const target = { ...agent, destination: `${path}/${name}`, overwrite: 'F' };
      expect((await send(method, `${path}/pushed`, target)).status, name).to.equal(201);
    }
    const taken = { ...agent, destination: `${path}/copied`, overwrite: 'F' };
    expect((await send('MOVE', `${path}/moved`, taken)).status, 'it tells that the name is taken').to.equal(412);
    for (const [from, to] of [
      ['gvfs', 'gvfs2/'],
      ['gvfs2/', 'gvfs3'],
      ['gvfs3/', 'gvfs4/'],
    ]) {
      expect(
        (await send('MOVE', `${home}/${from}`, { ...agent, destination: `${home}/${to}`, overwrite: 'F' })).status,
        `${from} to ${to}`,
      ).to.equal(201);
    }
    expect((await send('DELETE', `${home}/gvfs4`, agent)).status).to.equal(204);
  });

  // KDE/kio, src/kioworkers/http/http.cpp: davStatList, davParsePropstats, davDestinationExists, copyPut, rename, copy, del, fileSystemFreeSpace.
  it('KDE (kio): asks for much that is not there, looks before it writes, and sends a Depth with what moves', async () => {
    const agent = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) KIO/6.10 kioworker/6.10.0' };
    const path = `${home}/kde`;
    expect((await send('MKCOL', path, agent)).status).to.equal(201);
    const look =
      '<?xml version="1.0" encoding="utf-8" ?><D:propfind xmlns:D="DAV:"><D:prop><D:creationdate/><D:getcontentlength/><D:displayname/><D:source/><D:getcontentlanguage/><D:getcontenttype/><D:getlastmodified/><D:getetag/><D:supportedlock/><D:lockdiscovery/><D:resourcetype/><D:quota-available-bytes/><D:quota-used-bytes/></D:prop></D:propfind>';
    const { status, body } = await send('PROPFIND', path, { ...agent, depth: '1' }, look);
    expect(status).to.equal(207);
    const [found, missing] = body.split('404 Not Found')[0]?.split('200 OK') ?? [];
    expect(found).to.include('<d:resourcetype>').and.include('<d:supportedlock>');
    expect(missing).to.include('<d:source/>');
    const free = await send('PROPFIND', path, { ...agent, depth: '0' }, look);
    expect(free.body, 'the room left').to.match(/<d:quota-available-bytes>\d+<.*<d:quota-used-bytes>\d+</);
    const exists =
      '<?xml version="1.0" encoding="utf-8" ?><D:propfind xmlns:D="DAV:"><D:prop><D:creationdate/><D:getcontentlength/><D:displayname/><D:resourcetype/></D:prop></D:propfind>';
    expect((await send('PROPFIND', `${path}/a`, { ...agent, depth: '0' }, exists)).status).to.equal(404);
    expect((await send('PUT', `${path}/a`, agent, 'x')).status).to.equal(201);
    const to = (name: string, overwrite: string) => ({
      ...agent,
      destination: `http://${server().host}:${server().port}${path}/${name}`,
      overwrite,
      depth: 'infinity',
    });
    expect((await send('COPY', `${path}/a`, to('b', 'F'))).status).to.equal(201);
    expect((await send('MOVE', `${path}/a`, to('c', 'F'))).status, 'a file, with a Depth').to.equal(201);
    expect((await send('MOVE', `${path}/c`, to('b', 'F'))).status).to.equal(412);
    expect((await send('MOVE', `${path}/c`, to('b', 'T'))).status).to.equal(204);
    expect((await send('MOVE', path, { ...to('', 'F'), destination: `${home}/kde2` })).status, 'a folder').to.equal(201);
    expect((await send('DELETE', `${home}/kde2`, agent)).status).to.equal(204);
  });

  // iterate-ch/cyberduck, webdav/src/main/java/ch/cyberduck/core/dav: DAVWriteFeature (Expect; an upload that is gone on with is a PUT with Content-Range) and DAVReadFeature (Translate, Range,
  // identity). The names that it lists by, and If-Range, are reconstructed.
  it('Cyberduck: lists with allprop-like names, goes on with downloads and uploads, and uploads under Expect', async () => {
    const agent = { 'user-agent': 'Cyberduck/9.1.0.42161 (Mac OS X/15.0) (aarch64)' };
    const path = `${home}/duck.bin`;
    const body = 'abcdefghij';
    const put = await send('PUT', path, { ...agent, expect: '100-continue', 'content-type': 'application/octet-stream' }, body);
    expect(put.status).to.equal(201);
    const look =
      '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><D:propfind xmlns:D="DAV:"><D:prop><D:creationdate/><D:displayname/><D:getcontentlength/><D:getcontenttype/><D:getetag/><D:getlastmodified/><D:resourcetype/><lastmodified xmlns="SAR:"/></D:prop></D:propfind>';
    const { body: listed } = await send('PROPFIND', `${home}/`, { ...agent, depth: '1' }, look);
    expect(listed).to.include(`${home}/duck.bin`).and.include('<d:getcontentlength>10<');
    const head = await send('HEAD', path, agent);
    expect(head.headers).to.include({ 'accept-ranges': 'bytes', 'content-length': '10' });
    const identity = { ...agent, translate: 'f', range: 'bytes=4-', 'accept-encoding': 'identity' };
    expect((await send('GET', path, identity)).body).to.equal('efghij');
    const more = { ...agent, expect: '100-continue', 'content-range': 'bytes 10-12/13' };
    expect((await send('PUT', path, more, 'klm')).status, 'goes on where it broke off').to.equal(204);
    expect((await send('GET', path)).body).to.equal('abcdefghijklm');
    const whole = await send('PUT', path, agent, body);
    const rest = await send('GET', path, { ...agent, range: 'bytes=4-', 'if-range': String(whole.headers.etag) });
    expect([rest.status, rest.headers['content-range'], rest.body]).to.deep.equal([206, 'bytes 4-9/10', 'efghij']);
    await send('PUT', path, agent, 'ABCDEFGHIJ');
    const anew = await send('GET', path, { ...agent, range: 'bytes=4-', 'if-range': String(whole.headers.etag) });
    expect([anew.status, anew.body], 'of another version, all of it').to.deep.equal([200, 'ABCDEFGHIJ']);
  });

  // notroj/cadaver, src/commands.c: execute_lock (Depth 0 for what is no collection), propop (a property by PROPPATCH). The headers are neon's and the list of properties cadaver's as its real run in
  // test/e2e/clients-webdav.test.ts sends them; their order is reconstructed.
  it('cadaver: looks, locks, sets a property under its lock, moves, and lets go', async () => {
    const agent = { 'user-agent': 'cadaver/0.24 neon/0.33.0' };
    const path = `${home}/cadaver.txt`;
    const tagged = (of: string) => `<http://${server().host}:${server().port}${of}>`;
    expect((await send('PUT', path, agent, 'text')).status).to.equal(201);
    const look =
      '<?xml version="1.0" encoding="utf-8"?>\n<propfind xmlns="DAV:"><prop>\n<getcontentlength xmlns="DAV:"/>\n<getlastmodified xmlns="DAV:"/>\n<executable xmlns="http://apache.org/dav/props/"/>\n<resourcetype xmlns="DAV:"/>\n<checked-in xmlns="DAV:"/>\n<checked-out xmlns="DAV:"/>\n</prop></propfind>\n';
    expect((await send('PROPFIND', `${home}/`, { ...agent, depth: '1' }, look)).status).to.equal(207);
    const token = String(
      (await send('LOCK', path, { ...agent, depth: '0', timeout: 'Second-3600' }, LOCK('me@cadaver'))).headers['lock-token'],
    );
    const set =
      '<?xml version="1.0" encoding="utf-8" ?>\n<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><colour xmlns="http://webdav.org/cadaver/custom-properties/">red</colour></D:prop></D:set></D:propertyupdate>\n';
    const patched = await send('PROPPATCH', path, { ...agent, if: `${tagged(path)} (${token})` }, set);
    expect(patched.status).to.equal(207);
    expect(patched.body).to.include('200 OK');
    expect((await send('PROPPATCH', path, agent, set)).status, 'without the token').to.equal(423);
    const moved = `${home}/cadaver2.txt`;
    const headers = { ...agent, destination: tagged(moved).slice(1, -1), overwrite: 'F', if: `${tagged(path)} (${token})` };
    expect((await send('MOVE', path, headers)).status).to.equal(201);
    const kept = await send('PROPFIND', moved, { ...agent, depth: '0' });
    expect(kept.body).to.include('>red<');
    expect((await send('PUT', moved, agent, 'free')).status, 'no lock went along').to.equal(204);
  });

  // rclone/rclone, backend/webdav/webdav.go: _mkdir (405: it is there), copyOrMove (X-OC-Mtime on COPY and MOVE), SetModTime (owncloudPropset, with the checksums again where it knows them), Open (GET with a
  // Depth), About, DirMove (both with a slash). What it lists by is reconstructed; its real run is in test/e2e/clients-webdav.test.ts.
  it('rclone (vendors other, owncloud, nextcloud): sets times as it can, asks for checksums, and copies on the server', async () => {
    const agent = { 'user-agent': 'rclone/v1.68.2' };
    const path = `${home}/rclone.txt`;
    const look = (names: string) =>
      `<?xml version="1.0"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns"><d:prop><d:displayname/><d:getlastmodified/><d:getcontentlength/><d:resourcetype/><d:getcontenttype/>${names}</d:prop></d:propfind>`;
    expect((await send('PROPFIND', path, { ...agent, depth: '0' }, look('<oc:checksums/>'))).status).to.equal(404);
    const sent = { ...agent, 'x-oc-mtime': '1500000000.25', 'oc-checksum': 'SHA1:4a5ce76a9d1a4b0ef5f1dbc3b3f1bbb2a3e9d6ca' };
    expect((await send('PUT', path, sent, 'other bytes')).status, 'a checksum of other bytes').to.equal(400);
    const right = { ...agent, 'x-oc-mtime': '1500000000', 'oc-checksum': `SHA1:${sha1('bytes')}` };
    const put = await send('PUT', path, right, 'bytes');
    expect([put.status, put.headers['x-oc-mtime']]).to.deep.equal([201, 'accepted']);
    const { body } = await send('PROPFIND', path, { ...agent, depth: '0' }, look('<oc:checksums/><oc:permissions/>'));
    expect(body)
      .to.include('Fri, 14 Jul 2017 02:40:00 GMT')
      .and.include(`SHA1:${sha1('bytes')}`);
    const touch =
      '<?xml version="1.0"?><d:propertyupdate xmlns:d="DAV:" xmlns:s="SAR:"><d:set><d:prop><d:lastmodified>1600000000</d:lastmodified></d:prop></d:set></d:propertyupdate>';
    expect((await send('PROPPATCH', path, agent, touch)).status, 'as newer ones set a time').to.equal(207);
    expect((await send('HEAD', path, agent)).headers['last-modified']).to.equal('Sun, 13 Sep 2020 12:26:40 GMT');
    const again = (sum: string): string =>
      `<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:oc="http://owncloud.org/ns"><D:set><D:prop><lastmodified xmlns="DAV:">1500000001</lastmodified><oc:checksums><oc:checksum>SHA1:${sum}</oc:checksum></oc:checksums></D:prop></D:set></D:propertyupdate>`;
    expect((await send('PROPPATCH', path, agent, again(sha1('bytes')))).body, 'with what is so already').to.match(
      /lastmodified\/>.*checksums .*200 OK/,
    );
    expect((await send('HEAD', path, agent)).headers['last-modified']).to.equal('Fri, 14 Jul 2017 02:40:01 GMT');
    expect((await send('PROPPATCH', path, agent, again(sha1('other')))).body)
      .to.include('409 Conflict')
      .and.include('424');
    const sums = (await send('PROPFIND', path, { ...agent, depth: '0' }, look('<oc:checksums/>'))).body;
    expect(sums, 'they are kept').to.include(`SHA1:${sha1('bytes')}`);
    expect((await send('GET', path, { ...agent, depth: '0' })).body).to.equal('bytes');
    const to = { ...agent, destination: `http://${server().host}:${server().port}${home}/copied.txt`, overwrite: 'F' };
    expect((await send('COPY', path, { ...to, 'x-oc-mtime': '1600000000' })).status).to.equal(201);
    expect((await send('MKCOL', `${home}/rclone/`, agent)).status).to.equal(201);
    expect((await send('MKCOL', `${home}/rclone/`, agent)).status, 'as it checks for a folder').to.equal(405);
    expect((await send('DELETE', `${home}/rclone/`, agent)).status).to.equal(204);
  });

  // davfs2, src/webdav.c (read in simonchen/davfs2): dav_init_connection, dav_lock (If-None-Match where it knows of no file), dav_head, dav_put, dav_unlock, dav_get_file, full_prop_names,
  // dav_set_execute, dav_quota, dav_move.
  it('davfs2: locks a name only if it is not there, writes, and lets go', async () => {
    const agent = { 'user-agent': 'davfs2/1.7.0 neon/0.33.0' };
    const path = `${home}/new by davfs2`.replaceAll(' ', '%20');
    expect(String((await send('OPTIONS', `${home}/`, agent)).headers.dav), 'else it mounts nothing, or without locks').to.match(
      /\b1, 2\b/,
    );
    const fresh = { ...agent, depth: '0', timeout: 'Second-1800', 'if-none-match': '*' };
    const locked = await send('LOCK', path, fresh, LOCK('ann'));
    const token = String(locked.headers['lock-token']);
    expect(locked.status).to.equal(201);
    await send('PUT', `${home}/davfs2-there`, agent, 'somebody else made it');
    expect((await send('LOCK', `${home}/davfs2-there`, fresh, LOCK('ann'))).status, 'told as EEXIST').to.equal(412);
    expect((await send('PUT', `${home}/davfs2-there`, agent, 'free')).status, 'and not locked').to.equal(204);
    const empty = await send('HEAD', path, agent);
    expect(String(empty.headers.etag), 'quoted').to.match(/^"[^"]+"$/);
    const put = await send(
      'PUT',
      path,
      { ...agent, 'if-match': String(empty.headers.etag), if: `<http://${server().host}:${server().port}${path}> (${token})` },
      'saved',
    );
    expect(put.status).to.equal(204);
    expect((await send('UNLOCK', path, { ...agent, 'lock-token': token })).status).to.equal(204);
    expect((await send('GET', path, { ...agent, 'if-none-match': String(put.headers.etag) })).status, 'from its cache').to.equal(
      304,
    );
    const look =
      '<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getetag/><getlastmodified/><executable xmlns="http://apache.org/dav/props/"/></prop></propfind>';
    expect((await send('PROPFIND', `${home}/`, { ...agent, depth: '1' }, look)).body).to.include('<d:getetag>"');
    expect(
      (
        await send(
          'PROPPATCH',
          path,
          agent,
          '<propertyupdate xmlns="DAV:"><set><prop><executable xmlns="http://apache.org/dav/props/">T</executable></prop></set></propertyupdate>',
        )
      ).status,
    ).to.equal(207);
  });
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}
