import { expect } from 'chai';
import type { Door } from '#http/door';
import { startListeners, type TestListeners } from '../../support/listeners.ts';

const naming = (name: string): Door => ({
  async handle(_req, res) {
    res.end(name); // no writeHead: 200 is node's own default, whatever Koa began with
  },
});

describe('the main port', () => {
  let running: TestListeners | null = null;
  const start = async (options: Parameters<typeof startListeners>[0] = {}): Promise<string> => {
    running = await startListeners({
      webdav: naming('webdav'),
      rest: naming('rest'),
      nextcloud: naming('nextcloud'),
      ...options,
    });
    return `http://127.0.0.1:${running.web.port}`;
  };
  afterEach(async () => {
    await running?.drain(0);
    running = null;
  });

  it('finds the door by its path', async () => {
    const base = await start();
    const table: [string, string, number, string][] = [
      ['GET', '/dav', 200, 'webdav'],
      ['GET', '/dav/home/a%2Fb', 200, 'webdav'],
      ['PROPFIND', '/', 200, 'webdav'],
      ['OPTIONS', '/', 200, 'webdav'],
      ['GET', '/api/v1/files/x?y=1', 200, 'rest'],
      ['GET', '/api/v1', 200, 'rest'],
      ['GET', '/davidson', 404, 'Not found\n'],
      ['GET', '/api/v10', 404, 'Not found\n'],
      ['GET', '/s/abc', 404, 'Not found\n'],
      ['GET', '/remote.php/dav', 200, 'nextcloud'],
      ['GET', '/ocs/v1.php/cloud/user', 200, 'nextcloud'],
      ['GET', '/status.php', 200, 'nextcloud'],
      ['GET', '/index.php/204', 200, 'nextcloud'],
      ['GET', '/remote.phpx', 404, 'Not found\n'],
      ['GET', '/ws', 404, 'Not found\n'],
      ['GET', '/livez', 200, 'ok\n'],
    ];
    for (const [method, path, status, text] of table) {
      const answer = await fetch(base + path, { method });
      expect([answer.status, await answer.text()], `${method} ${path}`).to.deep.equal([status, text]);
      expect(answer.headers.get('x-request-id')).to.match(/^[0-9A-F]{16}$/);
    }
  });

  it('has a page that tells nothing and runs nothing', async () => {
    const base = await start({ publicUrl: 'https://cloud.example.org' });
    const answer = await fetch(`${base}/`);
    expect(await answer.text()).to.contain('https://cloud.example.org/dav/');
    expect(answer.headers.get('content-security-policy')).to.match(/^default-src 'none'/);
  });

  it('is ready when its parts are', async () => {
    const base = await start({ health: async () => ({ ready: false, checks: { database: 'failed' } }) });
    const answer = await fetch(`${base}/readyz`);
    expect(answer.status).to.equal(503);
    expect(await answer.json()).to.deep.equal({ ready: false, draining: false, checks: { database: 'failed' } });
  });

  it('shows metrics to this machine, or to who has the token', async () => {
    const base = await start();
    const status = async (url: string, headers: Record<string, string> = {}): Promise<number> =>
      (await fetch(url, { headers })).status;
    expect(await status(`${base}/metrics`)).to.equal(200);
    expect(await status(`${base}/metrics`, { 'X-Forwarded-For': '1.2.3.4' })).to.equal(404);
    await running?.drain(0);
    const guarded = await start({ metricsToken: 'right' });
    expect(await status(`${guarded}/metrics`)).to.equal(401);
    expect(await status(`${guarded}/metrics`, { Authorization: 'Bearer wrong' })).to.equal(401);
    expect(await status(`${guarded}/metrics`, { Authorization: 'Bearer right' })).to.equal(200);
    await running?.drain(0);
    const public_ = await start({ publicUrl: 'https://cloud.example.org' });
    expect(await status(`${public_}/metrics`)).to.equal(404);
  });
});
