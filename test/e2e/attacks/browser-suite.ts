import { expect } from 'chai';
import { WebSocket } from 'ws';
import { ROUTES } from '#protocols/rest/routes';
import type { Scene, Sent } from './scene.ts';

const EVIL = 'https://evil.example';

/** What a browser could be made to do for a page of somebody else's, or with a file that somebody has put there. */
export function describeBrowser(scene: () => Scene): void {
  /** The cookies of a log-in by our page. */
  async function cookiesOf(): Promise<{ cookie: string; set: string[] }> {
    const { raw, victim } = scene();
    const answer = await raw('POST', '/api/v1/auth/login', {
      headers: { 'content-type': 'application/json', 'x-cloudstore-session': 'cookie' },
      body: JSON.stringify({ user: victim.name, password: victim.password }),
    });
    expect(answer.status, answer.text).to.equal(200);
    const set = answer.headers['set-cookie'] ?? [];
    return { set, cookie: set.map((one) => one.split(';')[0]).join('; ') };
  }

  it('CSRF: cookies open nothing that changes anything, route by route, and nothing at all for another site', async () => {
    const { raw, victim, api } = scene();
    const { cookie, set } = await cookiesOf();
    expect(set.length).to.equal(2);
    for (const one of set)
      expect(one)
        .to.match(/; HttpOnly/)
        .and.match(/; SameSite=Strict/)
        .and.match(/; Path=\/api\/v1/);
    const before = (await api('GET', `/files/${victim.bucket}/`, victim)).json;
    for (const { method, path, open, operation } of ROUTES) {
      if (open === true || method === 'get' || method === 'head') continue;
      const at = `/api/v1${path
        .replace('{bucket}', victim.bucket)
        .replace('{key}', 'kept/plan.txt')
        .replace(/\{\w+\}/, '1')}`;
      for (const headers of [{ origin: EVIL }, { 'sec-fetch-site': 'same-origin' }, { 'content-type': 'text/plain' }]) {
        const answer = await raw(method.toUpperCase(), at, {
          headers: { 'content-type': 'application/json', cookie, ...headers },
          body: '{}',
        });
        expect(answer.status, operation).to.equal(401);
      }
    }
    const read = (headers: object): Promise<Sent> =>
      raw('GET', `/api/v1/files/${victim.bucket}/kept/plan.txt`, { headers: { cookie, ...headers } });
    expect((await read({ 'sec-fetch-site': 'same-origin' })).status).to.equal(200);
    for (const site of ['cross-site', 'same-site']) expect((await read({ 'sec-fetch-site': site })).status, site).to.equal(401);
    // A form, or a script without leave, can send no header of its own.
    const renewed = await raw('POST', '/api/v1/auth/refresh', { headers: { cookie, 'content-type': 'text/plain' }, body: '{}' });
    expect(renewed.status).to.be.oneOf([400, 401, 415]);
    for (const path of [`/dav/${victim.bucket}/kept/plan.txt`, '/remote.php/webdav/kept/plan.txt', '/ocs/v2.php/cloud/user'])
      expect((await raw('GET', path, { headers: { cookie } })).status, path).to.equal(401);
    expect((await api('GET', `/files/${victim.bucket}/`, victim)).json).to.deep.equal(before);
  });

  it('CORS: no door lets a page of another origin read, and none says so with credentials', async () => {
    const { raw, victim, link } = scene();
    const { cookie } = await cookiesOf();
    const paths = [
      `/api/v1/files/${victim.bucket}/kept/plan.txt`,
      '/api/v1/me',
      `/api/v1/public/${link.token}`,
      `/api/v1/public/${link.token}/files/plan.txt`,
      `/api/v1/uploads`,
      `/dav/${victim.bucket}/kept/plan.txt`,
      '/remote.php/webdav/kept/plan.txt',
      '/ocs/v2.php/cloud/user',
      '/index.php/login/v2',
      '/',
    ];
    for (const path of paths) {
      for (const origin of [EVIL, 'null']) {
        for (const [method, more] of [
          ['GET', { authorization: victim.basic }],
          ['GET', { cookie }],
          ['OPTIONS', { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization' }],
        ] as [string, Record<string, string>][]) {
          const { headers } = await raw(method, path, { headers: { origin, ...more } });
          expect(headers['access-control-allow-origin'], `${method} ${path}`).to.equal(undefined);
          expect(headers['access-control-allow-credentials'], `${method} ${path}`).to.equal(undefined);
        }
      }
    }
    const bucket = await victim.s3.send('GET', `/${victim.bucket}/kept/plan.txt`, { headers: { origin: EVIL } });
    const header = (name: string): string | undefined => bucket.headers[name] as string | undefined;
    expect([bucket.status, header('access-control-allow-origin'), header('access-control-allow-credentials')]).to.deep.equal([
      200,
      undefined,
      undefined,
    ]);
  });

  it('stored scripts: HTML and SVG come sandboxed and with their type held, by every door that a browser of ours looks at', async () => {
    const { raw, victim, link, api } = scene();
    const version = (await api('GET', `/versions/${victim.bucket}/kept/page.svg`, victim)).json.versions[0].versionId;
    for (const name of ['page.html', 'page.svg']) {
      for (const path of [
        `/api/v1/files/${victim.bucket}/kept/${name}`,
        `/api/v1/public/${link.token}/files/${name}`,
        `/dav/${victim.bucket}/kept/${name}`,
        `/remote.php/webdav/kept/${name}`,
        `/remote.php/dav/files/victim/kept/${name}`,
        ...(name === 'page.svg' ? [`/api/v1/versions/${victim.bucket}/kept/${name}?version=${version}`] : []),
      ]) {
        for (const method of ['GET', 'HEAD']) {
          const { status, headers } = await raw(method, path, { headers: { authorization: victim.basic } });
          expect(status, path).to.equal(200);
          expect(headers['content-security-policy'], path)
            .to.match(/^sandbox(;|$)/)
            .and.not.match(/allow-/);
          expect(headers['x-content-type-options'], path).to.equal('nosniff');
        }
      }
    }
    const picture = await raw('GET', `/api/v1/thumbnails/${victim.bucket}/kept/page.svg`, {
      headers: { authorization: victim.basic },
    });
    expect(picture.status, 'no picture is made of SVG').to.be.within(400, 499);
    // What the gateway itself says is never taken for a page.
    const hostile = '%3Cscript%3Ealert(1)%3C%2Fscript%3E';
    for (const [path, authorization] of [
      [`/api/v1/files/${victim.bucket}/${hostile}`, victim.basic],
      [`/api/v1/${hostile}`, victim.basic],
      [`/dav/${victim.bucket}/${hostile}`, victim.basic],
      [`/api/v1/public/${hostile}`, ''],
      [`/s/${hostile}`, ''],
      [`/index.php/${hostile}`, ''],
      [`/${hostile}`, ''],
    ] as const) {
      const { text, headers } = await raw('GET', path, { headers: authorization === '' ? {} : { authorization } });
      if (/html|svg|^$/.test(String(headers['content-type'] ?? ''))) expect(text, path).to.not.contain('<script>alert(1)');
    }
  });

  it('open redirects: no path, host or parameter sends a browser elsewhere', async () => {
    const { raw, victim } = scene();
    const paths = [
      '//evil.example',
      '//evil.example/%2e%2e',
      '/\\evil.example',
      '/%5cevil.example',
      '/https:/evil.example',
      '///evil.example/dav',
    ];
    const asked = [
      '',
      '?next=https://evil.example',
      '?return=//evil.example',
      '?redirect_url=https://evil.example&url=//evil.example',
    ];
    const places = [
      '/',
      '/dav',
      '/dav/',
      `/dav/${victim.bucket}`,
      '/s',
      '/index.php/login',
      '/index.php/apps/files',
      '/remote.php/webdav',
      '/api/v1/auth/oidc/begin',
      '/api/v1/auth/oidc/farewell',
      '/.well-known/caldav',
      '/.well-known/carddav',
    ];
    for (const path of [...paths, ...places]) {
      for (const query of asked) {
        for (const headers of [{}, { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }]) {
          const { headers: answered } = await raw('GET', `${path}${query}`, { headers });
          const location = String(answered.location ?? '');
          expect(location, `${path}${query}`).to.not.match(/evil/);
          expect(location, `${path}${query}`).to.match(/^$|^\/(?![/\\])|^http:\/\/127\.0\.0\.1:/);
        }
      }
    }
  });

  it('headers: no name, metadata, label or parameter puts a line into an answer', async () => {
    const { raw, victim, api } = scene();
    const nasty = 'a\r\nset-cookie: stolen=1\r\n\r\n<script>';
    const answers: Sent[] = [];
    const key = encodeURIComponent(`kept/${nasty}.txt`).replace('%2F', '/');
    const put = await raw('PUT', `/api/v1/files/${victim.bucket}/${key}`, {
      headers: { authorization: victim.basic },
      body: 'x',
    });
    expect(put.status).to.be.oneOf([200, 201, 400]);
    for (const query of ['', '?download'])
      answers.push(
        await raw('GET', `/api/v1/files/${victim.bucket}/${key}${query}`, { headers: { authorization: victim.basic } }),
      );
    answers.push(await raw('GET', `/dav/${victim.bucket}/${key}`, { headers: { authorization: victim.basic } }));
    const link = await api('POST', '/links', victim, { bucket: victim.bucket, key: 'kept/', label: nasty });
    if (link.status === 201) answers.push(await raw('GET', `/api/v1/public/${link.json.token}/zip`));
    answers.push(
      await raw('POST', '/api/v1/zip', {
        headers: { authorization: victim.basic, 'content-type': 'application/json' },
        body: JSON.stringify({ name: nasty, items: [{ bucket: victim.bucket, key: 'kept/plan.txt' }] }),
      }),
    );
    for (const path of [
      `/dav/${encodeURIComponent(nasty)}`,
      `/index.php/${encodeURIComponent(nasty)}`,
      `/${encodeURIComponent(nasty)}`,
    ])
      answers.push(await raw('GET', path));
    for (const { headers } of answers) expect(String(headers['set-cookie'])).to.not.contain('stolen');
    // S3 lets a request choose some headers of the answer.
    for (const name of [
      'content-type',
      'content-disposition',
      'cache-control',
      'content-language',
      'expires',
      'content-encoding',
    ]) {
      const answer = await victim.s3.send('GET', `/${victim.bucket}/kept/plan.txt`, { query: { [`response-${name}`]: nasty } });
      expect(answer.status, name).to.be.oneOf([200, 400]);
      expect(answer.headers['set-cookie'], name).to.equal(undefined);
    }
  });

  it('sockets: a page of another origin opens none, by either stream', async () => {
    const { gateway } = scene();
    const url = gateway.webUrl.replace(/^http/, 'ws').replace(/\/$/, '');
    const open = (path: string, origin?: string): Promise<string> => {
      const socket = new WebSocket(`${url}${path}`, origin === undefined ? {} : { origin });
      return new Promise<string>((resolve) => {
        socket.once('open', () => resolve('open'));
        socket.once('error', (error) => resolve(error.message));
      }).finally(() => socket.terminate());
    };
    const own = new URL(gateway.webUrl).origin;
    for (const path of ['/ws', '/push/ws']) {
      for (const origin of [EVIL, 'null', `${own}.evil.example`, own.replace(/:\d+$/, ':1'), 'https://127.0.0.1.evil.example'])
        expect(await open(path, origin), `${path} from ${origin}`).to.match(/403/);
      expect(await open(path, own), `${path} from our own page`).to.equal('open');
      expect(await open(path), `${path} from a program`).to.equal('open');
    }
  });
}
