import { X509Certificate } from 'node:crypto';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Bonjour, type Service } from 'bonjour-service';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { leaveOut } from '../support/programs.ts';

interface Got {
  status: number;
  headers: Record<string, unknown>;
  body: Buffer;
}

describe('--lan', function () {
  this.timeout(60_000);
  let gateway: TestGateway;
  let port: number;
  let s3Port: number;
  const address = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  before(async function () {
    if (address === undefined) leaveOut(this, 'this machine has no address on a network');
    gateway = await startGateway({ args: ['--lan'] });
    port = Number(new URL(gateway.webUrl).port);
    s3Port = Number(new URL(gateway.s3Url).port);
  });
  after(() => gateway?.stop());

  function ask(
    url: string,
    { method = 'GET', ca, auth, language = 'en' }: { method?: string; ca?: Buffer; auth?: boolean; language?: string } = {},
  ): Promise<Got> {
    const secure = url.startsWith('https:');
    const authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
    const headers = { 'accept-language': language, ...(auth ? { authorization } : {}) };
    return new Promise((resolve, reject) => {
      const options = { method, headers, agent: false as const, ...(ca === undefined ? {} : { ca }) };
      const req = (secure ? requestHttps : requestHttp)(url, options, (res) => {
        const parts: Buffer[] = [];
        res.on('data', (part: Buffer) => parts.push(part));
        res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(parts) }));
      });
      req.on('error', reject);
      req.end();
    });
  }

  it('speaks HTTPS with the network, by an authority whose certificate it offers and explains', async () => {
    expect(gateway.webUrl).to.equal(`https://${address}:${port}`);
    const plain = `http://${address}:${port}`;
    const page = await ask(`${plain}/lan`);
    const ca = (await ask(`${plain}/lan/cloudstore-ca.pem`)).body;
    const { fingerprint256, ca: isAuthority } = new X509Certificate(ca);
    expect(isAuthority).to.equal(true);
    expect(page.body.toString()).to.include(fingerprint256);
    expect(gateway.output().stdout).to.include(fingerprint256);
    const german = (await ask(`${plain}/lan`, { language: 'de' })).body.toString();
    expect(german).to.include('Diesem CloudStore vertrauen').and.include(fingerprint256);
    expect(new X509Certificate((await ask(`${plain}/lan/cloudstore-ca.crt`)).body).fingerprint256).to.equal(fingerprint256);
    expect((await ask(`https://${address}:${port}/livez`, { ca })).body.toString()).to.equal('ok\n');
    expect((await ask(`https://localhost:${port}/lan`, { ca })).status).to.equal(200);
    expect((await ask(`https://${address}:${s3Port}/`, { ca })).status, 'S3 too').to.equal(403);
    expect((await ask(`https://${address}:${port}/dav/`, { ca, auth: true, method: 'PROPFIND' })).status).to.equal(207);
    const untrusted = await ask(`https://${address}:${port}/livez`).catch((error: NodeJS.ErrnoException) => error.code);
    expect(untrusted).to.be.oneOf([
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    ]);
  });

  it('keeps plain HTTP to this machine', async () => {
    expect((await ask(`http://127.0.0.1:${port}/livez`)).body.toString()).to.equal('ok\n');
    expect((await ask(`http://127.0.0.1:${port}/dav/home/x`, { auth: true })).status).to.equal(404);
    const sent = await ask(`http://${address}:${port}/dav/home/x?y`, { auth: true });
    expect([sent.status, sent.headers.location]).to.deep.equal([301, `https://${address}:${port}/dav/home/x?y`]);
    for (const method of ['PUT', 'PROPFIND', 'DELETE']) {
      expect((await ask(`http://${address}:${port}/dav/home/x`, { method, auth: true })).status, method).to.equal(403);
    }
    expect((await ask(`http://${address}:${s3Port}/home`, { method: 'PUT' })).status).to.equal(403);
  });

  it('is not disturbed by who says nothing, or nonsense', async () => {
    const answers = await Promise.all(
      ['', '\x16', '\x16\x03\x01\xff\xff', 'nonsense\r\n\r\n', '\x00\x00'].map(
        (text) =>
          new Promise<string>((resolve) => {
            let heard = '';
            const socket = connect(port, '127.0.0.1', () => socket.end(text, 'latin1'));
            socket.on('data', (data) => (heard += data.toString('latin1')));
            socket.on('error', () => undefined);
            socket.on('close', () => resolve(heard));
          }),
      ),
    );
    for (const answer of answers) expect(answer).not.to.match(/^HTTP\/1\.1 [25]/);
    expect((await ask(`http://127.0.0.1:${port}/livez`)).status).to.equal(200);
  });

  it('is found by mDNS', async function () {
    const bonjour = new Bonjour({}, () => undefined);
    const found = await new Promise<Service | null>((resolve) => {
      const timer = setTimeout(() => finish(null), 10_000);
      const browser = bonjour.find({ type: 'webdavs' }, (service) => {
        if (service.port === port) finish(service);
      });
      // It asks once by itself, and what goes by UDP may be lost.
      const asking = setInterval(() => browser.update(), 500);
      function finish(service: Service | null): void {
        clearTimeout(timer);
        clearInterval(asking);
        resolve(service);
      }
    });
    await new Promise<void>((resolve) => bonjour.destroy(() => resolve()));
    if (found === null) leaveOut(this, 'no multicast here');
    expect(found.txt).to.deep.equal({ path: '/dav/' });
    expect(found.name).to.match(/^CloudStore on /);
  });
});
