import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { mailServer } from '../support/mail-server.ts';
import { presign } from '../support/presign.ts';

describe('alerts', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let web: HttpServer;
  let mail: Server;
  let refusals = 1;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into messages of any shape
  const posted: any[] = [];
  const mails: string[] = [];

  before(async () => {
    web = createServer((req, res) => {
      let body = '';
      req.on('data', (chunk) => (body += chunk));
      req.on('end', () => {
        // Away at first: it is told later, and once.
        const away = refusals-- > 0;
        if (!away) posted.push(JSON.parse(body));
        res.writeHead(away ? 503 : 204).end();
      });
    }).listen(0, '127.0.0.1');
    mail = mailServer(mails).listen(0, '127.0.0.1');
    await Promise.all([once(web, 'listening'), once(mail, 'listening')]);
    const port = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;
    gateway = await startGateway({
      env: {
        CLOUDSTORE_WEBHOOKS: `ops=http://127.0.0.1:${port(web)}/alerts`,
        CLOUDSTORE_WEBHOOK_PRIVATE: 'on',
        CLOUDSTORE_ALERT_WEBHOOK: 'ops',
        CLOUDSTORE_SMTP_URL: `smtp://127.0.0.1:${port(mail)}?ignoreTLS=true`,
        CLOUDSTORE_ALERT_MAIL: 'owner@example.org',
        CLOUDSTORE_TRUSTED_PROXIES: '127.0.0.1',
      },
    });
  });
  after(async () => {
    await gateway?.stop();
    web?.close();
    mail?.close();
  });

  it('tell of a log-in from a new place, once, by every way, also when a receiver was away', async () => {
    await login('192.0.2.1');
    await login('192.0.2.1');
    // Both are looked at behind the answer; what the audit has by now was looked at too.
    await until(async () => (await (await api('GET', '/audit?action=Login')).text()).split('"Login"').length > 2);
    await login('2001:db8::1');
    await login('2001:db8::2');
    await until(async () => mails.length > 0);
    // A receiver that was away is asked again by the next run.
    await until(async () => {
      await api('POST', '/jobs/alerts/start');
      await new Promise((resolve) => setTimeout(resolve, 300));
      return posted.length > 0;
    });
    expect(posted.map(({ kind, subject }) => [kind, subject])).to.deep.equal([['login-from-new-place', 'admin']]);
    expect(posted[0].text).to.contain('2001:db8::1');
    expect(mails).to.have.length(1);
    expect(mails[0])
      .to.match(/^To: owner@example\.org/m)
      .and.match(/^Subject: CloudStore: Log-in from a new place/m);
    const alerts = async () => ((await (await api('GET', '/alerts')).json()) as { items: { told: string[] }[] }).items;
    // A way has told once its receiver has answered, which is after it has heard.
    await until(async () => (await alerts())[0]?.told.length === 2);
    const items = await alerts();
    expect(items).to.have.length(1);
    expect(items[0]?.told).to.have.members(['webhook', 'mail']);
  });

  it('can be tried by an admin, who hears what each way made of it', async () => {
    const { ways } = (await (await api('GET', '/alerts')).json()) as { ways: { name: string; to: string | null }[] };
    expect(ways.map(({ name, to }) => [name, to])).to.deep.equal([
      ['webhook', 'ops'],
      ['mail', 'owner@example.org'],
    ]);
    const test = async (): Promise<unknown> =>
      ((await (await api('POST', '/alerts/test')).json()) as { results: unknown }).results;
    const [before, told] = [mails.length, posted.length];
    expect(await test()).to.deep.equal([
      { name: 'webhook', error: null },
      { name: 'mail', error: null },
    ]);
    expect(posted.at(-1)).to.include({ kind: 'test', title: 'A test' });
    expect([mails.length, posted.length]).to.deep.equal([before + 1, told + 1]);
    refusals = 1;
    const [webhook] = (await test()) as { error: string | null }[];
    expect(webhook?.error).to.be.a('string');
  });

  it('tell of a new place whatever the door: WebDAV, Nextcloud, REST by password, S3, the push socket', async () => {
    const authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
    const by = (from: string) => ({ headers: { authorization, 'x-forwarded-for': from, depth: '0' } });
    const answers = [
      await fetch(`${gateway.webdavUrl}${gateway.bucket}/`, { method: 'PROPFIND', ...by('198.51.100.1') }),
      await fetch(`${gateway.webUrl.replace(/\/$/, '')}/remote.php/webdav/`, { method: 'PROPFIND', ...by('198.51.100.2') }),
      await fetch(`${gateway.restUrl}/buckets`, by('198.51.100.3')),
      await fetch(presign('GET', `${gateway.s3Url}/${gateway.bucket}`, gateway, new Date()), by('198.51.100.4')),
    ].map(({ status }) => status);
    expect(answers).to.deep.equal([207, 207, 200, 400]);
    const signed = presign('GET', `${gateway.s3Url}/${gateway.bucket}`, gateway, new Date());
    expect((await fetch(signed, { headers: { 'x-forwarded-for': '198.51.100.4' } })).status).to.equal(200);
    const socket = new WebSocket(`${gateway.webUrl.replace(/^http/, 'ws').replace(/\/$/, '')}/push/ws`, {
      headers: { 'x-forwarded-for': '198.51.100.5' },
    });
    await once(socket, 'open');
    socket.send(gateway.user);
    socket.send(gateway.password);
    expect(String((await once(socket, 'message'))[0])).to.equal('authenticated');
    socket.close();
    await until(async () => {
      const text = await (await api('GET', '/alerts')).text();
      return [1, 2, 3, 4, 5].every((last) => text.includes(`198.51.100.${last},`));
    });
  });

  it('are for admins', async () => {
    expect((await fetch(`${gateway.restUrl}/alerts`)).status).to.equal(401);
  });

  async function login(from: string): Promise<void> {
    const { status } = await fetch(`${gateway.restUrl}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
      body: JSON.stringify({ user: gateway.user, password: gateway.password }),
    });
    expect(status).to.equal(200);
  }

  function api(method: string, path: string): Promise<Response> {
    const authorization = `Basic ${Buffer.from(`${gateway.user}:${gateway.password}`).toString('base64')}`;
    const body = method === 'POST' ? { body: '{}' } : {};
    return fetch(`${gateway.restUrl}${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json', 'x-forwarded-for': '192.0.2.1' },
      ...body,
    });
  }
});

async function until(test: () => Promise<boolean>): Promise<void> {
  while (!(await test())) await new Promise((resolve) => setTimeout(resolve, 50));
}
