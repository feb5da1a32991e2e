import { connect } from 'node:net';
import { expect } from 'chai';
import { describeBadInput } from './bad-input-suite.ts';
import { describeCountedOn } from './counted-on-suite.ts';
import { describeExtensions } from './extensions-suite.ts';
import { describeRfc } from './rfc-suite.ts';
import type { Reply } from './serve-door.ts';

import { describeTraces } from './traces-suite.ts';

/** A door with its users `ann`, `bob` (both may everything) and `guest`, all with the password `pw`, and an empty bucket `home`. */
export interface ServedDoor {
  host: string;
  port: number;
  send(method: string, path: string, headers?: Record<string, string>, body?: string | Buffer, user?: string): Promise<Reply>;
  /** Writes as S3 does: any key, whatever it clashes with. */
  plant(bucket: string, objects: [key: string, text: string][]): Promise<void>;
  /** The door is part of a gateway, whose page for browsers is at `/`. */
  startPage?: true;
  /** Faults that were logged. */
  errors: unknown[];
  close(): Promise<unknown>;
}

const MARK = encodeURIComponent('\uec5a');
const hrefs = (body: string): string[] => [...body.matchAll(/<d:response><d:href>([^<]*)/g)].map((match) => match[1] ?? '');
const LOCK = (scope: string) =>
  `<?xml version="1.0"?><lockinfo xmlns="DAV:"><lockscope><${scope}/></lockscope><locktype><write/></locktype><owner><href>me</href></owner></lockinfo>`;
const PROP = (inside: string) => `<d:propfind xmlns:d="DAV:" xmlns:x="urn:x"><d:prop>${inside}</d:prop></d:propfind>`;

/** The same requests and answers, whatever namespace lies behind. */
export function describeDoor(name: string, make: () => Promise<ServedDoor>): void {
  describe(`WebDAV: the door on ${name}`, () => {
    let server: ServedDoor;
    before(async () => {
      server = await make();
      expect((await send('PUT', '/dav/home/a.txt', {}, '0123456789')).status).to.equal(201);
    });
    after(() => server?.close());
    afterEach(() => {
      expect(server.errors).to.deep.equal([]);
    });
    const send = (...args: Parameters<ServedDoor['send']>) => server.send(...args);

    it('asks for credentials with the DAV header', async () => {
      const refused = await send('PROPFIND', '/dav/', {}, '', 'nobody');
      expect(refused.status).to.equal(401);
      expect(refused.headers['www-authenticate']).to.match(/^Basic realm="CloudStore"/);
      expect(refused.headers.dav).to.match(/^1, 2, 3,/);
      expect((await send('GET', '/dav/home/x', { authorization: 'Basic %%%' })).status).to.equal(401);
      expect((await send('GET', '/dav/home/x', { authorization: 'Bearer abc' })).status).to.equal(401);
    });

    it('shows the root, the mount and the buckets', async () => {
      expect(hrefs((await send('PROPFIND', '/', { depth: '1' })).body)).to.deep.equal(['/', '/dav/']);
      expect(hrefs((await send('PROPFIND', '/dav', { depth: '1' })).body)).to.deep.equal(['/dav/', '/dav/home/']);
      expect((await send('PROPFIND', '/dav/home', { depth: 'infinity' })).body).to.include('propfind-finite-depth');
      expect((await send('PROPFIND', '/dav/none/x')).status).to.equal(404);
      expect((await send('OPTIONS', '/')).headers['ms-author-via']).to.equal('DAV');
      expect((await send('GET', '/')).status).to.equal(server.startPage ? 200 : 404);
      expect((await send('GET', '/dav/home/')).status).to.equal(405);
      expect((await send('BREW', '/dav/home/')).status).to.be.oneOf([400, 405]);
    });

    it('makes buckets where the caller may, and keeps their roots', async () => {
      expect((await send('MKCOL', '/dav/second')).status).to.equal(201);
      expect((await send('MKCOL', '/dav/second')).status).to.equal(405);
      expect((await send('MKCOL', '/dav/third', {}, '', 'guest')).status).to.equal(403);
      expect((await send('DELETE', '/dav/second/')).status).to.equal(403);
      expect((await send('MOVE', '/dav/second/', { destination: '/dav/home/second' })).status).to.equal(403);
      expect((await send('DELETE', '/dav/')).status).to.equal(403);
      expect((await send('PUT', '/dav/file', {}, 'x')).status).to.equal(405);
    });

    it('stores, tells and serves a file', async () => {
      const put = await send('PUT', '/dav/home/stored.txt', { 'x-oc-mtime': '1500000000' }, '0123456789');
      expect([put.status, put.headers['x-oc-mtime']]).to.deep.equal([201, 'accepted']);
      const got = await send('GET', '/dav/home/stored.txt');
      expect(got.headers).to.include({
        etag: put.headers.etag,
        'content-type': 'text/plain',
        'last-modified': 'Fri, 14 Jul 2017 02:40:00 GMT',
      });
      expect(got.body).to.equal('0123456789');
      expect((await send('PUT', '/dav/home/stored.txt', {}, '0123456789')).status).to.equal(204);
      const head = await send('HEAD', '/dav/home/stored.txt');
      expect([head.status, head.headers['content-length'], head.body]).to.deep.equal([200, '10', '']);
    });

    it('answers ranges, one and many, and If-Range', async () => {
      const range = (header: string, more = {}) => send('GET', '/dav/home/a.txt', { range: header, ...more });
      const one = await range('bytes=2-4');
      expect([one.status, one.headers['content-range'], one.body]).to.deep.equal([206, 'bytes 2-4/10', '234']);
      expect((await range('bytes=-3')).body).to.equal('789');
      const past = await range('bytes=10-');
      expect([past.status, past.headers['content-range']]).to.deep.equal([416, 'bytes */10']);
      const many = await range('bytes=0-1,20-30,8-');
      expect(many.status).to.equal(206);
      expect(many.body.length).to.equal(Number(many.headers['content-length']));
      expect(many.body).to.match(
        /Content-Range: bytes 0-1\/10\r\n\r\n01\r\n--[\s\S]*Content-Range: bytes 8-9\/10\r\n\r\n89\r\n--.*--\r\n$/,
      );
      expect((await range('bytes=2-4', { 'if-range': '"other"' })).status).to.equal(200);
      for (const odd of ['bytes=4-2', 'bytes=x', 'lines=1-2']) expect((await range(odd)).status, odd).to.equal(200);
    });

    it('honours HTTP conditions', async () => {
      const { etag, 'last-modified': modified } = (await send('HEAD', '/dav/home/a.txt')).headers as Record<string, string>;
      expect((await send('GET', '/dav/home/a.txt', { 'if-none-match': etag ?? '' })).status).to.equal(304);
      expect((await send('GET', '/dav/home/a.txt', { 'if-modified-since': modified ?? '' })).status).to.equal(304);
      expect((await send('PUT', '/dav/home/a.txt', { 'if-none-match': '*' }, 'x')).status).to.equal(412);
      expect((await send('PUT', '/dav/home/a.txt', { 'if-match': '"no"' }, 'x')).status).to.equal(412);
      expect((await send('DELETE', '/dav/home/a.txt', { if: '(["no"])' })).status).to.equal(412);
      expect((await send('PUT', '/dav/home/a.txt', { if: `([${etag}])` }, '0123456789')).status).to.equal(204);
    });

    it('answers what was asked: prop, propname, allprop, minimal, and the short form for Windows', async () => {
      const body = PROP('<d:getcontentlength/><x:none/><d:quota-used-bytes/>');
      const asked = await send('PROPFIND', '/dav/home/a.txt', { depth: '0' }, body);
      expect(asked.body)
        .to.include('<d:getcontentlength>10</d:getcontentlength>')
        .and.include('<x:none xmlns:x="urn:x"/>')
        .and.include('404 Not Found');
      const minimal = await send('PROPFIND', '/dav/home/a.txt', { depth: '0', prefer: 'return=minimal' }, body);
      expect(minimal.body).not.to.include('404');
      expect((await send('PROPFIND', '/dav/home/a.txt', { depth: '0', brief: 't' }, body)).body).not.to.include('404');
      expect((await send('PROPFIND', '/dav/home/', { depth: '0' }, PROP('<d:quota-used-bytes/>'))).body).to.match(
        /<d:quota-used-bytes>\d+</,
      );
      const names = await send('PROPFIND', '/dav/home/a.txt', { depth: '0' }, '<propfind xmlns="DAV:"><propname/></propfind>');
      expect(names.body).to.include('<d:getetag/>').and.not.include('quota');
      const windows = await send('PROPFIND', '/dav/home/', { depth: '1', 'user-agent': 'Microsoft-WebDAV-MiniRedir/10.0' });
      expect(windows.body).to.include('<d:creationdate>').and.not.include('lockentry');
    });

    it('keeps dead properties and the time that rclone sets, all or nothing', async () => {
      const patch = (inside: string) =>
        send(
          'PROPPATCH',
          '/dav/home/a.txt',
          {},
          `<d:propertyupdate xmlns:d="DAV:" xmlns:x="urn:x" xml:lang="de"><d:set><d:prop>${inside}</d:prop></d:set></d:propertyupdate>`,
        );
      expect((await patch('<x:color a="1">b<i>&amp;</i></x:color>')).body).to.include('200 OK');
      const refused = await patch('<x:other>1</x:other><d:getetag>x</d:getetag>');
      expect(refused.body)
        .to.include('403 Forbidden')
        .and.include('424 Failed Dependency')
        .and.include('cannot-modify-protected-property');
      const read = (await send('PROPFIND', '/dav/home/a.txt', { depth: '0' }, PROP('<x:color/><x:other/>'))).body;
      expect(read)
        .to.include('<x:color xmlns:x="urn:x" a="1" xml:lang="de">b<i xmlns="">&amp;</i></x:color>')
        .and.include('<x:other xmlns:x="urn:x"/>');
      expect((await patch('<d:lastmodified>1400000000</d:lastmodified>')).body).to.include('200 OK');
      expect((await send('HEAD', '/dav/home/a.txt')).headers['last-modified']).to.equal('Tue, 13 May 2014 16:53:20 GMT');
      expect((await patch('<d:getlastmodified>Tue, 13 May 2014 16:53:21 GMT</d:getlastmodified>')).body).to.include('200 OK');
      expect((await patch('<d:lastmodified>soon</d:lastmodified>')).body).to.include('409');
    });

    it('locks: tokens by principal, shared, refreshed, on what is not there yet', async () => {
      const made = await send('LOCK', '/dav/home/new.doc', { depth: '0', timeout: 'Second-100' }, LOCK('exclusive'));
      expect(made.status).to.equal(201);
      expect(made.body)
        .to.include('<d:timeout>Second-100</d:timeout>')
        .and.include('<d:lockroot><d:href>/dav/home/new.doc</d:href>');
      const token = String(made.headers['lock-token']);
      const refused = await send('PUT', '/dav/home/new.doc', {}, 'x');
      expect(refused.status).to.equal(423);
      expect(refused.body).to.include('<d:lock-token-submitted><d:href>/dav/home/new.doc</d:href>');
      expect((await send('PUT', '/dav/home/new.doc', { if: `(${token})` }, 'x', 'bob')).status).to.equal(423);
      expect((await send('PUT', '/dav/home/new.doc', { if: `(${token})` }, 'x')).status).to.equal(204);
      const second = await send('LOCK', '/dav/home/new.doc', {}, LOCK('shared'), 'bob');
      expect([second.status, second.body.includes('no-conflicting-lock')]).to.deep.equal([423, true]);
      expect((await send('LOCK', '/dav/home/new.doc', { if: `(${token})`, timeout: 'Second-7' })).body).to.include('Second-7<');
      expect((await send('LOCK', '/dav/home/new.doc')).status).to.equal(400);
      expect((await send('UNLOCK', '/dav/home/new.doc', { 'lock-token': '<urn:uuid:none>' })).status).to.equal(409);
      expect((await send('UNLOCK', '/dav/home/new.doc', { 'lock-token': token }, '', 'bob')).status).to.equal(403);
      expect((await send('UNLOCK', '/dav/home/new.doc', { 'lock-token': token })).status).to.equal(204);
      expect((await send('LOCK', '/dav/home/nowhere/new.doc', {}, LOCK('exclusive'))).status).to.equal(409);
      expect((await send('LOCK', '/dav/home/new.doc', {}, LOCK('friendly'))).status).to.equal(422);
    });

    it('copies and moves, and refuses what makes no sense', async () => {
      for (const folder of ['second', 'home/d']) await send('MKCOL', `/dav/${folder}`);
      await send('PUT', '/dav/home/d/f', {}, 'f');
      const go = async (method: string, from: string, destination: string, more = {}) =>
        (await send(method, from, { destination, ...more })).status;
      expect(await go('COPY', '/dav/home/d', '/dav/home/d/e')).to.equal(403);
      expect(await go('MOVE', '/dav/home/d', '/dav/home/d')).to.equal(403);
      expect(await go('MOVE', '/dav/home/d/f', '/dav/home/d')).to.equal(403);
      expect(await go('COPY', '/dav/home/d', '/dav/home/nowhere/d')).to.equal(409);
      expect(await go('COPY', '/dav/home/d', 'http://elsewhere/dav/home/x')).to.equal(502);
      expect(await go('MOVE', '/dav/home/d', '/dav/second/d')).to.equal(201);
      expect(hrefs((await send('PROPFIND', '/dav/second/d', { depth: '1' })).body)).to.deep.equal([
        '/dav/second/d/',
        '/dav/second/d/f',
      ]);
      expect(await go('COPY', '/dav/second/d', '/dav/home/d0', { depth: '0' })).to.equal(201);
      expect(await go('COPY', '/dav/second/d/f', '/dav/home/d0', { overwrite: 'F' })).to.equal(412);
      expect(await go('COPY', '/dav/second/d/f', '/dav/home/d0')).to.equal(204);
      expect(await go('MOVE', '/dav/home/d0', '/dav/second')).to.equal(403);
      expect((await send('DELETE', '/dav/second/d/', { depth: '0' })).status).to.equal(400);
      expect((await send('DELETE', '/dav/second/d')).status).to.equal(204);
    });

    it('shows every key that S3 can make, each under a name that leads back to it', async () => {
      await send('MKCOL', '/dav/odd-keys');
      const keys = [
        'a',
        'a!',
        'a/b',
        '/lead',
        'x//y',
        'x/../z',
        'x/.',
        'c\x07c',
        'dir/',
        'full/',
        'full/in',
        'per%cent',
        'q?#&\'"<>',
        '\ufffe',
      ];
      await server.plant(
        'odd-keys',
        keys.map((key) => [key, key === 'dir/' ? '' : key]),
      );
      const found: string[] = [];
      const walk = async (path: string): Promise<void> => {
        const { body } = await send('PROPFIND', path, { depth: '1' });
        for (const href of hrefs(body).slice(1)) {
          if (href.endsWith('/')) await walk(href);
          else {
            expect((await send('GET', href)).status, href).to.equal(200);
            found.push((await send('GET', href)).body);
          }
        }
      };
      await walk('/dav/odd-keys/');
      expect(found.sort()).to.deep.equal(keys.filter((key) => key !== 'dir/').sort());
      const top = hrefs((await send('PROPFIND', '/dav/odd-keys/', { depth: '1' })).body);
      expect(top).to.include('/dav/odd-keys/a').and.include(`/dav/odd-keys/a${MARK}folder/`);
      expect((await send('PROPFIND', '/dav/odd-keys/', { depth: '1' })).body).not.to.match(/[\x00-\x08\ufffe]/);
    });

    it('streams a folder of thousands whole', async () => {
      await send('MKCOL', '/dav/big-folder');
      const names = Array.from({ length: 2500 }, (_, i) => `file-${String(i).padStart(5, '0')}.txt`);
      await server.plant(
        'big-folder',
        names.map((name) => [name, 'x']),
      );
      const { body, headers } = await send('PROPFIND', '/dav/big-folder/', { depth: '1' });
      expect(hrefs(body)).to.have.length(2501);
      expect(headers['transfer-encoding']).to.equal('chunked');
      expect(body).to.match(/<\/d:multistatus>\n$/);
    });

    describeExtensions(() => server);
    describeTraces(() => server);
    describeCountedOn(() => server);
    describeRfc(() => server);
    describeBadInput(() => server);

    describe('bad input', () => {
      it('bodies that are no XML, too large, too deep or expanding', async () => {
        const bomb =
          '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><propfind xmlns="DAV:"><prop><x>&b;</x></prop></propfind>';
        const external =
          '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><propfind xmlns="DAV:"><prop><x>&a;</x></prop></propfind>';
        const deep = `<propfind xmlns="DAV:"><prop>${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}</prop></propfind>`;
        const wide = `<propfind xmlns="DAV:"><prop>${Array.from({ length: 600 }, (_, i) => `<a${i}/>`).join('')}</prop></propfind>`;
        for (const method of ['PROPFIND', 'PROPPATCH', 'LOCK']) {
          for (const body of [
            '<',
            '<a>',
            'text',
            '<a/>',
            '<d:propfind/>',
            '<propfind/>',
            bomb,
            external,
            deep,
            Buffer.from([0x3c, 0xff, 0x3e]),
          ]) {
            const { status, body: text } = await send(method, '/dav/home/a.txt', { depth: '0' }, body);
            expect(status, `${method} ${String(body).slice(0, 60)}`).to.equal(400);
            expect(text).to.equal('');
          }
          expect((await send(method, '/dav/home/a.txt', { depth: '0' }, '<a>'.padEnd(2 ** 20 + 1))).status).to.equal(413);
        }
        expect((await send('PROPFIND', '/dav/home/', { depth: '1' }, wide)).status).to.equal(400);
        expect((await send('MKCOL', '/dav/home/body', {}, '<mkcol xmlns="DAV:"/>')).status).to.equal(415);
        const wideText = Buffer.from('\ufeff<propfind xmlns="DAV:"><propname/></propfind>', 'utf16le');
        expect((await send('PROPFIND', '/dav/home/a.txt', { depth: '0' }, wideText)).status).to.equal(207);
      });

      it('paths that are none', async () => {
        const listing = async (): Promise<string[]> => hrefs((await send('PROPFIND', '/dav/home/', { depth: '1' })).body);
        const before = await listing();
        for (const path of [
          '%',
          '%00',
          '%ff',
          '%E0%A4%A',
          '%c0%ae',
          '..',
          '%2e%2e',
          'a%2f..',
          '../../etc/passwd',
          'a/./b',
          `${'x'.repeat(2000)}`,
        ]) {
          const method = path.length > 1000 ? 'PROPFIND' : 'PUT';
          for (const verb of [method, 'MKCOL', 'GET', 'PROPFIND', 'DELETE', 'LOCK']) {
            const { status, body } = await send(verb, `/dav/home/${path}`, { depth: '0' }, verb === 'PUT' ? 'x' : '');
            if (path.length < 1000) expect(status, `${verb} ${path}`).to.equal(400);
            expect(body).not.to.include('at ');
            if (path.length > 1000) break;
          }
        }
        expect(await listing()).to.deep.equal(before);
      });

      it('headers that are malformed', async () => {
        const status = async (method: string, headers: Record<string, string>, body = '') =>
          (await send(method, '/dav/home/a.txt', headers, body)).status;
        for (const bad of ['(', '()', '<x>', '([e])', 'Not', '(<t>) <x>']) {
          for (const method of ['PUT', 'DELETE', 'PROPFIND', 'PROPPATCH', 'LOCK', 'GET', 'MKCOL']) {
            const body =
              method === 'PROPPATCH'
                ? '<propertyupdate xmlns="DAV:"><set><prop><a/></prop></set></propertyupdate>'
                : method === 'PUT'
                  ? 'x'
                  : '';
            expect(await status(method, { if: bad, depth: '0' }, body), `${method} ${bad}`).to.equal(400);
          }
        }
        expect(await status('PROPFIND', { depth: '2' })).to.equal(400);
        expect(await status('MOVE', { destination: '/dav/home/%zz' })).to.equal(400);
        expect(await status('MOVE', {})).to.equal(400);
        expect(await status('COPY', { destination: '/dav/home/z', overwrite: 'maybe' })).to.equal(400);
        expect(await status('MOVE', { destination: '/dav/home/z', depth: '1' })).to.equal(400);
        expect(await status('UNLOCK', {})).to.equal(400);
        for (const range of ['bytes 0-1/10', 'bytes 5-4/10', 'bytes 9-9/5', 'bytes */10', 'lines 0-0/10', ''])
          expect(await status('PUT', { 'content-range': range }, 'x'), range).to.equal(400);
        expect((await send('GET', '/dav/home/a.txt')).body).to.equal('0123456789');
      });

      it('bodies that end too early leave what was there', async () => {
        expect(
          (await send('PUT', '/dav/home/a.txt', { 'transfer-encoding': 'chunked', 'x-expected-entity-length': '20' }, 'short'))
            .status,
        ).to.equal(400);
        const torn = (name: string) =>
          new Promise<void>((resolve) => {
            const socket = connect(server.port, server.host, () => {
              const authorization = `Basic ${Buffer.from('ann:pw').toString('base64')}`;
              socket.write(
                `PUT /dav/home/${name} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 100\r\n\r\n0123`,
              );
              setTimeout(() => socket.destroy(), 50);
            });
            socket.on('close', () => setTimeout(resolve, 50));
          });
        const { etag } = (await send('HEAD', '/dav/home/a.txt')).headers;
        for (const name of ['torn', 'a.txt']) await torn(name);
        expect((await send('GET', '/dav/home/torn')).status).to.equal(404);
        const old = await send('GET', '/dav/home/a.txt');
        expect([old.body, old.headers.etag], 'the old version').to.deep.equal(['0123456789', etag]);
      });
    });
  });
}
