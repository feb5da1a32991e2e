import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { definitionOf } from '#core/actions';
import { ROUTES } from '#protocols/rest/routes';
import { OPERATIONS } from '#protocols/s3/model';
import type { RequestOptions } from '../../conformance/s3/harness/client.ts';
import { apiOf } from '../../support/identity.ts';
import { CANARY, type Scene } from './scene.ts';

const base64url = (value: object | Buffer): string =>
  (Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value))).toString('base64url');

/** Tokens that look right: of the victim's own, changed in what is signed, how, or by what key. */
export function forgedTokens(token: string): Record<string, string> {
  const [head = '', claims = '', signature = ''] = token.split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as object;
  const said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { exp: number };
  const signed = (first: object, second: object, key: string): string => {
    const text = `${base64url(first)}.${base64url(second)}`;
    return `${text}.${base64url(createHmac('sha256', key).update(text).digest())}`;
  };
  return {
    'none at all': '',
    rubbish: 'x',
    'no signature': `${head}.${claims}.`,
    'alg none': `${base64url({ ...header, alg: 'none' })}.${claims}.`,
    'alg None, its own signature': `${base64url({ ...header, alg: 'None' })}.${claims}.${signature}`,
    'a key of its own': signed(header, said, 'guess'),
    'an empty key': signed(header, said, ''),
    'a key id that leads elsewhere': signed({ ...header, kid: '../../../../dev/null' }, said, ''),
    'another end under the same signature': `${head}.${base64url({ ...said, exp: said.exp + 3600 })}.${signature}`,
  };
}

/** What tells an operation from others of the same method and path. */
const NAMED: Record<string, Record<string, string>> = {
  AbortMultipartUpload: { uploadId: 'u' },
  CompleteMultipartUpload: { uploadId: 'u' },
  ListParts: { uploadId: 'u' },
  UploadPart: { partNumber: '1', uploadId: 'u' },
  UploadPartCopy: { partNumber: '1', uploadId: 'u' },
};

/** Who asks must be proven on every route of every door (MinIO CVE-2026-40344, -41145), and may there what the route asks for (RustFS CVE-2026-40937). */
export function describeProofs(scene: () => Scene): void {
  it('a missing or wrong proof of who asks opens no route of REST', async () => {
    const { raw, victim, link } = scene();
    const proofs = Object.values(forgedTokens(victim.token)).map((token) => ({ authorization: `Bearer ${token}` }));
    const others = [
      {},
      { cookie: 'cs_read=x; cs_refresh=y' },
      { authorization: `Bearer ${link.token}` },
      { authorization: 'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00' },
      { authorization: 'Negotiate YII=' },
    ];
    for (const { method, path, open, operation } of ROUTES) {
      if (open === true) continue;
      const at = `/api/v1${path
        .replace('{bucket}', victim.bucket)
        .replace('{key}', 'kept/plan.txt')
        .replace(/\{\w+\}/, '1')}`;
      const ask = async (headers: Record<string, string>): Promise<void> => {
        const body = method === 'post' || method === 'put' || method === 'patch' ? { body: '{}' } : {};
        const answer = await raw(method.toUpperCase(), at, {
          headers: { 'content-type': 'application/json', ...headers },
          ...body,
        });
        expect(answer.status, `${operation} with ${JSON.stringify(headers)}`).to.equal(401);
        expect(answer.text).to.not.contain(CANARY);
      };
      await Promise.all([...proofs, ...others].map(ask));
    }
  });

  it('a missing or wrong proof of who asks opens no operation of S3', async () => {
    const { victim, api } = scene();
    const { s3 } = victim;
    const before = (await api('GET', `/files/${victim.bucket}/`, victim)).json;
    const wrong = { ...s3.keys, secretAccessKey: `${s3.keys.secretAccessKey}x` };
    const proofs: Record<string, RequestOptions> = {
      none: { auth: 'none' },
      'a wrong secret in the header': { keys: wrong },
      'a wrong secret in the query': { keys: wrong, auth: 'query' },
      'an unknown key': { keys: { ...wrong, accessKeyId: 'AKIAUNKNOWN' } },
      'an unknown key in the query': { keys: { ...wrong, accessKeyId: 'AKIAUNKNOWN' }, auth: 'query' },
      'an empty secret': { keys: { ...wrong, secretAccessKey: '' } },
    };
    const bodies: Record<string, RequestOptions> = {
      'wrong, an unsigned trailer': {
        keys: wrong,
        payload: 'unsigned-trailer',
        trailers: { 'x-amz-checksum-crc32': 'AAAAAA==' },
      },
      'no key, an unsigned trailer': {
        auth: 'none',
        payload: 'unsigned-trailer',
        trailers: { 'x-amz-checksum-crc32': 'AAAAAA==' },
      },
      'wrong, signed chunks': { keys: wrong, payload: 'chunks' },
      'wrong, unsigned': { keys: wrong, payload: 'unsigned' },
    };
    for (const [operation, method, on, subresources] of OPERATIONS) {
      const resource = on === 'object' ? `/${victim.bucket}/kept/plan.txt` : on === 'bucket' ? `/${victim.bucket}` : '/';
      const query = { ...Object.fromEntries(subresources.map((name) => [name, ''])), ...NAMED[operation] };
      const hasBody = method === 'PUT' || method === 'POST';
      const ask = async ([what, options]: [string, RequestOptions]): Promise<void> => {
        const answer = await s3.send(method, resource, { query, ...(hasBody ? { body: '<x/>' } : {}), ...options });
        // Nobody in particular is told first what is wrong with a request as such; with a wrong signature nothing else is looked at.
        if (options.auth === 'none') expect(answer.status, `${operation} with ${what}`).to.be.oneOf([400, 403, 404, 405, 501]);
        else expect(answer.status, `${operation} with ${what}: ${answer.text.slice(0, 200)}`).to.equal(403);
        expect(answer.text).to.not.contain(CANARY);
      };
      await Promise.all(Object.entries({ ...proofs, ...(hasBody ? bodies : {}) }).map(ask));
    }
    expect((await api('GET', `/files/${victim.bucket}/`, victim)).json).to.deep.equal(before);
  });

  // Passwords are guessed, so whoever guesses waits; secrets of keys are of 40 random characters, so nobody can be kept out of theirs by a stranger.
  it('wrong signatures of either version, however many, open nothing, keep nobody out and count as no password', async () => {
    const { victim, raw, gateway } = scene();
    const { keys } = victim.s3;
    const path = `/${victim.bucket}/kept/plan.txt`;
    const expires = Math.floor(Date.now() / 1000) + 600;
    const hmacSha1 = (secret: string, text: string): string => createHmac('sha1', secret).update(text).digest('base64');
    const url = (name: string, secret: string): string =>
      `${path}?${new URLSearchParams({ AWSAccessKeyId: name, Expires: String(expires), Signature: hmacSha1(secret, `GET\n\n\n${expires}\n${path}`) })}`;
    const form = async (name: string, secret: string): Promise<number> => {
      const conditions = [{ bucket: victim.bucket }, ['starts-with', '$key', 'guess/']];
      const policy = Buffer.from(JSON.stringify({ expiration: '2099-01-01T00:00:00Z', conditions })).toString('base64');
      const fields = { key: 'guess/a', AWSAccessKeyId: name, policy, signature: hmacSha1(secret, policy), file: 'x' };
      const parts = Object.entries(fields).map(
        ([field, value]) => `--b\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`,
      );
      const headers = { 'content-type': 'multipart/form-data; boundary=b' };
      return (await raw('POST', `/${victim.bucket}`, { door: 's3', headers, body: `${parts.join('')}--b--\r\n` })).status;
    };
    // More than any number of wrong passwords after which somebody has to wait, by the key's name and by its owner's.
    const guess = async (number: number): Promise<void> => {
      for (const name of [keys.accessKeyId, victim.name]) {
        const wrong = { accessKeyId: name, secretAccessKey: `guess ${number}` };
        expect((await raw('GET', url(name, wrong.secretAccessKey), { door: 's3' })).status).to.equal(403);
        expect((await victim.s3.send('GET', path, { keys: wrong })).status).to.equal(403);
        if (number % 20 === 0) expect(await form(name, wrong.secretAccessKey)).to.equal(403);
      }
    };
    for (let number = 0; number < 120; number += 8) await Promise.all(Array.from({ length: 8 }, (_, i) => guess(number + i)));
    expect((await raw('GET', url(keys.accessKeyId, keys.secretAccessKey), { door: 's3' })).text).to.contain(CANARY);
    expect((await victim.s3.send('GET', path)).status).to.equal(200);
    expect(await form(keys.accessKeyId, keys.secretAccessKey)).to.equal(204);
    expect((await victim.s3.send('DELETE', `/${victim.bucket}/guess/a`)).status).to.equal(204);
    expect((await raw('GET', `/dav/${victim.bucket}/`, { headers: { authorization: victim.basic } })).status).to.not.equal(429);
    expect((await apiOf(gateway).tokenOf(victim.name, victim.password)).token).to.be.a('string');
  });

  it('a missing or wrong proof of who asks opens no method and no path of WebDAV and Nextcloud', async () => {
    const { raw, victim, link, gateway } = scene();
    const { name, bucket, s3 } = victim;
    const of = (user: string, password: string) => ({
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    });
    // What is refused without a look at a password goes to all; wrong passwords cost a hash each, and go to one of each kind.
    const cheap = [
      {},
      { authorization: `Bearer ${victim.token}` },
      { authorization: 'Basic !!!' },
      { cookie: `cs_read=${victim.token}` },
    ];
    const dear = [of('nobody', 'x'), of('stranger', link.token), of(s3.keys.accessKeyId, 'x')];
    const dav = [
      'GET',
      'HEAD',
      'PUT',
      'DELETE',
      'PROPFIND',
      'PROPPATCH',
      'MKCOL',
      'COPY',
      'MOVE',
      'LOCK',
      'UNLOCK',
      'REPORT',
      'PATCH',
    ];
    const paths = [
      ...dav.flatMap((method) => [
        [method, `/dav/${bucket}/kept/plan.txt`],
        [method, `/remote.php/dav/files/${name}/kept/plan.txt`],
        [method, '/remote.php/webdav/kept/plan.txt'],
      ]),
      ['PROPFIND', '/dav/'],
      ['PROPFIND', '/dav/.trash/'],
      ['PROPFIND', '/dav/Shared/'],
      ['PROPFIND', `/remote.php/dav/trashbin/${name}/trash/`],
      ['PROPFIND', `/remote.php/dav/versions/${name}/versions/1/`],
      ['MKCOL', `/remote.php/dav/uploads/${name}/1`],
      ['POST', '/remote.php/dav/bulk'],
      ['GET', '/ocs/v2.php/cloud/user'],
      ['GET', '/ocs/v1.php/cloud/user'],
      ['DELETE', '/ocs/v2.php/core/apppassword'],
      ['GET', '/index.php/core/preview?fileId=1&x=64&y=64'],
      ['GET', '/index.php/core/preview.png?file=kept/pixel.png&x=64&y=64'],
    ] as [string, string][];
    const seen = new Set<string>();
    for (const [method, path] of paths) {
      const ask = async (headers: Record<string, string>): Promise<void> => {
        const destination = { destination: `${gateway.webdavUrl}${bucket}/stolen` };
        const answer = await raw(method, path, { headers: { ...destination, ...headers } });
        const refused = path.startsWith('/ocs/v1') ? answer.text.includes('997') : [401, 429].includes(answer.status);
        expect(refused, `${method} ${path} with ${JSON.stringify(headers)}: ${answer.status} ${answer.text}`).to.equal(true);
        expect(answer.text).to.not.contain(CANARY);
      };
      await Promise.all((seen.has(path) || path.startsWith('/ocs/v1') ? cheap : [...cheap, ...dear]).map(ask));
      seen.add(path);
    }
  });

  it('a missing or wrong proof of who asks opens no stream of events', async () => {
    const { gateway, victim, link } = scene();
    const url = gateway.webUrl.replace(/^http/, 'ws').replace(/\/$/, '');
    const said = (path: string, messages: string[]): Promise<string> => {
      const socket = new WebSocket(`${url}${path}`);
      return new Promise<string>((resolve, reject) => {
        let text = '';
        socket.on('error', reject);
        socket.on('open', () => {
          for (const message of messages) socket.send(message);
        });
        socket.on('message', (data) => (text += String(data)));
        socket.on('close', () => resolve(text));
      });
    };
    const follow = JSON.stringify({ type: 'subscribe', bucket: victim.bucket });
    for (const token of [...Object.values(forgedTokens(victim.token)), link.token])
      expect(await said('/ws', [JSON.stringify({ type: 'auth', token }), follow]), token).to.not.match(/ready|subscribed|event/);
    expect(await said('/ws', [follow])).to.not.match(/ready|subscribed|event/);
    for (const [name, password] of [
      ['nobody-of-push', 'x'],
      ['', ''],
      [`link ${link.id}`, link.token],
    ] as const)
      expect(await said('/push/ws', [name, password])).to.match(/^err: Invalid credentials$/);
  });

  it('what only admins may is refused to members and guests, route by route', async () => {
    const { raw, admin, api, mallory } = scene();
    const { json } = await api('POST', '/users', admin, { name: 'visitor', role: 'guest' });
    const guest = `Basic ${Buffer.from(`visitor:${json.password}`).toString('base64')}`;
    let asked = 0;
    for (const { method, path, actions, operation } of ROUTES) {
      if ('none' in actions) continue;
      const [only] = actions;
      if (actions.length > 1 || definitionOf(only).on !== 'service' || only !== 'admin') continue;
      asked++;
      for (const authorization of [mallory.basic, `Bearer ${mallory.token}`, guest]) {
        const body = method === 'get' || method === 'delete' ? {} : { body: '{}' };
        const answer = await raw(method.toUpperCase(), `/api/v1${path.replace(/\{\w+\}/g, 'victim')}`, {
          headers: { authorization, 'content-type': 'application/json' },
          ...body,
        });
        expect(answer.status, `${operation}: ${answer.text}`).to.equal(403);
      }
    }
    expect(asked).to.be.greaterThan(25);
    expect((await api('GET', '/users/victim', admin)).status, 'and nobody is gone').to.equal(200);
  });
}
