import { createHash, randomBytes } from 'node:crypto';
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { createClient } from '../conformance/s3/harness/client.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { within } from '../support/identity.ts';
import { presign } from '../support/presign.ts';
import { runProcess } from '../support/process.ts';
import { requireProgram } from '../support/programs.ts';
import { type Behind, choosePorts, PROXIES, type ProxyKind, type ReverseProxy, startProxy } from '../support/proxies.ts';
import { describeSmuggling } from './proxies-smuggling-suite.ts';

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

interface Ask {
  headers?: OutgoingHttpHeaders;
  body?: Buffer | string;
  /** Which address of this machine it comes from: other ones than the proxy's are strangers to the gateway. */
  from?: string;
}

/** The proxy comes from 127.0.0.1, which is trusted; whoever asks it, from elsewhere. */
const CLIENT = '127.0.0.9';
const OTHER = '127.0.0.10';
const LIES = {
  'x-forwarded-for': '203.0.113.9',
  'x-real-ip': '203.0.113.9',
  forwarded: 'for=203.0.113.9;host=evil.example',
};

/** One gateway behind nginx and behind Caddy, as docs/PROXIES.md says. */
describe('behind a reverse proxy', function () {
  this.timeout(120_000);
  requireProgram(...PROXIES, 'openssl', 'curl');
  let gateway: TestGateway;
  let own: Behind;
  let basic: string;
  const proxies = new Map<ProxyKind, ReverseProxy>();

  before(async () => {
    own = await choosePorts();
    const ports = await choosePorts();
    gateway = await startGateway({
      env: {
        CLOUDSTORE_PORT: String(own.webPort),
        CLOUDSTORE_S3_PORT: String(own.s3Port),
        CLOUDSTORE_PUBLIC_URL: `https://localhost:${ports.webPort}`,
        CLOUDSTORE_TRUSTED_PROXIES: '127.0.0.1',
      },
    });
    basic = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
    // The public address is the first one's; who comes by the other names it by Host.
    for (const [index, kind] of PROXIES.entries())
      proxies.set(kind, await startProxy(kind, index === 0 ? ports : await choosePorts(), own));
  });
  after(async () => {
    for (const one of proxies.values()) await one.stop();
    await gateway?.stop();
  });

  for (const kind of PROXIES) {
    describe(kind, () => {
      let proxy: ReverseProxy;
      before(() => {
        proxy = proxies.get(kind)!;
      });

      function ask(method: string, url: string, { headers = {}, body, from = CLIENT }: Ask = {}): Promise<Answer> {
        return new Promise((resolve, reject) => {
          const options = {
            method,
            agent: false,
            localAddress: from,
            family: 4,
            rejectUnauthorized: false,
            servername: 'localhost',
            headers: { ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }), ...headers },
          };
          const outgoing = (url.startsWith('https:') ? tlsRequest : plainRequest)(url, options, (response) => {
            const parts: Buffer[] = [];
            response.on('data', (part: Buffer) => parts.push(part));
            response.once('error', reject);
            response.once('end', () =>
              resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
            );
          });
          outgoing.once('error', reject);
          outgoing.end(body);
        });
      }
      const dav = (method: string, path: string, options: Ask = {}): Promise<Answer> =>
        ask(method, `${proxy.web}/dav/home/${kind}-${path}`, {
          ...options,
          headers: { authorization: basic, ...options.headers },
        });
      const login = (user: string, password: string, options: Ask = {}, at = `${proxy.web}/api/v1`): Promise<Answer> =>
        ask('POST', `${at}/auth/login`, {
          ...options,
          headers: { 'content-type': 'application/json', ...options.headers },
          body: JSON.stringify({ user, password }),
        });
      const tokenOf = async (): Promise<string> =>
        JSON.parse((await login(gateway.user, gateway.password)).body.toString()).accessToken;

      it('WebDAV: moves, copies and locks by the address that clients see', async () => {
        expect((await dav('MKCOL', 'd/')).status).to.equal(201);
        expect((await dav('PUT', 'd/ü (1).txt', { body: 'text' })).status).to.equal(201);
        const at = (path: string) => `${proxy.web}/dav/home/${kind}-${path}`;
        expect((await dav('COPY', 'd/%C3%BC%20(1).txt', { headers: { destination: at('d/copy.txt') } })).status).to.equal(201);
        expect((await dav('MOVE', 'd/copy.txt', { headers: { destination: at('d/a%2Bb.txt') } })).status).to.equal(201);
        expect((await dav('GET', 'd/a+b.txt')).body.toString()).to.equal('text');
        const listed = (await dav('PROPFIND', 'd/', { headers: { depth: '1' } })).body.toString();
        expect(listed)
          .to.include(`/dav/home/${kind}-d/a+b.txt`)
          .and.to.not.match(/href>https?:|127\.0\.0\.1/);
        const lockBody =
          '<d:lockinfo xmlns:d="DAV:"><d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockinfo>';
        const locked = await dav('LOCK', 'd/a+b.txt', { body: lockBody });
        const token = String(locked.headers['lock-token']);
        expect((await dav('PUT', 'd/a+b.txt', { body: 'x' })).status).to.equal(423);
        const mine = { if: `<${at('d/a+b.txt')}> (${token})` };
        expect((await dav('PUT', 'd/a+b.txt', { body: 'x', headers: mine })).status).to.be.oneOf([200, 204]);
        // Another server's is none of ours, whoever is in front.
        expect(
          (await dav('MOVE', 'd/a+b.txt', { headers: { ...mine, destination: 'https://elsewhere.example/dav/home/z' } })).status,
        ).to.equal(502);
      });

      it('a body that waits for 100 Continue comes, and parts of files are sent', async () => {
        const args = ['-sk', '-u', `${gateway.user}:${gateway.password}`, '-H', 'Expect: 100-continue', '-w', '%{http_code}'];
        const sent = await runProcess(
          'curl',
          [...args, '--data-binary', '@-', '-X', 'PUT', `${proxy.web}/dav/home/${kind}-continued`],
          {
            input: '0123456789',
          },
        );
        expect(sent.stdout, sent.stderr).to.equal('201');
        const part = await dav('GET', 'continued', { headers: { range: 'bytes=2-4' } });
        expect([part.status, part.body.toString(), part.headers['content-range']]).to.deep.equal([206, '234', 'bytes 2-4/10']);
        const etag = String(part.headers.etag);
        expect((await dav('GET', 'continued', { headers: { 'if-none-match': etag } })).status).to.equal(304);
      });

      it('S3: signatures hold over host, path, query and every header, chunk by chunk', async () => {
        const s3 = createClient(proxy.s3, gateway);
        const key = `/${gateway.bucket}/a//b/../ü +%2F'(1).txt`;
        const metadata = { 'x-amz-meta-with_underscore': '1', 'x-amz-meta-with.dot': '2', 'x-amz-meta-plain': 'ü' };
        const body = randomBytes(300_000);
        for (const payload of ['signed', 'chunks', 'chunks-trailer', 'unsigned-trailer'] as const) {
          const trailers =
            payload === 'signed' || payload === 'chunks'
              ? {}
              : { trailers: { 'x-amz-checksum-sha256': createHash('sha256').update(body).digest('base64') } };
          const put = await s3.send('PUT', key, { headers: metadata, body, payload, ...trailers });
          expect(put.status, `${payload}: ${put.text}`).to.equal(200);
        }
        const head = await s3.send('HEAD', key);
        expect(head.headers).to.include({ 'x-amz-meta-with_underscore': '1', 'x-amz-meta-with.dot': '2' });
        const got = await s3.send('GET', key, { headers: { range: 'bytes=100-199' } });
        expect([got.status, got.body.equals(body.subarray(100, 200))]).to.deep.equal([206, true]);
        const listed = await s3.send('GET', `/${gateway.bucket}`, { query: { prefix: 'a//b/', delimiter: '/' } });
        expect(listed.text).to.include('<Prefix>a//b/../</Prefix>');
        const url = presign('GET', `${proxy.s3}/${gateway.bucket}/a`, gateway, new Date());
        await s3.send('PUT', `/${gateway.bucket}/a`, { body: 'a' });
        expect((await ask('GET', url)).body.toString()).to.equal('a');
        // nginx passes it on, and the signature does not fit; Caddy knows no such site.
        expect((await ask('GET', url, { headers: { host: 'elsewhere.example' } })).body.toString()).to.not.equal('a');
      });

      it('events come by WebSocket', async () => {
        const socket = new WebSocket(`${proxy.web.replace('https', 'wss')}/ws`, { rejectUnauthorized: false });
        const heard = (type: string): Promise<{ key: string }> =>
          new Promise((resolve, reject) => {
            socket.on('error', reject);
            socket.on('message', (data) => {
              const message = JSON.parse(String(data));
              if (message.type === type) resolve(message);
            });
          });
        const [subscribed, event] = [heard('subscribed'), heard('event')];
        await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
        socket.send(JSON.stringify({ type: 'auth', token: await tokenOf() }));
        socket.send(JSON.stringify({ type: 'subscribe', bucket: 'home', prefix: `${kind}-heard/` }));
        await subscribed;
        await dav('MKCOL', 'heard/');
        await dav('PUT', 'heard/a', { body: 'x' });
        expect((await event).key).to.match(/^\w+-heard\//);
        socket.close();
      });

      /** Of an upload of 64 MiB whose sender has sent 8 and then stopped. */
      async function offsetAfter(tus: OutgoingHttpHeaders, waitMs: number): Promise<number> {
        const bytes = 64 << 20;
        const metadata = `bucket ${btoa('home')},key ${btoa('streamed')}`;
        const created = await ask('POST', `${proxy.web}/api/v1/uploads`, {
          headers: { ...tus, 'upload-length': String(bytes), 'upload-metadata': metadata },
        });
        expect(created.status, created.body.toString()).to.equal(201);
        const upload = new URL(String(created.headers.location), proxy.web).href;
        const appending = { 'upload-offset': '0', 'content-type': 'application/offset+octet-stream', 'content-length': bytes };
        const options = { method: 'PATCH', agent: false, rejectUnauthorized: false, headers: { ...tus, ...appending } };
        const sending = tlsRequest(upload, options);
        sending.on('error', () => undefined); // it is told to stop
        sending.on('response', (response) => response.resume());
        sending.write(randomBytes(8 << 20));
        await sleep(waitMs);
        const { headers } = await ask('HEAD', upload, { headers: tus });
        sending.destroy();
        return Number(headers['upload-offset']);
      }

      it('large bodies stream: what was sent is there before the rest comes, and all of it is what it was', async () => {
        const authorization = `Bearer ${await tokenOf()}`;
        const tus = { authorization, 'tus-resumable': '1.0.0' };
        // The gateway stops the sender when somebody asks how far it is, so it is asked once; later, if the machine was too slow.
        let offset = 0;
        for (let waitMs = 500; offset === 0 && waitMs < 20_000; waitMs *= 2) offset = await offsetAfter(tus, waitMs);
        expect(offset).to.be.within(1, 8 << 20);

        const large = randomBytes(16 << 20);
        const put = await ask('PUT', `${proxy.web}/api/v1/files/home/${kind}-large`, { headers: { authorization }, body: large });
        expect(put.status).to.equal(201);
        const back = await ask('GET', `${proxy.web}/api/v1/files/home/${kind}-large`, { headers: { authorization } });
        expect(back.body.equals(large)).to.equal(true);
      });

      describeSmuggling(() => ({ kind, proxy, gateway, behind: own, basic }));

      it('a session of the page has Secure cookies, and apps are sent to the public address', async () => {
        const answer = await login(gateway.user, gateway.password, { headers: { 'x-cloudstore-session': 'cookie' } });
        for (const cookie of answer.headers['set-cookie'] ?? []) expect(cookie).to.match(/; Secure/);
        expect(answer.headers['set-cookie']).to.have.length(2);
        const flow = JSON.parse((await ask('POST', `${proxy.web}/index.php/login/v2`)).body.toString());
        for (const url of [flow.login, flow.poll.endpoint])
          expect(url).to.match(new RegExp(`^${gateway.webUrl.replace(/\/$/, '')}/`));
      });

      it('clients are told apart by their own address, and what they invent is believed of nobody', async () => {
        const token = await tokenOf();
        const name = `guest-of-${kind}`;
        const authorization = `Bearer ${token}`;
        const json = { authorization, 'content-type': 'application/json' };
        const made = await ask('POST', `${proxy.web}/api/v1/users`, {
          headers: json,
          body: JSON.stringify({ name, password: 'the right one' }),
        });
        expect(made.status).to.equal(201);
        const guess = async (n: number): Promise<number> =>
          (await login(name, `guess ${n}`, { headers: { ...LIES, 'x-forwarded-for': `203.0.113.${n + 1}` } })).status;
        const guesses: number[] = [];
        // Each with another invented address, through the proxy.
        for (let n = 0; n < 12; n++) guesses.push(await guess(n));
        expect(guesses.filter((status) => status === 401)).to.have.length(10);
        expect((await login(name, 'the right one')).status).to.equal(429);
        expect((await login(name, 'the right one', { from: OTHER, headers: LIES })).status, 'somebody elsewhere').to.equal(200);
        // Past the proxy, from where nobody is trusted.
        const direct = `http://127.0.0.1:${own.webPort}/api/v1`;
        expect((await login(name, 'the right one', { headers: LIES }, direct)).status).to.equal(429);
        await login(name, 'the right one', { from: '127.0.0.11', headers: LIES }, direct);
        await within(async () => {
          const { body } = await ask('GET', `${proxy.web}/api/v1/audit?name=${name}&limit=100`, { headers: { authorization } });
          const items = JSON.parse(body.toString()).items as { action: string; outcome: string; address: string }[];
          expect(body.toString()).to.not.include('203.0.113.');
          const from = items
            .filter(({ action, outcome }) => action === 'Login' && outcome === 'ok')
            .map(({ address }) => address);
          return from.sort().join() === [OTHER, '127.0.0.11'].sort().join();
        }, 4_000);
        const sessions = await ask('GET', `${proxy.web}/api/v1/users/${name}/sessions`, { headers: { authorization } });
        expect(sessions.body.toString()).to.include(OTHER).and.to.not.include('203.0.113.');
      });
    });
  }
});
