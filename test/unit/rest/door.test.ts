import { createHash } from 'node:crypto';
import { get } from 'node:http';
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { CloudStoreError, ERROR_CODES } from '#core/errors';
import { assertActions, createRestApp, routerPath } from '#protocols/rest/app';
import { problemOf } from '#protocols/rest/problems';
import { ROUTES } from '#protocols/rest/routes';
import { type Reply, serveRest } from './serve-rest.ts';

describe('the REST door', () => {
  let rest: Awaited<ReturnType<typeof serveRest>>;
  beforeEach(async () => {
    rest = await serveRest();
  });
  afterEach(() => rest.close());

  const refused = (reply: Reply, status: number, code: string): void => {
    expect(reply.json?.code, reply.text).to.equal(code);
    expect(reply.status).to.equal(status);
    expect(reply.headers['content-type']).to.equal('application/problem+json');
    expect(reply.json).to.include({ status, requestId: 'R1' });
    expect(reply.text).to.not.match(/node_modules|\.ts:/);
  };

  describe('sessions', () => {
    it('log in, refresh and log out', async () => {
      const login = await rest.send('POST', '/auth/login', { user: null, body: { user: 'ann', password: 'pw' } });
      expect(login.json).to.deep.equal({ accessToken: 'token-ann', refreshToken: 'refresh-ann', expiresInSeconds: 900 });
      const renewed = await rest.send('POST', '/auth/refresh', { user: null, body: { refreshToken: 'refresh-ann' } });
      expect(renewed.status).to.equal(200);
      expect((await rest.send('GET', '/me')).json).to.deep.equal({ id: 1, name: 'ann', role: 'member' });
      expect((await rest.send('POST', '/auth/logout')).status).to.equal(204);
      refused(await rest.send('GET', '/me'), 401, 'unauthenticated');
    });
    it('challenge who brings nothing, and say when to come back', async () => {
      const nobody = await rest.send('GET', '/buckets', { user: null });
      refused(nobody, 401, 'unauthenticated');
      expect(nobody.headers['www-authenticate']).to.match(/^Bearer/);
      const flood = await rest.send('POST', '/auth/login', { user: null, body: { user: 'flood', password: 'x' } });
      refused(flood, 429, 'rate_limited');
      expect(flood.headers['retry-after']).to.equal('7');
    });
    it('take a name and password too', async () => {
      const authorization = `Basic ${Buffer.from('bob:pw').toString('base64')}`;
      expect((await rest.send('GET', '/me', { user: null, headers: { authorization } })).json.name).to.equal('bob');
    });
  });

  describe('files', () => {
    it('are listed compressed to who takes that, where it is worth it', async () => {
      const list = async (path: string, encoding: string | null, headers: Record<string, string> = {}) => {
        const all = { authorization: 'Bearer token-ann', 'accept-encoding': encoding ?? 'identity', ...headers };
        const answer = await raw(`http://127.0.0.1:${rest.port}/api/v1${path}`, all);
        return { ...answer, json: () => JSON.parse(String(answer.coding === 'gzip' ? gunzipSync(answer.bytes) : answer.bytes)) };
      };
      for (let index = 0; index < 60; index++) await rest.send('PUT', `/files/home/long/file-${index}.txt`, { body: 'x' });
      await rest.send('PUT', '/files/home/short/one.txt', { body: 'x' });
      const plain = await list('/files/home/long/', null);
      expect(plain).to.deep.include({ status: 200, coding: undefined, vary: 'Accept-Encoding' });
      expect(plain.etag).to.match(/^"/);
      expect(plain.json().entries).to.have.length(60);
      for (const wanted of ['gzip', 'br, gzip;q=0.5', '*', 'identity;q=0.1, GZIP']) {
        const small = await list('/files/home/long/', wanted);
        expect(small, wanted).to.deep.include({ status: 200, coding: 'gzip', vary: 'Accept-Encoding', etag: `W/${plain.etag}` });
        expect(small.bytes.length, wanted)
          .to.equal(small.length)
          .and.below(plain.bytes.length / 4);
        expect(small.json(), wanted).to.deep.equal(plain.json());
      }
      for (const wanted of ['br', 'gzip;q=0', 'gzip; q=0.000, *', '*;q=0', '', 'gzipped'])
        expect((await list('/files/home/long/', wanted)).coding, wanted).to.equal(undefined);
      expect((await list('/files/home/short/', 'gzip')).coding).to.equal(undefined);
      for (const etag of [plain.etag, `W/${plain.etag}`])
        expect(await list('/files/home/long/', 'gzip', { 'if-none-match': String(etag) })).to.deep.include({
          status: 304,
          vary: 'Accept-Encoding',
        });
      // A file's bytes are what they are, and nothing else is compressed: a secret may be in it.
      expect(await list('/files/home/long/file-1.txt', 'gzip')).to.deep.include({ coding: undefined, vary: undefined });
      expect((await list('/openapi.json', 'gzip')).coding).to.equal(undefined);
    });
    it('are written, read, described and removed', async () => {
      const headers = { 'content-type': 'text/plain', 'x-mtime': '2001-02-03T04:05:06Z' };
      const put = await rest.send('PUT', '/files/home/d/a%20b.txt', { body: 'hello', headers });
      expect(put.status).to.equal(201);
      expect(put.json).to.include({ kind: 'file', key: 'd/a b.txt', name: 'a b.txt', size: 5, contentType: 'text/plain' });
      expect(put.json.mtime).to.equal('2001-02-03T04:05:06.000Z');
      expect((await rest.send('PUT', '/files/home/d/a%20b.txt', { body: 'hello' })).status).to.equal(200);
      await rest.send('PUT', '/files/home/d/a%20b.txt', { body: 'hello', headers });
      const get = await rest.send('GET', '/files/home/d/a%20b.txt');
      expect(get.text).to.equal('hello');
      expect(get.headers).to.include({
        'content-type': 'text/plain',
        'last-modified': 'Sat, 03 Feb 2001 04:05:06 GMT',
        'x-content-type-options': 'nosniff',
      });
      expect(get.headers['content-security-policy']).to.match(/^sandbox/);
      expect(get.headers['access-control-allow-origin']).to.equal(undefined);
      const stat = await rest.send('GET', '/stat/home/d/a%20b.txt');
      expect(`"${stat.json.etag}"`).to.equal(get.headers.etag);
      const head = await rest.send('HEAD', '/files/home/d/a%20b.txt');
      expect([head.status, head.headers['content-length'], head.text]).to.deep.equal([200, '5', '']);
      const named = await rest.send('GET', '/files/home/d/a%20b.txt?download');
      expect(named.headers['content-disposition']).to.equal(`attachment; filename="a b.txt"; filename*=UTF-8''a%20b.txt`);
      expect((await rest.send('DELETE', '/files/home/d/a%20b.txt')).status).to.equal(204);
      refused(await rest.send('DELETE', '/files/home/d/a%20b.txt'), 404, 'not_found');
    });
    it('give ranges and keep conditions', async () => {
      const etag = (await rest.send('PUT', '/files/home/f', { body: '0123456789' })).json.etag;
      const range = async (value: string, more = {}) => rest.send('GET', '/files/home/f', { headers: { range: value, ...more } });
      const part = await range('bytes=2-4');
      expect([part.status, part.text, part.headers['content-range']]).to.deep.equal([206, '234', 'bytes 2-4/10']);
      expect((await range('bytes=-3')).text).to.equal('789');
      expect((await range('bytes=0-0', { 'if-range': '"other"' })).status).to.equal(200);
      const outside = await range('bytes=10-');
      refused(outside, 416, 'invalid_range');
      expect(outside.headers['content-range']).to.equal('bytes */10');
      const several = await range('bytes=0-1,8-9');
      expect(several.headers['content-type']).to.match(/^multipart\/byteranges/);
      const get = (headers: Record<string, string>) => rest.send('GET', '/files/home/f', { headers });
      expect((await get({ 'if-none-match': `"${etag}"` })).status).to.equal(304);
      refused(await get({ 'if-match': '"x"' }), 412, 'precondition_failed');
      const put = (headers: Record<string, string>) => rest.send('PUT', '/files/home/f', { headers, body: 'new' });
      refused(await put({ 'if-none-match': '*' }), 412, 'precondition_failed');
      refused(await put({ 'if-match': '"x"' }), 412, 'precondition_failed');
      expect((await put({ 'if-match': `"${etag}"` })).status).to.equal(200);
    });
    it('have keys of any kind, and paths none with dots', async () => {
      for (const path of [
        '/files/home/a/../b',
        '/files/home/a/%2e%2E/b',
        '/files/home/./b',
        '/files/home/%00',
        '/files/home/%ff',
      ]) {
        refused(await rest.send('PUT', path, { body: 'x' }), 400, 'invalid_key');
      }
      refused(await rest.send('PUT', `/files/home/${'k'.repeat(1025)}`, { body: 'x' }), 400, 'invalid_key');
      for (const key of ['a/../b', 'a//b', '+ %', 'ü/日本']) {
        const path = `/files/home?key=${encodeURIComponent(key)}`;
        expect((await rest.send('PUT', path, { body: key })).json.key).to.equal(key);
        expect((await rest.send('GET', path)).text).to.equal(key);
      }
      expect((await rest.send('GET', '/files/home/a//b')).text).to.equal('a//b');
      refused(await rest.send('GET', '/files/home?key=%ff'), 400, 'invalid_argument');
      refused(await rest.send('GET', '/files/home/a?key=b'), 400, 'invalid_argument');
      refused(await rest.send('GET', '/files/none/a'), 404, 'bucket_not_found');
    });
    it('refuse headers that cannot be read', async () => {
      const put = (headers: Record<string, string>) => rest.send('PUT', '/files/home/f', { headers, body: 'abc' });
      refused(await put({ 'x-mtime': 'yesterday' }), 400, 'invalid_argument');
      refused(await put({ 'content-md5': 'short' }), 400, 'invalid_argument');
      refused(await put({ 'repr-digest': 'sha-256=nonsense' }), 400, 'invalid_argument');
      refused(await put({ 'content-range': 'bytes 0-2/10' }), 400, 'invalid_argument');
      const sha256 = createHash('sha256').update('abc').digest('base64');
      expect((await put({ 'repr-digest': `unknown=:AA==:, sha-256=:${sha256}:` })).status).to.equal(201);
    });
    it('have a SHA-256 made of what is stored', async () => {
      const sum = { algorithm: 'sha256', value: createHash('sha256').update('abc').digest('base64') };
      const { etag, checksum } = (await rest.send('PUT', '/files/home/sum', { body: 'abc' })).json;
      expect(checksum).to.equal(undefined);
      const made = await rest.send('GET', '/checksum/home/sum');
      expect([made.json, made.headers.etag]).to.deep.equal([sum, `"${etag}"`]);
      refused(await rest.send('GET', '/checksum/home/none'), 404, 'not_found');
    });
    it('that break off leave nothing behind', async () => {
      const head =
        'PUT /api/v1/files/home/short HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer token-ann\r\nContent-Length: 100\r\n\r\nabc';
      await new Promise<void>((resolve) => {
        const socket = connect(rest.port, '127.0.0.1', () => socket.write(head, () => setTimeout(() => socket.destroy(), 50)));
        socket.once('close', () => setTimeout(resolve, 50));
      });
      refused(await rest.send('GET', '/files/home/short'), 404, 'not_found');
      expect(rest.errors).to.deep.equal([]);
    });
  });

  describe('folders', () => {
    it('are made, listed in pages and removed', async () => {
      expect((await rest.send('PUT', '/files/home/d/')).status).to.equal(201);
      expect((await rest.send('PUT', '/files/home/d/')).status).to.equal(200);
      refused(await rest.send('PUT', '/files/home/d/', { headers: { 'if-none-match': '*' } }), 409, 'already_exists');
      refused(await rest.send('PUT', '/files/home/d2/', { body: 'bytes' }), 400, 'invalid_argument');
      expect((await rest.send('DELETE', '/files/home/d/')).status).to.equal(204);
      for (const name of ['a', 'b', 'c/x', 'c/y', 'd']) await rest.send('PUT', `/files/home/t/${name}`, { body: name });
      const all = await rest.send('GET', '/files/home/t/');
      expect(all.json.entries.map((entry: { kind: string; name: string }) => `${entry.kind} ${entry.name}`)).to.deep.equal([
        'file a',
        'file b',
        'folder c',
        'file d',
      ]);
      expect(all.json.next).to.equal(null);
      const names: string[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page = await rest.send('GET', `/files/home/t?limit=1${cursor && `&cursor=${cursor}`}`);
        names.push(...page.json.entries.map((entry: { name: string }) => entry.name));
        cursor = page.json.next;
      }
      expect(names).to.deep.equal(['a', 'b', 'c', 'd']);
      const deep = await rest.send('GET', '/files/home/t/?recursive');
      expect(deep.json.entries.map((entry: { key: string }) => entry.key)).to.include('t/c/y');
      const same = await rest.send('GET', '/files/home/t/', { headers: { 'if-none-match': String(all.headers.etag) } });
      expect(same.status).to.equal(304);
      refused(await rest.send('DELETE', '/files/home/t/'), 409, 'folder_not_empty');
      const { remove } = rest.namespace;
      // As the contract has it: an exact key, no folder.
      rest.namespace.remove = () => Promise.reject(new CloudStoreError('not_found', 'nothing here'));
      refused(await rest.send('DELETE', '/files/home/t'), 409, 'is_a_directory');
      rest.namespace.remove = remove;
      expect((await rest.send('DELETE', '/files/home/t/?recursive=true')).status).to.equal(204);
      refused(await rest.send('GET', '/files/home/t/'), 404, 'not_found');
      refused(await rest.send('GET', '/files/home/?cursor=!!'), 400, 'invalid_argument');
      refused(await rest.send('GET', '/files/home/?limit=1001'), 400, 'invalid_argument');
    });
    it('and files move and are copied', async () => {
      await rest.send('PUT', '/files/home/m/one', { body: '1' });
      const place = (key: string) => ({ bucket: 'home', key });
      const post = (path: string, from: string, to: string, more = {}) =>
        rest.send('POST', path, { body: { from: place(from), to: place(to), ...more } });
      const moved = await post('/move', 'm/one', 'two');
      expect(moved.status).to.equal(201);
      expect(moved.json).to.deep.include({ created: true, count: 1 });
      expect(moved.json.entry.key).to.equal('two');
      expect((await post('/copy', 'two', 'three')).status).to.equal(201);
      refused(await post('/copy', 'two', 'three'), 409, 'already_exists');
      refused(await post('/copy', 'two', 'four', { ifMatch: 'x' }), 412, 'precondition_failed');
      expect((await post('/copy', 'two', 'three', { overwrite: true })).status).to.equal(200);
      refused(await post('/move', 'two', 'f/'), 400, 'invalid_argument');
      refused(await post('/move', 'none', 'x'), 404, 'not_found');
      refused(await post('/move', '', 'x'), 400, 'invalid_key');
    });
  });

  describe('requests', () => {
    it('that are not JSON of the right shape are refused, field by field', async () => {
      const login = (body: string | object, headers: Record<string, string> = {}) =>
        rest.send('POST', '/auth/login', { user: null, body, headers });
      refused(await login('{', { 'content-type': 'application/json' }), 400, 'invalid_argument');
      refused(await login('{}', { 'content-type': 'text/plain' }), 415, 'unsupported_media_type');
      refused(await login(Buffer.from([0x22, 0xff, 0x22]), { 'content-type': 'application/json' }), 400, 'invalid_argument');
      const wrong = await login({ user: 'ann', password: 'pw', admin: true });
      refused(wrong, 400, 'invalid_argument');
      expect(JSON.stringify(wrong.json.fields)).to.include('admin');
      const large = await login({ user: 'x'.repeat(1 << 20), password: 'x' });
      refused(large, 413, 'too_large');
    });
    it('for what is not there say so', async () => {
      refused(await rest.send('GET', '/nothing'), 404, 'no_such_route');
      refused(await rest.send('GET', '/buckets/'), 404, 'no_such_route');
      const wrong = await rest.send('PATCH', '/buckets');
      refused(wrong, 405, 'method_not_allowed');
      expect(wrong.headers.allow).to.include('POST');
      const options = await rest.send('OPTIONS', '/buckets', { user: null, headers: { origin: 'https://evil.example' } });
      expect([options.status, options.headers['access-control-allow-origin']]).to.deep.equal([204, undefined]);
      refused(await rest.send('GET', '/me?surprise=1'), 400, 'invalid_argument');
    });
    it('that meet a fault of ours learn nothing of it', async () => {
      rest.namespace.get = () => Promise.reject(new Error('secret path /etc'));
      const reply = await rest.send('GET', '/files/home/f');
      refused(reply, 500, 'internal');
      expect(reply.text).to.not.include('secret');
      expect(rest.errors).to.have.length(1);
    });
  });

  it('makes and shows buckets', async () => {
    expect((await rest.send('POST', '/buckets', { body: { name: 'photos' } })).status).to.equal(201);
    expect((await rest.send('GET', '/buckets')).json.buckets.map((bucket: { name: string }) => bucket.name)).to.include('photos');
    refused(await rest.send('POST', '/buckets', { body: { name: 'other' }, user: 'guest' }), 403, 'access_denied');
    expect((await rest.send('GET', '/system/info')).json).to.include({ name: 'CloudStore', version: '9.9.9' });
  });

  it('documents exactly the routes that it has', async () => {
    const { json } = await rest.send('GET', '/openapi.json', { user: null });
    expect(json.openapi).to.equal('3.1.0');
    const documented = Object.entries<Record<string, unknown>>(json.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} /api/v1${routerPath(path)}`),
    );
    // The router answers HEAD wherever it answers GET; the document names it where it does something of its own.
    const routed = createRestApp(rest.deps)
      .routed()
      .filter((entry) => !entry.endsWith('/openapi.json') && !(entry.startsWith('HEAD ') && !documented.includes(entry)));
    expect([...new Set(routed)].sort()).to.deep.equal(documented.sort());
    const operations = ROUTES.map(({ operation }) => operation);
    expect(new Set(operations).size).to.equal(operations.length);
    const properties = json.paths['/auth/login'].post.requestBody.content['application/json'].schema;
    expect(properties.$ref).to.equal('#/components/schemas/Login');
    expect(json.components.schemas.Login.additionalProperties).to.equal(false);
  });

  it('does not start with a route that asks for no action', () => {
    for (const route of ROUTES) assertActions(route);
    const forgotten = { ...ROUTES[0], actions: undefined } as unknown as (typeof ROUTES)[number];
    expect(() => assertActions(forgotten)).to.throw('does not say which action');
    expect(() => assertActions({ ...forgotten, actions: { none: '' } })).to.throw('does not say which action');
  });

  it('has a problem for every error', () => {
    for (const code of ERROR_CODES) {
      const problem = problemOf(new CloudStoreError(code, 'why', { details: { token: 'secret', size: 3 } }));
      expect(problem.status, code).to.be.within(300, 599);
      expect(problem.details).to.not.have.property('token');
    }
  });
});

/** An answer as it comes over the wire; fetch would unpack it. */
function raw(url: string, headers: Record<string, string>) {
  return new Promise<{
    status: number | undefined;
    coding: string | undefined;
    vary: string | undefined;
    etag: string | undefined;
    length: number;
    bytes: Buffer;
  }>((resolve, reject) => {
    const request = get(url, { headers, agent: false }, async (res) => {
      const { 'content-encoding': coding, vary, etag, 'content-length': length } = res.headers;
      const bytes = Buffer.concat(await res.toArray());
      resolve({ status: res.statusCode, coding, vary, etag, length: Number(length), bytes });
    });
    request.on('error', reject);
  });
}
