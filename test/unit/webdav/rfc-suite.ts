import { connect } from 'node:net';
import { expect } from 'chai';
import type { ServedDoor } from './door-suite.ts';

/** Sentences of RFC 4918, 6578, 9110 and 9112 that say MUST and that no other suite here holds, section by section. docs/WEBDAV-COVERAGE.md lists them all. */
export function describeRfc(server: () => ServedDoor): void {
  describe('what the RFCs say a server must', () => itObeys(server));
}

const LOCK = (owner = '', scope = '<D:exclusive/>', type = '<D:write/>'): string =>
  `<D:lockinfo xmlns:D="DAV:" xmlns:x="urn:x"><D:lockscope>${scope}</D:lockscope><D:locktype>${type}</D:locktype>${owner}</D:lockinfo>`;
const ASK = (name: string): string => `<propfind xmlns="DAV:"><prop><${name}/></prop></propfind>`;

function itObeys(server: () => ServedDoor): void {
  const send = (...args: Parameters<ServedDoor['send']>) => server().send(...args);
  const at = '/dav/rfc';
  /** The namespace in memory guards no names, and the server before it knows neither turns nor early refusals. */
  const gatewayIsMissing = (): boolean => server().startPage === undefined;
  const put = async (name: string): Promise<string> => {
    expect((await send('PUT', `${at}/${name}`, {}, 'x')).status, name).to.be.oneOf([201, 204]);
    return `${at}/${name}`;
  };
  const lock = async (path: string, depth = '0', body = LOCK()): Promise<string> => {
    const { status, headers } = await send('LOCK', path, { depth, timeout: 'Second-600' }, body);
    expect(status, path).to.be.oneOf([200, 201]);
    return String(headers['lock-token']);
  };
  const unlock = async (path: string, token: string): Promise<void> => {
    expect((await send('UNLOCK', path, { 'lock-token': token })).status).to.equal(204);
  };
  before(async () => {
    await send('MKCOL', at);
  });

  describe('RFC 4918', () => {
    it('§8.4: a body that would be ignored is refused, and nothing is done', async () => {
      const path = await put('body');
      for (const method of ['DELETE', 'COPY', 'MOVE', 'UNLOCK', 'GET', 'HEAD', 'OPTIONS']) {
        const headers = { destination: `${at}/elsewhere`, 'lock-token': '<urn:x>' };
        for (const more of [{}, { 'transfer-encoding': 'chunked' }])
          expect((await send(method, path, { ...headers, ...more }, '<x/>')).status, method).to.equal(415);
      }
      expect((await send('GET', path)).body).to.equal('x');
      expect((await send('GET', `${at}/elsewhere`)).status).to.equal(404);
      expect((await send('GET', path, { 'content-length': '0' })).status, 'none').to.equal(200);
      expect((await send('DELETE', path, { 'transfer-encoding': 'chunked' })).status, 'chunked, and of no chunk').to.equal(204);
    });

    it('§7.4: a lock on a collection guards who is in it; with Depth 0 the names, with infinity all that comes too', async () => {
      if (gatewayIsMissing()) return;
      const folder = `${at}/guarded`;
      await send('MKCOL', folder);
      await put('guarded/there');
      await put('outside');
      const adding: [method: string, path: string, headers?: Record<string, string>, body?: string][] = [
        ['PUT', `${folder}/new`, {}, 'x'],
        ['MKCOL', `${folder}/new`],
        ['LOCK', `${folder}/new`, { depth: '0' }, LOCK()],
        ['COPY', `${at}/outside`, { destination: `${folder}/new` }],
        ['MOVE', `${at}/outside`, { destination: `${folder}/new` }],
        ['MOVE', `${folder}/there`, { destination: `${at}/new` }],
        ['DELETE', `${folder}/there`],
        ['DELETE', folder],
        ['MOVE', folder, { destination: `${at}/new` }],
      ];
      for (const depth of ['0', 'infinity']) {
        const token = await lock(`${folder}/`, depth);
        for (const [method, path, headers = {}, body = ''] of adding)
          expect((await send(method, path, headers, body)).status, `${method} ${path}, ${depth}`).to.equal(423);
        const writes = await send('PUT', `${folder}/there`, {}, 'x');
        expect(writes.status, 'the bytes of a member').to.equal(depth === '0' ? 204 : 423);
        expect((await send('COPY', `${folder}/there`, { destination: `${at}/out` })).status, 'reading').to.be.oneOf([201, 204]);
        const tagged = { if: `<${folder}/> (${token})` };
        expect((await send('PUT', `${folder}/joined`, tagged, 'x')).status).to.be.oneOf([201, 204]);
        const { body } = await send('PROPFIND', `${folder}/joined`, { depth: '0' }, ASK('lockdiscovery'));
        expect(body.includes('<d:activelock>'), 'what joins is under it').to.equal(depth === 'infinity');
        await unlock(depth === 'infinity' ? `${folder}/joined` : folder, token);
      }
    });

    it('§7.5, §16: what is locked is named, at whichever end it lies', async () => {
      const [source, target] = [await put('source'), await put('target')];
      await send('MKCOL', `${at}/tree`);
      await put('tree/member');
      const named = async (method: string, path: string, headers = {}) => {
        const { status, body } = await send(method, path, headers);
        expect(status).to.equal(423);
        return /<d:lock-token-submitted><d:href>([^<]*)/.exec(body)?.[1];
      };
      let token = await lock(target);
      for (const method of ['COPY', 'MOVE'])
        expect(await named(method, source, { destination: target }), method).to.equal(target);
      expect(await named('MOVE', target, { destination: `${at}/free` })).to.equal(target);
      await unlock(target, token);
      const member = `${at}/tree/member`;
      token = await lock(member);
      expect(await named('DELETE', `${at}/tree`)).to.equal(member);
      expect(await named('MOVE', `${at}/tree/`, { destination: `${at}/tree2` })).to.equal(member);
      expect(await named('COPY', source, { destination: `${at}/tree` }), 'which would be replaced').to.equal(member);
      expect((await send('DELETE', `${at}/tree`, { if: `<${member}> (${token})` })).status).to.equal(204);
    });

    it('§7.6, §9.6: a lock neither goes along with what is moved or copied, nor outlives what is removed', async () => {
      const path = await put('once-locked');
      for (const method of ['MOVE', 'DELETE']) {
        const token = await lock(await put('once-locked'));
        const headers = { destination: `${at}/was-locked`, if: `(${token})` };
        expect((await send('COPY', path, { ...headers, destination: `${at}/copied` })).status).to.be.oneOf([201, 204]);
        expect((await send(method, path, method === 'MOVE' ? headers : { if: headers.if })).status).to.be.oneOf([201, 204]);
        for (const name of ['once-locked', 'copied', ...(method === 'MOVE' ? ['was-locked'] : [])]) await put(name);
      }
    });

    it('§9.10.2: a refresh ignores Depth, and answers without a Lock-Token', async () => {
      const path = await put('refreshed');
      const token = await lock(path);
      for (const depth of ['0', '1', 'infinity', 'x']) {
        const { status, headers } = await send('LOCK', path, { depth, if: `(${token})` });
        expect([status, headers['lock-token']], depth).to.deep.equal([200, undefined]);
      }
      await unlock(path, token);
      expect((await send('LOCK', path, { depth: '1' }, LOCK())).status, 'a new one does not').to.equal(400);
    });

    it('§9.10.3, §16: a lock that cannot be had tells which is in the way; below the folder, in a Multi-Status', async () => {
      const folder = `${at}/busy`;
      await send('MKCOL', folder);
      const path = await put('busy/a&b');
      const href = path.replace('&', '%26');
      const token = await lock(path);
      const direct = await send('LOCK', path, {}, LOCK());
      expect([direct.status, direct.body.includes(`<d:no-conflicting-lock><d:href>${href}<`)]).to.deep.equal([423, true]);
      const { status, body } = await send('LOCK', folder, {}, LOCK());
      expect(status).to.equal(207);
      expect(body)
        .to.include(`<d:href>${href}</d:href><d:status>HTTP/1.1 423 Locked`)
        .and.include(`<d:href>${folder}/</d:href><d:status>HTTP/1.1 424 Failed Dependency`);
      expect((await send('PROPFIND', folder, { depth: '0' }, ASK('lockdiscovery'))).body).not.to.include('activelock');
      await unlock(path, token);
      const above = await lock(folder, 'infinity');
      expect((await send('LOCK', path, {}, LOCK())).body, 'from above').to.include(`<d:href>${folder}<`);
      await unlock(folder, above);
    });

    it('§14.17: the owner of a lock is kept as a dead property is: its language, its attributes, what is in it', async () => {
      const owners: [sent: string, told: string][] = [
        ['<D:owner>ann</D:owner>', '<d:owner>ann</d:owner>'],
        ['<D:owner xml:lang="de">ich</D:owner>', '<d:owner xmlns:d="DAV:" xml:lang="de">ich</d:owner>'],
        [
          '<D:owner x:a="1"><x:b/></D:owner>',
          '<d:owner xmlns:d="DAV:" xmlns:a0="urn:x" a0:a="1"><x:b xmlns:x="urn:x"/></d:owner>',
        ],
        ['<D:owner><D:owner/></D:owner>', '<d:owner xmlns:d="DAV:"><d:owner xmlns:d="DAV:"/></d:owner>'],
      ];
      const path = await put('owned');
      for (const [sent, told] of owners) {
        const token = await lock(path, '0', LOCK(sent));
        expect((await send('PROPFIND', path, { depth: '0' }, ASK('lockdiscovery'))).body).to.include(told);
        await unlock(path, token);
      }
    });

    it('§17: what a body says beside what is known is ignored', async () => {
      const path = await put('extended');
      const token = await lock(path, '0', LOCK('<x:more/>', '<x:more/><D:shared/>', '<x:more><D:read/></x:more><D:write/>'));
      await unlock(path, token);
      for (const body of [LOCK('', '<x:only/>'), LOCK('', '<D:exclusive/><D:shared/>'), LOCK('', '<D:shared/>', '<x:only/>')])
        expect((await send('LOCK', path, {}, body)).status).to.equal(422);
      const patch =
        '<propertyupdate xmlns="DAV:"><x xmlns="urn:x"/><set><y xmlns="urn:x"/><prop><c xmlns="urn:x">1</c></prop></set></propertyupdate>';
      expect((await send('PROPPATCH', path, {}, patch)).body).to.include('200 OK');
      const asked = '<propfind xmlns="DAV:"><x xmlns="urn:x"><allprop xmlns="DAV:"/></x><prop><getetag/></prop></propfind>';
      expect((await send('PROPFIND', path, { depth: '0' }, asked)).body)
        .to.include('<d:getetag>')
        .and.not.include('resourcetype');
    });

    it('§9.9.2: a collection is moved whole or not at all; of a file, Depth says nothing', async () => {
      await send('MKCOL', `${at}/deep`);
      const path = await put('flat');
      expect((await send('MOVE', `${at}/deep`, { depth: '0', destination: `${at}/deeper` })).status).to.equal(400);
      expect((await send('MOVE', path, { depth: '1', destination: `${at}/flatter` })).status).to.equal(400);
      expect((await send('MOVE', path, { depth: '0', destination: `${at}/flatter` })).status).to.equal(201);
    });
  });

  it('RFC 6578 §5: a sync token in If holds as long as nothing below the folder has changed', async () => {
    const folder = `${at}/synced`;
    for (const path of [folder, `${folder}/sub`, `${at}/unsynced`]) await send('MKCOL', path);
    const tokenOf = async (path: string): Promise<string> =>
      /<d:sync-token>([^<]+)/.exec((await send('PROPFIND', path, { depth: '0' }, ASK('sync-token'))).body)?.[1] ?? '';
    const put = async (name: string, token: string, not = '') =>
      (await send('PUT', `${at}/${name}`, { if: `<${folder}/> (${not}<${token}>)` }, 'x')).status;
    const token = await tokenOf(folder);
    expect(await put('unsynced/a', token), 'elsewhere').to.equal(201);
    expect(await put('synced/sub/a', token), 'nothing changed below').to.equal(201);
    expect(await put('synced/b', token)).to.equal(412);
    expect(await put('synced/b', token, 'Not ')).to.equal(201);
    expect(await put('synced/b', await tokenOf(folder))).to.equal(204);
    expect(await put('synced/b', await tokenOf(`${at}/unsynced`)), "another folder's").to.equal(412);
    const renewed = await tokenOf(folder);
    await send('MOVE', folder, { destination: `${at}/synced2` });
    await send('MKCOL', folder);
    expect(await put('synced/b', renewed), 'of the folder that was here before').to.equal(412);
  });

  describe('RFC 9110', () => {
    it('§13.1.1: If-Match takes no weak tag, and refuses what is not there', async () => {
      const path = await put('matched');
      const { etag } = (await send('HEAD', path)).headers;
      expect((await send('PUT', path, { 'if-match': `W/${etag}` }, 'y')).status).to.equal(412);
      expect((await send('PUT', path, { 'if-match': `W/${etag}, ${etag}` }, 'y')).status).to.equal(204);
      expect((await send('GET', path, { 'if-none-match': `W/${(await send('HEAD', path)).headers.etag}` })).status).to.equal(304);
      expect((await send('MKCOL', `${at}/unmatched`, { 'if-match': '*' })).status).to.equal(412);
      expect((await send('MKCOL', '/dav/rfc-unmatched', { 'if-match': '*' })).status).to.equal(412);
      expect((await send('MKCOL', at, { 'if-match': '*' })).status, 'refused without it, too').to.equal(405);
      expect((await send('MKCOL', path, { 'if-match': '"x"' })).status).to.equal(405);
      expect((await send('PROPFIND', '/dav/rfc-unmatched', { depth: '0' })).status).to.equal(404);
    });

    it('§13.1.3: what is no date of HTTP is no condition', async () => {
      const path = await put('dated');
      for (const date of ['2040-01-01', 'Tomorrow', '4102444800', 'Jan 1, 2040'])
        expect((await send('GET', path, { 'if-modified-since': date })).status, date).to.equal(200);
      for (const date of ['Sun, 01 Jan 2040 00:00:00 GMT', 'Sunday, 01-Jan-40 00:00:00 GMT', 'Sun Jan  1 00:00:00 2040'])
        expect((await send('GET', path, { 'if-modified-since': date })).status, date).to.equal(304);
    });

    it('§15.5.6: 405 tells what is allowed, and not what it refuses', async () => {
      for (const [method, path] of [
        ['GET', `${at}/`],
        ['PUT', `${at}/`],
        ['MKCOL', at],
      ] as const) {
        const { status, headers } = await send(method, path);
        expect([status, String(headers.allow).split(', ').includes(method)], method).to.deep.equal([405, false]);
        expect(headers.allow).to.include('PROPFIND');
      }
    });
  });

  const raw = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let heard = '';
      const authorization = `Authorization: Basic ${Buffer.from('ann:pw').toString('base64')}\r\n`;
      const socket = connect(server().port, server().host, () => socket.write(text.replace('\r\n', `\r\n${authorization}`)));
      socket.on('data', (data) => (heard += data));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(heard));
    });

  describe('by the bare connection', () => {
    it('HTTP/1.0: answered with a length or by its end; a body has a length', async () => {
      const path = await put('old');
      expect(await raw(`GET ${path} HTTP/1.0\r\n\r\n`)).to.match(/^HTTP\/1\.1 200 .*\r\n\r\nx$/s);
      expect(await raw(`PROPFIND ${at}/ HTTP/1.0\r\nDepth: 1\r\n\r\n`)).to.match(/<\/d:multistatus>\n$/);
      expect(await raw(`PUT ${at}/by-1.0 HTTP/1.0\r\nContent-Length: 2\r\n\r\nab`)).to.include(' 201 ');
      expect(await raw(`PUT ${at}/endless HTTP/1.0\r\n\r\n`)).to.include(' 411 ');
      expect((await send('GET', `${at}/endless`)).status).to.equal(404);
    });

    it('RFC 9112 §3.2.2, §6.1: a target in absolute form is a path and a host; a coding that nobody undoes here is refused', async () => {
      if (gatewayIsMissing()) return;
      const path = await put('absolute');
      expect(await raw(`GET http://elsewhere${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).to.match(
        / 200 .*\r\n\r\nx$/s,
      );
      const move = (host: string): Promise<string> =>
        raw(`MOVE http://inside${path} HTTP/1.1\r\nHost: x\r\nDestination: http://${host}${path}2\r\nConnection: close\r\n\r\n`);
      expect(await move('x'), 'the host is that of the target').to.include(' 502 ');
      expect(await move('inside')).to.include(' 201 ');
      const coded = `PUT ${at}/coded HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n`;
      expect(await raw(coded)).to.include(' 501 ');
      expect((await send('GET', `${at}/coded`)).status).to.equal(404);
    });

    it('pipelined requests are answered in their order, each after what it follows', async () => {
      if (gatewayIsMissing()) return;
      const end = `Host: x\r\nAuthorization: Basic ${Buffer.from('ann:pw').toString('base64')}\r\n`;
      const path = `${at}/piped`;
      const first = `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab`;
      const rest = [
        `GET ${path} HTTP/1.1\r\n${end}\r\n`,
        `DELETE ${path} HTTP/1.1\r\n${end}\r\n`,
        `GET ${path} HTTP/1.1\r\n${end}Connection: close\r\n\r\n`,
      ];
      const heard = await raw(first + rest.join(''));
      expect([...heard.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).to.deep.equal(['201', '200', '204', '404']);
    });

    it('Expect: what is refused without the body is refused before it; an expectation that nobody knows, too', async () => {
      if (gatewayIsMissing()) return;
      const head = (path: string, more: string): string =>
        `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 200000000\r\n${more}\r\n\r\n`;
      const waits = 'Expect: 100-continue';
      expect(await raw(head(`${at}/none/x`, waits))).to.match(/^HTTP\/1\.1 409 /);
      expect(await raw(head(await put('expected'), `${waits}\r\nIf-None-Match: *`))).to.match(/^HTTP\/1\.1 412 /);
      expect(await raw(head(`${at}/x`, 'Expect: wonders\r\nConnection: close'))).to.match(/^HTTP\/1\.1 417 /);
      const token = await lock(`${at}/expected`);
      expect(await raw(head(`${at}/expected`, waits))).to.match(/^HTTP\/1\.1 423 /);
      await unlock(`${at}/expected`, token);
    });
  });
}
