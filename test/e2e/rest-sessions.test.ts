import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ApiError, type Client, createClient } from '../../clients/typescript/index.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { describeStates } from './rest-state-suite.ts';

/** Fetch as a page of the gateway's own has it: cookies are kept, by path. */
function browserFetch() {
  const jar = new Map<string, { value: string; path: string; attributes: string }>();
  const send: typeof fetch = async (input, init) => {
    const url = new URL(String(input));
    const headers = new Headers(init?.headers);
    const sent = [...jar].filter(([, { path, value }]) => value !== '' && url.pathname.startsWith(path));
    if (init?.credentials === 'same-origin' && sent.length > 0) {
      headers.set('cookie', sent.map(([name, { value }]) => `${name}=${value}`).join('; '));
    }
    const response = await checkedFetch(url, { ...init, headers });
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = cookie.split('; ');
      const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      jar.set(name, {
        value,
        path: attributes.find((one) => one.startsWith('Path='))?.slice(5) ?? '/',
        attributes: attributes.join('; '),
      });
    }
    return response;
  };
  return { send, jar };
}

describe('sessions of pages and programs', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  before(async () => {
    gateway = await startGateway({ keepData: true });
  });
  after(async () => {
    await gateway.stop();
    rmSync(gateway.dataDir, { recursive: true, force: true });
  });
  const refusal = (call: Promise<unknown>): Promise<{ status: number; code: string }> =>
    call.then(
      () => ({ status: 0, code: 'none' }),
      (error: unknown) => (error instanceof ApiError ? { status: error.status, code: error.code } : Promise.reject(error)),
    );

  describe('in cookies', () => {
    it('tell no script the refresh token, go on after a reload, and end', async () => {
      const { send, jar } = browserFetch();
      const page = createClient({ url: gateway.webUrl, mode: 'cookie', fetch: send });
      expect(await page.signedIn()).to.equal(false);
      const told: string[] = [];
      const spying: typeof fetch = async (input, init) => {
        const response = await send(input, init);
        told.push(await response.clone().text());
        return response;
      };
      await createClient({ url: gateway.webUrl, mode: 'cookie', fetch: spying }).login(gateway.user, gateway.password);
      for (const { attributes } of jar.values()) expect(attributes).to.include('HttpOnly').and.include('SameSite=Strict');
      expect(jar.get('cs_refresh')?.path).to.equal('/api/v1/auth');
      expect(told.join()).to.not.include(jar.get('cs_refresh')!.value).and.not.include('refreshToken');
      // As after a reload: nothing in memory.
      const reloaded = createClient({ url: gateway.webUrl, mode: 'cookie', fetch: send });
      expect(await reloaded.signedIn()).to.equal(true);
      expect((await reloaded.call('Me', {})).name).to.equal(gateway.user);
      const [first, second] = await Promise.all([reloaded.call('ListBuckets', {}), reloaded.call('Me', {})]);
      expect([first.buckets.length > 0, second.name]).to.deep.equal([true, gateway.user]);
      await reloaded.logout();
      expect([...jar.values()].map(({ value }) => value)).to.deep.equal(['', '']);
      expect(await createClient({ url: gateway.webUrl, mode: 'cookie', fetch: send }).signedIn()).to.equal(false);
    });

    it('say a wrong password once, and stay', async () => {
      const { send } = browserFetch();
      const asked: string[] = [];
      const counting: typeof fetch = (input, init) => {
        asked.push(new URL(String(input)).pathname);
        return send(input, init);
      };
      const page = createClient({ url: gateway.webUrl, mode: 'cookie', fetch: counting });
      await page.login(gateway.user, gateway.password);
      asked.length = 0;
      expect((await refusal(page.call('LoginAgain', { body: { password: 'a wrong one' } }))).status).to.equal(401);
      expect(asked).to.deep.equal(['/api/v1/me/confirm']);
      await page.call('LoginAgain', { body: { password: gateway.password } });
      expect((await page.call('Me', {})).name).to.equal(gateway.user);
      await page.logout();
    });

    it('renew in two tabs at once, where neither knows of the other, and still end for who comes with a spent one later', async () => {
      const { send, jar } = browserFetch();
      const page = createClient({ url: gateway.webUrl, mode: 'cookie', fetch: send });
      await page.login(gateway.user, gateway.password);
      const spent = jar.get('cs_refresh')!.value;
      const renew = (token: string, body = '{}', headers = {}) =>
        fetch(`${gateway.restUrl}/auth/refresh`, {
          method: 'POST',
          headers: {
            'Content-Type': 'application/json',
            'X-CloudStore-Session': 'cookie',
            cookie: `cs_refresh=${token}`,
            ...headers,
          },
          body,
        });
      const answers = await Promise.all([renew(spent), renew(spent), renew(spent)]);
      expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200]);
      const given = answers.flatMap(({ headers }) => headers.getSetCookie()).filter((cookie) => cookie.startsWith('cs_refresh='));
      expect(new Set(given.map((cookie) => cookie.split(';')[0])).size, 'one new refresh token').to.equal(1);
      for (const answer of answers) {
        const { accessToken } = (await answer.json()) as { accessToken: string };
        const me = await fetch(`${gateway.restUrl}/me`, { headers: { Authorization: `Bearer ${accessToken}` } });
        expect(me.status).to.equal(200);
      }
      const next = /^cs_refresh=([^;]+)/.exec(given[0] ?? '')?.[1] ?? '';
      expect((await renew(next)).status).to.equal(200);
      // A program has no tabs: what it sends twice is a theft.
      expect((await renew('', JSON.stringify({ refreshToken: spent }))).status).to.equal(401);
      expect((await renew(next)).status, 'the session has ended').to.equal(401);
    });

    it('open what a page loads by itself, and nothing that changes anything', async () => {
      const { send, jar } = browserFetch();
      const page = createClient({ url: gateway.webUrl, mode: 'cookie', fetch: send });
      await page.login(gateway.user, gateway.password);
      await page.call('PutFile', { path: { bucket: 'home', key: 'a.txt' }, body: 'hello' });
      const cookie = `cs_read=${jar.get('cs_read')!.value}`;
      const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
        fetch(`${gateway.webUrl.replace(/\/$/, '')}/api/v1${path}`, {
          method,
          headers: { cookie, ...headers },
          ...(method === 'POST' ? { body: '{}' } : {}),
        });
      const image = await ask('GET', '/files/home/a.txt', { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Dest': 'image' });
      expect([image.status, await image.text()]).to.deep.equal([200, 'hello']);
      expect((await ask('GET', '/files/home/a.txt')).status).to.equal(200);
      for (const site of ['cross-site', 'same-site'])
        expect((await ask('GET', '/files/home/a.txt', { 'Sec-Fetch-Site': site })).status, site).to.equal(401);
      expect((await ask('PUT', '/files/home/a.txt')).status).to.equal(401);
      expect((await ask('DELETE', '/files/home/a.txt')).status).to.equal(401);
      expect((await ask('POST', '/batch', { 'Content-Type': 'application/json' })).status).to.equal(401);
      // The refresh cookie alone renews nothing: the header that only our own pages can send is missing.
      const forged = await ask('POST', '/auth/refresh', {
        'Content-Type': 'application/json',
        cookie: `cs_refresh=${jar.get('cs_refresh')!.value}`,
      });
      expect(forged.status).to.equal(400);
      await page.logout();
      expect((await ask('GET', '/files/home/a.txt')).status).to.equal(401);
    });
  });

  it('renew tokens under way, once for all who wait', async () => {
    const seen: string[] = [];
    const send: typeof fetch = (input, init) => {
      seen.push(`${init?.method ?? 'GET'} ${new URL(String(input)).pathname}`);
      return checkedFetch(input, init);
    };
    const kept: unknown[] = [];
    const client = createClient({ url: gateway.webUrl, fetch: send, onTokens: (tokens) => kept.push(tokens) });
    await client.login(gateway.user, gateway.password);
    const token = (await client.session.token())!;
    // What a clock that went astray does: the token is refused although the client thinks that it is good.
    client.session.adopt({
      ...(kept[0] as { refreshToken: string }),
      accessToken: `${token.slice(0, -4)}AAAA`,
      expiresInSeconds: 900,
    });
    const names = await Promise.all([1, 2, 3, 4].map(() => client.call('Me', {})));
    expect(names.map(({ name }) => name)).to.deep.equal(Array(4).fill(gateway.user));
    expect(seen.filter((one) => one.endsWith('/auth/refresh'))).to.have.length(1);
    expect(kept).to.have.length(3);
    await client.logout();
    expect(kept.at(-1)).to.equal(null);
    expect(await refusal(client.call('Me', {}))).to.include({ status: 401 });
  });

  describeStates(() => gateway);

  describe('an Idempotency-Key', () => {
    let client: Client;
    before(async () => {
      client = createClient({ url: gateway.webUrl, fetch: checkedFetch });
      await client.login(gateway.user, gateway.password);
    });
    const create = (name: string, idempotencyKey: string) => client.fetch('CreateBucket', { body: { name }, idempotencyKey });

    it('gives the first answer again, byte by byte, and makes nothing twice', async () => {
      const first = await create('once-a', 'key-1');
      const again = await create('once-a', 'key-1');
      expect([first.status, again.status]).to.deep.equal([201, 201]);
      expect(again.headers.get('idempotency-replayed')).to.equal('true');
      expect(await again.text()).to.equal(await first.text());
      expect(await refusal(create('once-a', 'key-2'))).to.include({ status: 409 });
      expect(await refusal(create('once-b', 'key-1'))).to.deep.equal({ status: 422, code: 'idempotency_key_reused' });
    });
    it('tells a device nothing that was answered to the user itself', async () => {
      const body = { kind: 'device', name: 'once' } as const;
      const made = await client.fetch('CreateCredential', { body, idempotencyKey: 'key-of-the-user' });
      const { password } = (await made.json()) as { password: string };
      const by = (authorization: string) =>
        fetch(`${gateway.restUrl}/credentials`, {
          method: 'POST',
          headers: { authorization, 'content-type': 'application/json', 'idempotency-key': 'key-of-the-user' },
          body: JSON.stringify(body),
        });
      const device = await by(`Basic ${Buffer.from(`${gateway.user}:${password}`).toString('base64')}`);
      expect([device.status, ((await device.json()) as { code: string }).code]).to.deep.equal([422, 'idempotency_key_reused']);
      expect((await by(`Bearer ${await client.session.token()}`)).headers.get('idempotency-replayed')).to.equal('true');
    });
    it('of several at once lets one through', async () => {
      const all = await Promise.all(
        [1, 2, 3, 4, 5].map(() =>
          create('once-race', 'key-race').then(
            ({ status }) => ({ status, code: 'made' }),
            (error: ApiError) => ({ status: error.status, code: error.code }),
          ),
        ),
      );
      expect(all.filter(({ code }) => code === 'made').length).to.be.at.least(1);
      for (const one of all) expect(['made', 'request_in_progress'], JSON.stringify(all)).to.include(one.code);
      expect((await create('once-race', 'key-race')).headers.get('idempotency-replayed')).to.equal('true');
    });
    it("is free again after a refusal, is its user's own, and survives a kill of the gateway", async () => {
      expect(await refusal(create('X', 'key-3'))).to.include({ status: 400 });
      expect((await create('once-c', 'key-3')).status).to.equal(201);
      expect(await refusal(create('once-d', 'bad key'))).to.include({ status: 400 });
      const move = () =>
        client.call('Batch', {
          body: { items: [{ op: 'copy', from: { bucket: 'home', key: 'a.txt' }, to: { bucket: 'home', key: 'b.txt' } }] },
          idempotencyKey: 'key-4',
        });
      const first = await move();
      await gateway.kill();
      gateway = await startGateway({ dataDir: gateway.dataDir, keepData: true });
      client = createClient({ url: gateway.webUrl, fetch: checkedFetch });
      await client.login(gateway.user, gateway.password);
      expect(await move()).to.deep.equal(first);
    });
  });

  describe('the first run', () => {
    let setupToken: string;
    let client: Client;
    before(async () => {
      ({ setupToken } = JSON.parse(readFileSync(join(gateway.dataDir, 'first-run.json'), 'utf8')));
      client = createClient({ url: gateway.webUrl, fetch: checkedFetch });
      await client.login(gateway.user, gateway.password);
    });
    const begin = (token: string) =>
      createClient({ url: gateway.webUrl, fetch: checkedFetch }).call('BeginSetup', { body: { token } });
    const waiting = async (): Promise<boolean> => (await client.call('SetupState', {})).waiting;

    it('waits, also after a restart and a log-in; a wrong token opens nothing, and of five at once the right one opens one session', async () => {
      expect(await waiting()).to.equal(true);
      expect(await refusal(begin('x'.repeat(32)))).to.deep.equal({ status: 401, code: 'unauthenticated' });
      const all = await Promise.allSettled([1, 2, 3, 4, 5].map(() => begin(setupToken)));
      expect(all.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
      expect(await refusal(begin(setupToken))).to.deep.equal({ status: 401, code: 'unauthenticated' });
      expect(await waiting()).to.equal(true);
    });

    it('gives the admin a password of its own once, and nobody else; then it is over for good', async () => {
      const choose = (by: Client, password: string) => by.call('ChooseFirstPassword', { body: { password } });
      await client.call('CreateUser', { body: { name: 'eve', role: 'admin', password: 'a password of eve' } });
      const eve = createClient({ url: gateway.webUrl, fetch: checkedFetch });
      await eve.login('eve', 'a password of eve');
      expect(await refusal(choose(eve, 'hers'))).to.deep.equal({ status: 403, code: 'access_denied' });
      const { accessKeyId: _, ...made } = await client.call('CreateCredential', { body: { kind: 'app-password', name: 'app' } });
      const app = createClient({ url: gateway.webUrl, fetch: checkedFetch });
      await app.login(gateway.user, made.password ?? '');
      expect(await refusal(choose(app, 'of an app'))).to.deep.equal({ status: 403, code: 'access_denied' });

      const other = createClient({ url: gateway.webUrl, fetch: checkedFetch });
      await other.login(gateway.user, gateway.password);
      const both = await Promise.allSettled([choose(client, 'the first choice'), choose(other, 'the second choice')]);
      expect(both.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
      const first = both[0]?.status === 'fulfilled';
      const [winner, loser] = first ? [client, other] : [other, client];
      expect(await refusal(winner.login(gateway.user, gateway.password))).to.include({ status: 401 });
      gateway.password = first ? 'the first choice' : 'the second choice';
      expect(await refusal(loser.call('Me', {}))).to.include({ status: 401 });
      expect(await waiting()).to.equal(false);
      await winner.login(gateway.user, gateway.password);
      expect(await refusal(choose(winner, 'again'))).to.deep.equal({ status: 409, code: 'conflict' });
      await winner.call('EndSetup', {});
    });
  });
});
