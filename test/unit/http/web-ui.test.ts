import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { webUi } from '#http/web-ui';
import { startListeners, type TestListeners } from '../../support/listeners.ts';

describe('the page for the browser, served', () => {
  let directory: string;
  let listeners: TestListeners;
  let base: string;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cloudstore-web-'));
    listeners = await startListeners({ webUi: webUi(directory) });
    base = `http://127.0.0.1:${listeners.web.port}`;
  });
  after(async () => {
    await listeners.drain(0);
    rmSync(directory, { recursive: true, force: true });
  });

  const get = (path: string, headers: Record<string, string> = {}) => fetch(base + path, { headers });
  const build = (): void => {
    mkdirSync(join(directory, 'assets'), { recursive: true });
    writeFileSync(join(directory, 'assets', 'page-abc.js'), 'let a = 1;');
    writeFileSync(join(directory, 'assets', 'page-abc.js.gz'), gzipSync('let a = 1;'));
    writeFileSync(join(directory, 'sw.js'), '// worker');
    writeFileSync(join(directory, 'index.html'), '<!doctype html><title>x</title>');
  };

  it('says how to build it while it is not there, and shows it as soon as it is, without a restart', async () => {
    expect(await (await get('/')).text()).to.contain('npm run build:web');
    build();
    expect(await (await get('/')).text()).to.equal('<!doctype html><title>x</title>');
  });

  it('is one page for the root and for shared links, asked for anew each time, under a policy that runs no inline code', async () => {
    for (const path of ['/', '/s/Abc-123_x']) {
      const answer = await get(path);
      expect(answer.status).to.equal(200);
      expect(answer.headers.get('content-type')).to.equal('text/html; charset=utf-8');
      expect(answer.headers.get('cache-control')).to.equal('no-cache');
      const policy = answer.headers.get('content-security-policy') ?? '';
      expect(policy)
        .to.match(/default-src 'none'/)
        .and.match(/script-src 'self'/)
        .and.match(/require-trusted-types-for 'script'/);
      expect(policy).not.to.match(/unsafe-inline|unsafe-eval(?<!wasm-unsafe-eval)|https?:/);
    }
  });

  it('lets what has a hash in its name be kept for ever, and sends what lies compressed beside it', async () => {
    const plain = await get('/assets/page-abc.js', { 'Accept-Encoding': 'identity' });
    expect(plain.headers.get('cache-control')).to.equal('public, max-age=31536000, immutable');
    expect(plain.headers.get('content-encoding')).to.equal(null);
    expect(plain.headers.get('content-length')).to.equal('10');
    const packed = await get('/assets/page-abc.js', { 'Accept-Encoding': 'br, gzip' });
    expect(packed.headers.get('content-encoding')).to.equal('gzip');
    expect(packed.headers.get('vary')).to.match(/accept-encoding/i);
    expect(await packed.text()).to.equal('let a = 1;');
    expect((await get('/sw.js')).headers.get('cache-control')).to.equal('no-cache');
  });

  it('answers 304 to who has it, and a head to HEAD', async () => {
    const etag = (await get('/assets/page-abc.js')).headers.get('etag') ?? '';
    expect((await get('/assets/page-abc.js', { 'If-None-Match': etag })).status).to.equal(304);
    const head = await fetch(`${base}/assets/page-abc.js`, { method: 'HEAD', headers: { 'Accept-Encoding': 'identity' } });
    expect([head.status, head.headers.get('content-length')]).to.deep.equal([200, '10']);
  });

  it('opens nothing but what was built', async () => {
    writeFileSync(join(directory, '..', 'cloudstore-secret.txt'), 'secret');
    for (const path of ['/..%2fcloudstore-secret.txt', '/%2e%2e/cloudstore-secret.txt', '/assets/', '/assets', '/s/a/b', '/s/'])
      expect((await get(path)).status, path).to.equal(404);
    rmSync(join(directory, '..', 'cloudstore-secret.txt'));
    expect((await fetch(`${base}/`, { method: 'POST' })).status).to.equal(404);
    expect((await get('/livez')).status).to.equal(200);
  });
});
