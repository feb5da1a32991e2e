import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { openSocket } from '../support/identity.ts';
import { type Finished, MAIN, NODE_ARGS, runProcess } from '../support/process.ts';

interface Shown {
  id: number;
  name: string | null;
  protocol: string;
  action: string;
  resource: string | null;
  outcome: string;
  status: number;
  address: string | null;
}

describe('the audit of a gateway', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  const PASSWORD = 'a secret that no record holds';

  before(async () => {
    gateway = await startGateway();
  });
  after(async () => {
    await gateway?.stop();
  });

  it('has who did what by every door, refusals too, and no secret', async () => {
    await cli(['user', 'add', 'ann', '--password-stdin'], `${PASSWORD}\n`);
    expect((await rest('POST', '/auth/login', { user: 'ann', password: PASSWORD }, null)).status).to.equal(200);
    expect((await rest('POST', '/auth/login', { user: 'ann', password: 'wrong' }, null)).status).to.equal(401);
    expect((await rest('GET', '/audit', undefined, basic('ann', PASSWORD))).status).to.equal(403);
    expect((await rest('POST', '/buckets', { name: 'audited' })).status).to.equal(201);
    const { json: link } = await rest('POST', '/links', { bucket: 'home', key: '' });
    expect((await fetch(`${gateway.restUrl}/public/${link.token}/files/nothing`, { method: 'PUT', body: 'x' })).status).to.equal(
      403,
    );
    const dav = await fetch(`${gateway.webdavUrl}home/`, {
      method: 'PROPFIND',
      headers: { authorization: basic('ann', 'guess') },
    });
    expect(dav.status).to.equal(401);
    expect((await fetch(`${gateway.s3Url}/home/x?X-Amz-Signature=abc`)).status).to.be.oneOf([400, 403]);

    const { accessToken } = (await rest('POST', '/auth/login', { user: 'ann', password: PASSWORD }, null)).json;
    (await openSocket(gateway, accessToken)).close();
    expect(await openSocket(gateway, `${accessToken}x`).catch((error: Error) => error.message)).to.contain('unauthenticated');

    const push = async (password: string): Promise<string> => {
      const socket = new WebSocket(`${gateway.webUrl.replace(/^http/, 'ws').replace(/\/$/, '')}/push/ws`);
      await once(socket, 'open');
      for (const word of ['ann', password]) socket.send(word);
      const [said] = await once(socket, 'message');
      socket.close();
      return String(said);
    };
    expect(await push(PASSWORD)).to.equal('authenticated');
    expect(await push('a wrong one')).to.match(/^err/);

    const wanted: Partial<Shown>[] = [
      { protocol: 'ws', action: 'LoginByPush', outcome: 'ok', name: 'ann', resource: '/push/ws', status: 200 },
      { protocol: 'ws', action: 'LoginByPush', outcome: 'denied', name: null, status: 401 },
      { protocol: 'ws', action: 'LoginBySocket', outcome: 'ok', name: 'ann', resource: '/ws', status: 200 },
      { protocol: 'ws', action: 'LoginBySocket', outcome: 'denied', name: null, status: 401 },
      { protocol: 'cli', action: 'user add', resource: 'ann', outcome: 'ok' },
      { protocol: 'rest', action: 'Login', outcome: 'ok', name: 'ann' },
      { protocol: 'rest', action: 'Login', outcome: 'denied', status: 401 },
      { protocol: 'rest', action: 'ListAudit', name: 'ann', outcome: 'denied', status: 403 },
      { protocol: 'rest', action: 'CreateBucket', name: 'admin', outcome: 'ok', resource: '/api/v1/buckets' },
      { protocol: 'rest', action: 'CreateLink', name: 'admin', outcome: 'ok' },
      {
        protocol: 'rest',
        action: 'DropPublicFile',
        name: `link ${link.id}`,
        outcome: 'denied',
        resource: '/api/v1/public/…/files/nothing',
      },
      { protocol: 'webdav', action: 'PROPFIND', outcome: 'denied', status: 401, resource: '/dav/home/' },
    ];
    await until(async () => {
      const items = await records();
      return wanted.every((one) =>
        items.some((item) => Object.entries(one).every(([field, value]) => item[field as keyof Shown] === value)),
      );
    });
    const text = JSON.stringify(await records());
    for (const secret of [PASSWORD, gateway.password, gateway.secretAccessKey, link.token, accessToken, 'X-Amz-Signature'])
      expect(text).to.not.contain(secret);
    expect(
      (await records()).some(({ action }) => action === 'GetFile'),
      'reads',
    ).to.equal(false);
  });

  it('is filtered, exported and verified over REST and by the command', async () => {
    const denied = (await rest('GET', '/audit?outcome=denied&protocol=webdav')).json.items;
    expect(denied).to.have.length(1);
    expect((await rest('GET', '/audit?limit=2')).json.items).to.have.length(2);
    expect((await rest('GET', '/audit?surprise=1')).status).to.equal(400);
    const csv = await fetch(`${gateway.restUrl}/audit/export?format=csv`, { headers: { authorization: owner() } });
    expect((await csv.text()).split('\r\n')[0]).to.match(/^id,at,name/);
    expect((await rest('POST', '/audit/verify')).json).to.include({ ok: true, broken: null });
    const listed = JSON.parse((await cli(['audit', 'list', '--door', 'webdav', '--json'])).stdout);
    expect(listed.map(({ action }: Shown) => action)).to.deep.equal(['PROPFIND']);
    const lines = (await cli(['audit', 'export'])).stdout.trim().split('\n');
    expect(JSON.parse(lines[0] ?? '')).to.include({ id: 1 });
    expect((await cli(['audit', 'verify'])).stdout).to.match(/each as it was written/);
  });

  it('is whole after a new master key, and after the gateway was killed', async () => {
    await cli(['master-key', 'rotate']);
    expect((await rest('POST', '/audit/verify')).json).to.include({ ok: true });
    const { dataDir } = gateway;
    await gateway.kill();
    gateway = await startGateway({ dataDir });
    const secrets = await rest('POST', '/audit/verify');
    expect(secrets.json).to.include({ ok: true });
  });

  const basic = (name: string, password: string): string => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
  const owner = (): string => basic(gateway.user, gateway.password);

  async function records(): Promise<Shown[]> {
    return (await rest('GET', '/audit?limit=1000')).json.items;
  }

  async function rest(method: string, path: string, body?: object, authorization: string | null = owner()) {
    const answer = await fetch(`${gateway.restUrl}${path}`, {
      method,
      headers: {
        ...(authorization === null ? {} : { authorization }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: a foreign border; tests look into answers of any shape
    return { status: answer.status, json: (await answer.json()) as any };
  }

  async function cli(args: string[], input = ''): Promise<Finished> {
    const finished = await runProcess(process.execPath, [...NODE_ARGS, MAIN, ...args, '--data-dir', gateway.dataDir], { input });
    expect(finished.code, finished.stderr).to.equal(0);
    return finished;
  }
});

async function until(test: () => Promise<boolean>): Promise<void> {
  while (!(await test())) await new Promise((resolve) => setTimeout(resolve, 100));
}
