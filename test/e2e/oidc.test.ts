import { expect } from 'chai';
import { type FakeProvider, startFakeProvider } from '../support/fake-provider.ts';
import { freePort } from '../support/free-port.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { apiOf, within } from '../support/identity.ts';
import { cloudstore } from '../support/process.ts';
import { type RealProvider, startRealProvider } from '../support/real-provider.ts';
import { type Answer, send } from '../support/requests.ts';

describe('logging in by an identity provider', function () {
  this.timeout(120_000);
  let provider: FakeProvider;
  let gateway: TestGateway;
  /** As browsers call the gateway. */
  let PUBLIC: string;
  let api: ReturnType<typeof apiOf>;
  let admin: { token: string };
  before(async () => {
    provider = await startFakeProvider();
    const port = await freePort();
    PUBLIC = `http://127.0.0.1:${port}`;
    gateway = await startGateway({
      env: {
        CLOUDSTORE_OIDC_ISSUER: provider.issuer,
        CLOUDSTORE_OIDC_CLIENT_ID: provider.clientId,
        CLOUDSTORE_OIDC_CLIENT_SECRET: provider.clientSecret,
        CLOUDSTORE_OIDC_NAME: 'Example ID',
        CLOUDSTORE_OIDC_DOMAINS: 'Example.org',
        CLOUDSTORE_OIDC_CLAIMS: 'groups=cloudstore',
        CLOUDSTORE_OIDC_CREATE: 'guest',
        CLOUDSTORE_PUBLIC_URL: PUBLIC,
        CLOUDSTORE_PORT: String(port),
      },
    });
    api = apiOf(gateway);
    admin = await api.tokenOf(gateway.user, gateway.password);
  });
  after(async () => {
    await gateway?.stop();
    await provider?.close();
  });

  const claims = (sub: string, more: object = {}) => ({
    sub,
    email: `${sub}@example.org`,
    email_verified: true,
    groups: ['staff', 'cloudstore'],
    ...more,
  });
  const cookiesOf = ({ headers }: Answer): Map<string, string> =>
    new Map((headers['set-cookie'] ?? []).map((one) => one.split(';', 1)[0]!.split('=') as [string, string]));
  const begin = async () => {
    const answer = await send('GET', `${gateway.restUrl}/auth/oidc/begin`);
    expect(answer.status, answer.body.toString()).to.equal(303);
    expect(String(answer.headers['set-cookie'])).to.match(/cs_oidc=.*Path=\/api\/v1\/auth\/oidc; HttpOnly; SameSite=Lax/);
    return { url: answer.headers.location!, cookie: `cs_oidc=${cookiesOf(answer).get('cs_oidc')}` };
  };
  const comeBack = (location: string, cookie: string | null): Promise<Answer> => {
    expect(location.startsWith(`${PUBLIC}/api/v1/auth/oidc/callback?`), location).to.equal(true);
    return send('GET', location, { headers: cookie === null ? {} : { cookie } });
  };
  const logIn = async (next: FakeProvider['next']): Promise<Answer> => {
    provider.next = next;
    const { url, cookie } = await begin();
    return comeBack(provider.approve(url), cookie);
  };
  const nameOf = async (answer: Answer): Promise<string> => {
    expect([answer.status, answer.headers.location], answer.body.toString()).to.deep.equal([303, '/']);
    const token = cookiesOf(answer).get('cs_read') ?? '';
    return (await api.call('GET', '/me', { token })).json.name;
  };

  it('makes one user of who comes for the first time twice at once', async () => {
    for (let round = 0; round < 3; round++) {
      provider.next = { claims: claims(`twin${round}`) };
      const begun = await Promise.all([begin(), begin(), begin()]);
      const back = begun.map(({ url, cookie }) => ({ location: provider.approve(url), cookie }));
      const names = await Promise.all(back.map(async ({ location, cookie }) => nameOf(await comeBack(location, cookie))));
      expect(new Set(names).size, String(names)).to.equal(1);
      const { users } = (await api.call('GET', '/users', admin)).json;
      const made = users.map(({ name }: { name: string }) => name).filter((name: string) => name.startsWith(`twin${round}`));
      expect(made).to.deep.equal([`twin${round}`]);
    }
  });

  it('makes a user of who comes first, knows it again, and never takes over one that is there', async () => {
    expect((await api.call('GET', '/auth/oidc', null)).json).to.deep.equal({
      provider: { name: 'Example ID', begin: '/api/v1/auth/oidc/begin' },
    });
    await api.call('POST', '/users', admin, { name: 'ann', password: 'the password of ann' });
    const first = await logIn({ claims: claims('ann') });
    expect(String(first.headers['set-cookie'])).to.match(/cs_refresh=[^;]+; Path=\/api\/v1\/auth; HttpOnly; SameSite=Strict/);
    expect(await nameOf(first)).to.equal('ann-2');
    expect((await api.call('GET', '/users/ann-2', admin)).json.role).to.equal('guest');
    // By its subject, whatever else has changed.
    expect(await nameOf(await logIn({ claims: claims('ann', { email: 'new.name@EXAMPLE.org' }) }))).to.equal('ann-2');
    expect(await nameOf(await logIn({ claims: claims('another', { preferred_username: 'Ann' }) }))).to.equal('ann-3');
    await api.call('PATCH', '/users/ann-2', admin, { disabled: true });
    expect((await logIn({ claims: claims('ann') })).status).to.equal(403);
  });

  it('lets nobody in whose domain or claims are others, or whose address nobody has verified', async () => {
    for (const [why, wrong] of Object.entries({
      domain: { email: 'eve@example.org.evil.test' },
      'a domain below': { email: 'eve@sub.example.org' },
      unverified: { email_verified: false },
      'verified by a word': { email_verified: 'true' },
      'no address': { email: undefined },
      claim: { groups: ['staff'] },
      'no claim': { groups: undefined },
    })) {
      const answer = await logIn({ claims: claims('eve', wrong) });
      expect([why, answer.status, cookiesOf(answer).has('cs_refresh')]).to.deep.equal([why, 403, false]);
    }
    const { users } = (await api.call('GET', '/users', admin)).json;
    expect(users.map(({ name }: { name: string }) => name)).to.not.include('eve');
  });

  it('believes no answer that was tampered with, replayed, or begun in another browser', async () => {
    for (const [why, wrong] of Object.entries({
      'another nonce': { nonce: 'x' },
      'for another client': { aud: 'x' },
      'of another issuer': { iss: 'https://evil.example' },
      expired: { exp: 1 },
      'expired, though clocks differ a little': { exp: Math.floor(Date.now() / 1000) - 90 },
      'not valid yet': { nbf: Math.floor(Date.now() / 1000) + 90 },
      'signed by somebody else': { key: 'another' as const },
    })) {
      const answer = await logIn({ claims: claims('bob'), wrong });
      expect([why, answer.status, cookiesOf(answer).has('cs_refresh')]).to.deep.equal([why, 401, false]);
    }
    // Clocks differ by seconds.
    for (const wrong of [{ exp: Math.floor(Date.now() / 1000) - 5 }, { nbf: Math.floor(Date.now() / 1000) + 10 }])
      expect(await nameOf(await logIn({ claims: claims('bob'), wrong }))).to.equal('bob');
    provider.next = { claims: claims('bob') };
    const [one, two] = [await begin(), await begin()];
    const back = provider.approve(one.url);
    const before = provider.exchanges();
    for (const cookie of [null, two.cookie, 'cs_oidc=x', `cs_oidc=${Buffer.from('{"state":1}').toString('base64url')}`])
      expect((await comeBack(back, cookie)).status, String(cookie)).to.equal(401);
    // A link that somebody else asked for, written into the cookie.
    const forged = { ...JSON.parse(Buffer.from(one.cookie.slice(8), 'base64url').toString()), principal: 1 };
    const cookie = `cs_oidc=${Buffer.from(JSON.stringify(forged)).toString('base64url')}`;
    expect((await comeBack(back, cookie)).status).to.equal(401);
    expect((await comeBack(back.replace(/state=[^&]+/, 'state=other'), one.cookie)).status).to.equal(401);
    expect(provider.exchanges(), 'no code was even shown').to.equal(before);
    expect(await nameOf(await comeBack(back, one.cookie))).to.equal('bob');
    expect((await comeBack(back, one.cookie)).status, 'replayed').to.equal(401);
    const refusal = await begin();
    const state = new URL(refusal.url).searchParams.get('state');
    const denied = `${PUBLIC}/api/v1/auth/oidc/callback?error=access_denied&error_description=%3Cscript%3E&state=${state}`;
    const page = await comeBack(denied, refusal.cookie);
    expect(page.status).to.equal(401);
    expect(page.body.toString()).to.not.include('<script>');
    // Whatever a request calls us, browsers are sent to where the settings say.
    const elsewhere = await send('GET', `${gateway.restUrl}/auth/oidc/begin`, { headers: { host: 'evil.example' } });
    expect(new URL(elsewhere.headers.location!).searchParams.get('redirect_uri')).to.equal(`${PUBLIC}/api/v1/auth/oidc/callback`);
  });

  it('sends browsers back to the address of the settings, whatever a request calls the gateway', async () => {
    for (const headers of [
      { host: 'evil.example' },
      { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
      { forwarded: 'host=evil.example;proto=https' },
    ]) {
      for (const path of ['begin', 'farewell']) {
        const answer = await send('GET', `${gateway.restUrl}/auth/oidc/${path}`, { headers });
        const { location = '' } = answer.headers;
        expect(location, answer.body.toString()).to.include(encodeURIComponent(PUBLIC)).and.not.include('evil');
        expect(location.startsWith(`${provider.issuer}/`), location).to.equal(true);
      }
    }
  });

  it('is linked by a user that is there, itself, and unlinked again; a reset takes it away', async () => {
    await api.call('POST', '/users', admin, { name: 'carl', password: 'the password of carl' });
    const carl = await api.tokenOf('carl', 'the password of carl');
    const link = async (by: { token: string }): Promise<Answer> => {
      const answer = await api.call('POST', '/me/oidc', by);
      expect(answer.status, answer.body.toString()).to.equal(200);
      return comeBack(provider.approve(answer.json.url), `cs_oidc=${cookiesOf(answer).get('cs_oidc')}`);
    };
    provider.next = { claims: claims('carl at work') };
    expect((await link(carl)).status).to.equal(303);
    expect((await api.call('GET', '/me/oidc', carl)).json).to.deep.equal({ linked: true });
    expect(await nameOf(await logIn({ claims: claims('carl at work') }))).to.equal('carl');
    expect((await link(admin)).status, 'it is carl’s').to.equal(409);
    expect((await api.call('GET', '/me/oidc', admin)).json).to.deep.equal({ linked: false });
    const device = (await api.call('POST', '/credentials', carl, { kind: 'device', name: 'phone' })).json;
    const phone = await api.tokenOf('carl', device.password);
    expect((await api.call('POST', '/me/oidc', phone)).status, 'no device links').to.equal(403);
    expect((await api.call('DELETE', '/me/oidc', carl)).status).to.equal(204);
    expect(await nameOf(await logIn({ claims: claims('carl at work') }))).to.equal('carl-at-work');
    provider.next = { claims: claims('carl at home') };
    expect((await link(carl)).status).to.equal(303);
    await api.call('POST', '/users/carl/reset', admin, {});
    expect(await nameOf(await logIn({ claims: claims('carl at home') }))).to.equal('carl-at-home');
  });

  it('is in the audit, ends at the provider too, and shows its secret nowhere', async () => {
    const farewell = await send('GET', `${gateway.restUrl}/auth/oidc/farewell`);
    expect(farewell.headers.location)
      .to.include(`${provider.issuer}/farewell?`)
      .and.include(encodeURIComponent(`${PUBLIC}/`));
    await within(async () => {
      const { items } = (await api.call('GET', '/audit?action=LoginByOidc', admin)).json;
      const outcomes = new Set(items.map(({ outcome }: { outcome: string }) => outcome));
      return outcomes.has('ok') && outcomes.has('denied') && items.some(({ name }: { name: string }) => name === 'carl');
    }, 5_000);
    const env = { CLOUDSTORE_DATA_DIR: gateway.dataDir, CLOUDSTORE_OIDC_CLIENT_SECRET: provider.clientSecret };
    const printed = await cloudstore(['config', 'print'], { env });
    expect(printed.stdout).to.match(/oidc-client-secret.*\(secret\)/);
    const { stdout, stderr } = gateway.output();
    for (const text of [printed.stdout, stdout, stderr]) expect(text).to.not.include(provider.clientSecret);
  });
});

/** The same against a provider that others rely on; it holds the gateway to the protocol as it holds everybody. */
describe('logging in by oidc-provider, the certified one', function () {
  this.timeout(120_000);
  let provider: RealProvider;
  let gateway: TestGateway;
  let api: ReturnType<typeof apiOf>;
  before(async () => {
    provider = await startRealProvider();
    const port = await freePort();
    provider.serve(`http://127.0.0.1:${port}/api/v1/auth/oidc/callback`);
    gateway = await startGateway({
      env: {
        CLOUDSTORE_OIDC_ISSUER: provider.issuer,
        CLOUDSTORE_OIDC_CLIENT_ID: provider.clientId,
        CLOUDSTORE_OIDC_CLIENT_SECRET: provider.clientSecret,
        CLOUDSTORE_OIDC_DOMAINS: 'example.org',
        CLOUDSTORE_OIDC_CLAIMS: 'groups=cloudstore',
        CLOUDSTORE_OIDC_CREATE: 'guest',
        CLOUDSTORE_PUBLIC_URL: `http://127.0.0.1:${port}`,
        CLOUDSTORE_PORT: String(port),
      },
    });
    api = apiOf(gateway);
  });
  after(async () => {
    await gateway?.stop();
    await provider?.close();
  });

  const person = (sub: string, more: object = {}) => ({
    sub,
    email: `${sub}@example.org`,
    email_verified: true,
    preferred_username: sub,
    groups: ['cloudstore'],
    ...more,
  });
  const logIn = async (next: RealProvider['next'], change: (pending: Record<string, unknown>) => object = (same) => same) => {
    provider.next = next;
    const begun = await send('GET', `${gateway.restUrl}/auth/oidc/begin`);
    const given = /cs_oidc=([^;]+)/.exec(String(begun.headers['set-cookie']))?.[1] ?? '';
    const back = await provider.browse(begun.headers.location ?? '');
    const pending = change(JSON.parse(Buffer.from(given, 'base64url').toString()));
    const cookie = `cs_oidc=${Buffer.from(JSON.stringify(pending)).toString('base64url')}`;
    return { back, cookie, answer: await send('GET', back, { headers: { cookie } }) };
  };
  const nameOf = async ({ answer }: { answer: Answer }): Promise<string> => {
    expect([answer.status, answer.headers.location], answer.body.toString()).to.deep.equal([303, '/']);
    const token = /cs_read=([^;]+)/.exec(String(answer.headers['set-cookie']))?.[1] ?? '';
    return (await api.call('GET', '/me', { token })).json.name;
  };

  it('discovers it, proves itself by PKCE, and knows of who comes what only its user-info tells', async () => {
    expect(await nameOf(await logIn(person('dora')))).to.equal('dora');
    expect(await nameOf(await logIn(person('dora', { preferred_username: 'other' })))).to.equal('dora');
    const asked = provider.seen.filter((one) =>
      /openid-configuration|code_challenge=[\w-]{43}&code_challenge_method=S256/.test(one),
    );
    expect(asked, 'what is discovered is kept').to.have.length(3);
    expect(provider.seen.filter((one) => /^GET \/me/.test(one)).length).to.equal(2);
    for (const wrong of [{ groups: ['staff'] }, { email_verified: false }, { email: 'eve@elsewhere.test' }])
      expect((await logIn(person('eve', wrong))).answer.status).to.equal(403);
  });

  it('takes no code twice, none of another proof, and no token of another nonce', async () => {
    const { back, cookie, answer } = await logIn(person('finn'));
    expect(answer.status).to.equal(303);
    expect((await send('GET', back, { headers: { cookie } })).status).to.equal(401);
    const changed: Record<string, (pending: Record<string, unknown>) => object> = {
      verifier: (pending) => ({ ...pending, verifier: 'x'.repeat(43) }),
      nonce: (pending) => ({ ...pending, nonce: 'x' }),
      state: (pending) => ({ ...pending, state: 'x' }),
    };
    for (const [what, change] of Object.entries(changed))
      expect((await logIn(person('finn'), change)).answer.status, what).to.equal(401);
    const elsewhere = `${back.split('?')[0]}?${new URLSearchParams({ ...Object.fromEntries(new URL(back).searchParams), iss: 'https://evil.example' })}`;
    expect((await send('GET', elsewhere, { headers: { cookie } })).status).to.equal(401);
  });

  it('goes on when its keys are others: the first who comes begins again, the next is let in', async () => {
    expect(await nameOf(await logIn(person('gus')))).to.equal('gus');
    provider.rotate();
    expect((await logIn(person('gus'))).answer.status).to.equal(401);
    expect(await nameOf(await logIn(person('gus')))).to.equal('gus');
  });
});
