import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { apiOf, appCode, beforeItEnds, openSocket, type Reply, within } from '../support/identity.ts';
import { presign, type SigningKeys } from '../support/presign.ts';
import { cloudstore } from '../support/process.ts';
import { type Answer, send } from '../support/requests.ts';
import { slowly, slowUpload } from '../support/slow-transfers.ts';
import { softPasskey } from '../support/soft-passkey.ts';

describe('who somebody is, on every door', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let api: ReturnType<typeof apiOf>;
  let admin: { token: string };
  /** Everything that must show nowhere. */
  const canaries = new Map<string, string>();
  const secret = (what: string, value: string): string => {
    canaries.set(what, value);
    return value;
  };

  before(async () => {
    gateway = await startGateway({ env: { CLOUDSTORE_LOG_LEVEL: 'debug' } });
    api = apiOf(gateway);
    admin = await api.tokenOf('admin', gateway.password);
    secret('the access token', admin.token);
  });
  after(async () => {
    await gateway?.stop();
  });

  let people = 0;
  async function person(role = 'member') {
    const name = `person${++people}`;
    const { status, json } = await api.call('POST', '/users', admin, { name, role });
    expect(status, JSON.stringify(json)).to.equal(201);
    const password = secret(`the password of ${name}`, json.password);
    return { name, password, bucket: json.bucket as string, self: await api.tokenOf(name, password) };
  }
  const make = async (by: { token: string }, body: object): Promise<Reply['json']> => {
    const { status, json } = await api.call('POST', '/credentials', by, body);
    expect(status, JSON.stringify(json)).to.equal(201);
    secret(`the secret of ${json.id}`, json.secretAccessKey ?? json.password);
    return json;
  };
  const s3 = (keys: SigningKeys, method: string, path: string, body?: Buffer | string): Promise<Answer> =>
    send(method, presign(method, `${gateway.s3Url}/${path}`, keys, new Date()), body === undefined ? {} : { body });
  const codeOf = ({ body }: Answer): string => /<Code>(\w+)<\/Code>/.exec(body.toString())?.[1] ?? '';

  describe('a second factor', () => {
    it('takes the bare password away from every door, and codes work once', async () => {
      const ann = await person();
      const app = await make(ann.self, { kind: 'app-password', name: 'drive' });
      expect((await api.dav(ann.name, ann.password)).status).to.equal(207);
      const begun = await api.call('POST', '/me/totp', ann.self);
      const key = secret('the secret of one-time codes', begun.json.secret);
      expect(begun.json.uri).to.match(/^otpauth:\/\/totp\/CloudStore:person\d+\?secret=[A-Z2-7]{32}&issuer=CloudStore$/);
      // Begun is not on.
      expect((await api.login(ann.name, ann.password)).status).to.equal(200);
      expect((await api.call('POST', '/me/totp/confirm', ann.self, { code: '000000' })).status).to.equal(401);
      // Codes of the step before and after are good too, so that a step may end on the way of this one and of the next.
      const first = appCode(key);
      const on = await api.call('POST', '/me/totp/confirm', ann.self, { code: first });
      expect(on.status, on.body.toString()).to.equal(200);
      expect(on.json.recoveryCodes).to.have.length(10);
      for (const [index, code] of on.json.recoveryCodes.entries()) secret(`recovery code ${index}`, code);

      await within(async () => (await api.dav(ann.name, ann.password)).status === 401);
      expect((await api.call('GET', '/me', { user: ann.name, password: ann.password })).status).to.equal(401);
      expect((await api.dav(ann.name, app.password)).status).to.equal(207);
      expect((await api.call('GET', '/buckets', { user: ann.name, password: app.password })).status).to.equal(200);

      const asked = await api.login(ann.name, ann.password);
      expect([asked.status, asked.json.code]).to.deep.equal([401, 'second_factor_required']);
      expect(asked.json.secondFactor).to.deep.equal(['totp', 'recovery']);
      // Half a log-in is none: it gives nothing that any door could take.
      expect(asked.headers).to.not.have.any.keys('set-cookie', 'authorization');
      expect(Object.keys(asked.json).filter((name) => /token|ticket|session|challenge|state/i.test(name))).to.deep.equal([]);
      expect((await api.login(ann.name, 'wrong', { otp: appCode(key) })).json.code).to.equal('unauthenticated');
      // The code that turned it on is spent.
      expect((await api.login(ann.name, ann.password, { otp: first })).status).to.equal(401);
      const code = appCode(key, 1);
      const raced = await Promise.all(Array.from({ length: 6 }, () => api.login(ann.name, ann.password, { otp: code })));
      expect(raced.filter(({ status }) => status === 200)).to.have.length(1);
    });

    it('opens with each recovery code once, also when all come at once', async () => {
      const bob = await person();
      const { json } = await api.call('POST', '/me/totp', bob.self);
      const { recoveryCodes } = (await api.call('POST', '/me/totp/confirm', bob.self, { code: appCode(json.secret) })).json;
      const tries = [recoveryCodes[0], recoveryCodes[0], recoveryCodes[0], recoveryCodes[1].toUpperCase()];
      const answers = await Promise.all(tries.map((otp) => api.login(bob.name, bob.password, { otp })));
      expect(answers.filter(({ status }) => status === 200)).to.have.length(2);
      expect((await api.call('GET', '/me/second-factors', bob.self)).json).to.deep.equal({
        totp: true,
        passkeys: 0,
        recoveryCodes: 8,
        confirmed: true,
      });
      expect((await api.call('DELETE', '/me/totp', bob.self, { code: recoveryCodes[2] })).status).to.equal(204);
      expect((await api.login(bob.name, bob.password)).status).to.equal(200);
    });

    it('is slowed down by itself: whoever knows the password cannot try codes', async () => {
      const carl = await person();
      const { json } = await api.call('POST', '/me/totp', carl.self);
      await api.call('POST', '/me/totp/confirm', carl.self, { code: appCode(json.secret) });
      const guesses = await Promise.all(
        Array.from({ length: 30 }, (_, i) => api.login(carl.name, carl.password, { otp: String(100_000 + i) })),
      );
      expect(guesses.filter(({ status }) => status === 401).length).to.be.at.most(8);
      const limited = guesses.find(({ status }) => status === 429);
      expect(Number(limited?.headers['retry-after'])).to.be.within(1, 3600);
    });

    it('may be a passkey, which logs in alone', async () => {
      const dora = await person();
      const origin = new URL(gateway.webUrl).origin;
      const passkey = softPasskey(origin);
      const options = (await api.call('POST', '/me/passkeys/options', dora.self)).json;
      const elsewhere = passkey.register(options, 'https://evil.example');
      expect((await api.call('POST', '/me/passkeys', dora.self, { response: elsewhere, name: 'x' })).status).to.equal(401);
      // That challenge is spent.
      expect(
        (await api.call('POST', '/me/passkeys', dora.self, { response: passkey.register(options), name: 'x' })).status,
      ).to.equal(401);
      const again = (await api.call('POST', '/me/passkeys/options', dora.self)).json;
      const added = await api.call('POST', '/me/passkeys', dora.self, { response: passkey.register(again), name: 'laptop' });
      expect(added.status, added.body.toString()).to.equal(201);
      expect(added.json.recoveryCodes).to.have.length(10);

      const begin = async () => (await api.call('POST', '/auth/passkey/options', null)).json;
      const enter = (response: object) => api.call('POST', '/auth/passkey/login', null, { response });
      const challenge = await begin();
      expect(challenge).not.to.have.property('allowCredentials');
      const response = passkey.login(challenge);
      const entered = await enter(response);
      expect(entered.status, entered.body.toString()).to.equal(200);
      expect((await api.call('GET', '/me', { token: entered.json.accessToken })).json.name).to.equal(dora.name);
      const stranger = softPasskey(origin);
      for (const [why, wrong] of [
        ['replayed', response],
        ['of another origin', passkey.login(await begin(), { from: 'https://evil.example' })],
        ['without the user verified', passkey.login(await begin(), { flags: 0x01 })],
        ['with a challenge of nobody', passkey.login({ ...(await begin()), challenge: randomBytes(32).toString('base64url') })],
        ['of a passkey for registering', passkey.login({ ...(await begin()), challenge: again.challenge })],
        ['of a stranger', stranger.login(await begin())],
        ['that is nothing', {}],
      ] as const) {
        const refused = await enter(wrong);
        expect([why, refused.status, refused.json.code]).to.deep.equal([why, 401, 'unauthenticated']);
      }
      expect((await api.login(dora.name, dora.password)).json.secondFactor).to.deep.equal(['passkey', 'recovery']);
      expect((await api.dav(dora.name, dora.password)).status).to.equal(401);
    });

    it('is said once more by password and code, or by a passkey of one’s own', async () => {
      const [nora, olaf] = [await person(), await person()];
      const origin = new URL(gateway.webUrl).origin;
      const passkey = softPasskey(origin);
      const options = (await api.call('POST', '/me/passkeys/options', nora.self)).json;
      const { recoveryCodes } = (
        await api.call('POST', '/me/passkeys', nora.self, { response: passkey.register(options), name: 'laptop' })
      ).json;
      const confirm = (by: { token: string }, body: object) => api.call('POST', '/me/confirm', by, body);
      expect((await confirm(nora.self, { password: 'wrong', otp: recoveryCodes[0] })).json.code).to.equal('unauthenticated');
      expect((await confirm(nora.self, { password: nora.password })).json).to.deep.include({
        code: 'second_factor_required',
        secondFactor: ['passkey', 'recovery'],
      });
      expect((await confirm(nora.self, { password: nora.password, otp: recoveryCodes[0] })).status).to.equal(204);
      expect((await confirm(olaf.self, { password: olaf.password })).status).to.equal(204);
      const login = async () => passkey.login((await api.call('POST', '/auth/passkey/options', null)).json);
      const byPasskey = async (by: { token: string }) => api.call('POST', '/me/confirm/passkey', by, { response: await login() });
      expect((await byPasskey(olaf.self)).status, 'of somebody else').to.equal(401);
      expect((await byPasskey(nora.self)).status).to.equal(204);
      const app = await make(nora.self, { kind: 'device', name: 'phone' });
      const { token } = await api.tokenOf(nora.name, app.password);
      expect((await confirm({ token }, { password: nora.password })).status, 'no device may').to.equal(403);
    });

    it('is gone after a reset from the command line, with every session', async () => {
      const eve = await person();
      const { json } = await api.call('POST', '/me/totp', eve.self);
      await api.call('POST', '/me/totp/confirm', eve.self, { code: appCode(json.secret) });
      const done = await cloudstore(['user', 'reset', eve.name, '--data-dir', gateway.dataDir, '--json'], { env: {} });
      expect(done.code, done.stderr).to.equal(0);
      const password = secret('the password after a reset', JSON.parse(done.stdout).password);
      await within(async () => (await api.call('GET', '/me', eve.self)).status === 401);
      expect((await api.login(eve.name, eve.password)).json.code).to.equal('unauthenticated');
      expect((await api.login(eve.name, password)).status).to.equal(200);
    });
  });

  describe('a device', () => {
    it('has one secret for all doors, and one end: within a second, with all that is open', async () => {
      const fred = await person();
      const device = await make(fred.self, { kind: 'device', name: 'phone' });
      expect((await s3(device, 'PUT', `${fred.bucket}/a`, 'hello')).status).to.equal(200);
      const big = randomBytes(24 << 20);
      expect((await s3(device, 'PUT', `${fred.bucket}/big`, big)).status).to.equal(200);
      expect((await api.dav(fred.name, device.password, 'home/a', 'GET')).body.toString()).to.equal('hello');
      expect((await api.call('GET', '/files/home/a', { user: fred.name, password: device.password })).body.toString()).to.equal(
        'hello',
      );
      const session = await api.tokenOf(fred.name, device.password, { label: 'its app' });
      const { sessions } = (await api.call('GET', '/me/sessions', fred.self)).json;
      expect(sessions.find((one: { label: string }) => one.label === 'its app').credential).to.equal(device.id);
      const socket = await openSocket(gateway, session.token);
      const shared = presign('GET', `${gateway.s3Url}/${fred.bucket}/a`, device, new Date());
      expect((await send('GET', shared)).status).to.equal(200);
      const download = slowly(presign('GET', `${gateway.s3Url}/${fred.bucket}/big`, device, new Date()));
      const upload = slowUpload(presign('PUT', `${gateway.s3Url}/${fred.bucket}/up`, device, new Date()));
      await Promise.all([download.begun, upload.begun]);

      expect((await api.call('DELETE', `/credentials/${device.id}`, fred.self)).status).to.equal(204);
      const ended = performance.now();
      expect(await socket.closed).to.equal(4401);
      download.readOn();
      expect(await download.outcome).to.equal('broken');
      expect(await upload.outcome).to.equal('broken');
      expect(performance.now() - ended).to.be.below(15_000);
      await within(async () => codeOf(await send('GET', shared)) === 'InvalidAccessKeyId');
      await within(async () => (await api.dav(fred.name, device.password)).status === 401);
      await within(async () => (await api.call('GET', '/me', { token: session.token })).status === 401);
      expect((await api.call('POST', '/auth/refresh', null, { refreshToken: session.refreshToken })).status).to.equal(401);
      expect((await api.call('GET', '/me', fred.self)).status).to.equal(200);
      expect((await api.call('GET', `/stat/home/up`, fred.self)).status).to.equal(404);
    });

    it('shows when and from where it was used last', async () => {
      const gus = await person();
      const device = await make(gus.self, { kind: 's3', name: 'backup' });
      await s3(device, 'GET', gus.bucket);
      const listed = async () => (await api.call('GET', '/credentials', gus.self)).json.credentials[0];
      await within(async () => (await listed()).lastUsed !== null, 20_000);
      expect((await listed()).lastUsedFrom).to.match(/^(::ffff:)?127\.0\.0\.1$/);
      // A wrong signature is no use of it.
      const idle = await make(gus.self, { kind: 's3', name: 'idle' });
      expect(codeOf(await s3({ ...idle, secretAccessKey: 'x'.repeat(40) }, 'GET', gus.bucket))).to.equal('SignatureDoesNotMatch');
    });

    it('can at most what it was made for: places, actions, networks, time', async () => {
      const hal = await person();
      await s3(await make(hal.self, { kind: 's3', name: 'all' }), 'PUT', `${hal.bucket}/docs/a`, 'doc');
      const photos = await make(hal.self, {
        kind: 'device',
        name: 'photos',
        scope: { places: [{ bucket: 'home', prefix: 'photos/' }] },
      });
      expect((await s3(photos, 'PUT', `${hal.bucket}/photos/p`, 'p')).status).to.equal(200);
      expect((await s3(photos, 'PUT', `${hal.bucket}/docs/b`, 'b')).status).to.equal(403);
      expect((await s3(photos, 'GET', `${hal.bucket}/docs/a`)).status).to.equal(403);
      expect((await api.dav(hal.name, photos.password, 'home/photos/p', 'GET')).status).to.equal(200);
      expect((await api.dav(hal.name, photos.password, 'home/docs/a', 'GET')).status).to.equal(403);
      const { token } = await api.tokenOf(hal.name, photos.password);
      expect((await api.call('GET', '/files/home/photos/p', { token })).status).to.equal(200);
      expect((await api.call('GET', '/files/home/docs/a', { token })).status).to.equal(403);
      expect((await api.call('GET', '/credentials', { token })).status).to.equal(403);

      expect((await api.call('POST', '/auth/logout', { token })).status).to.equal(204);
      const back = await api.tokenOf(hal.name, photos.password);
      expect((await api.call('DELETE', `/credentials/${photos.id}`, back)).status).to.equal(204);

      const reader = await make(hal.self, { kind: 'device', name: 'reader', scope: { actions: ['read', 'list'] } });
      expect((await s3(reader, 'GET', `${hal.bucket}/docs/a`)).status).to.equal(200);
      expect((await s3(reader, 'PUT', `${hal.bucket}/docs/a`, 'x')).status).to.equal(403);
      expect((await api.dav(hal.name, reader.password, 'home/docs/a', 'DELETE')).status).to.equal(403);

      const far = await make(hal.self, { kind: 'device', name: 'far', scope: { networks: ['203.0.113.0/24', '2001:db8::/32'] } });
      expect((await s3(far, 'GET', `${hal.bucket}/docs/a`)).status).to.equal(403);
      expect((await api.dav(hal.name, far.password)).status).to.equal(403);
      expect((await api.call('GET', '/buckets', { user: hal.name, password: far.password })).status).to.equal(403);
      expect((await api.login(hal.name, far.password)).status).to.equal(403);
      const near = await make(hal.self, { kind: 'device', name: 'near', scope: { networks: ['127.0.0.0/8', '::1'] } });
      expect((await s3(near, 'GET', `${hal.bucket}/docs/a`)).status).to.equal(200);

      let brief: Reply['json'];
      let session = { token: '' };
      const ends = await beforeItEnds(async (expires) => {
        brief = await make(hal.self, { kind: 'device', name: 'brief', expires });
        expect((await s3(brief, 'GET', `${hal.bucket}/docs/a`)).status).to.equal(200);
        session = await api.tokenOf(hal.name, brief.password);
      });
      await sleep(Math.max(0, ends + 100 - Date.now()));
      expect(codeOf(await s3(brief, 'GET', `${hal.bucket}/docs/a`))).to.equal('ExpiredToken');
      expect((await api.dav(hal.name, brief.password)).status).to.be.oneOf([401, 403]);
      expect((await api.call('GET', '/me', session)).json.code).to.equal('expired');
    });

    it('never makes another way in, nor changes who its owner is', async () => {
      const { name, password } = { name: 'admin', password: gateway.password };
      const device = await make(admin, { kind: 'device', name: 'of an admin' });
      const { token } = await api.tokenOf(name, device.password);
      for (const by of [{ token }, { user: name, password: device.password }]) {
        for (const [method, path, body] of [
          ['POST', '/credentials', { kind: 's3', name: 'more' }],
          ['GET', '/credentials', undefined],
          ['POST', '/me/password', { current: password, password: 'another one' }],
          ['POST', '/me/totp', undefined],
          ['POST', '/me/passkeys/options', undefined],
          ['GET', '/me/sessions', undefined],
          ['DELETE', '/me/sessions', undefined],
          ['POST', '/users', { name: 'mallory', role: 'admin' }],
          ['PATCH', '/users/admin', { disabled: true }],
          ['POST', '/users/admin/reset', {}],
          ['POST', '/groups', { name: 'g' }],
        ] as const) {
          const { status } = await api.call(method, path, by, body);
          expect([method, path, status]).to.deep.equal([method, path, 403]);
        }
      }
      // But it may say farewell.
      expect((await api.call('DELETE', `/credentials/${device.id}`, { token })).status).to.equal(204);
    });
  });

  describe('a claim', () => {
    const redeem = (token: string) => api.call('POST', '/claims/redeem', null, { token });
    const claim = async (by: { token: string }, body: object = {}): Promise<Reply['json']> => {
      const { status, json } = await api.call('POST', '/claims', by, { name: 'phone', ...body });
      expect(status, JSON.stringify(json)).to.equal(201);
      secret(`the token of ${json.id}`, json.token);
      return json;
    };

    it('becomes one credential, of its scope, for whoever comes first; and its token opens nothing else', async () => {
      const ann = await person();
      const made = await claim(ann.self, { scope: { places: [{ bucket: ann.bucket, prefix: 'in/' }] } });
      expect(made).to.deep.include({ state: 'waiting', credential: null, kind: 'device' });
      expect((await api.dav(ann.name, made.token)).status).to.equal(401);
      expect((await api.call('GET', '/me', { token: made.token })).status).to.equal(401);
      const answers = await Promise.all(Array.from({ length: 6 }, () => redeem(made.token)));
      const won = answers.filter(({ status }) => status === 201);
      expect([won.length, ...new Set(answers.filter(({ status }) => status !== 201).map(({ json }) => json.code))]).to.deep.equal(
        [1, 'expired'],
      );
      const { json: device } = won[0]!;
      secret('the secret of a claimed device', device.password);
      expect(device).to.deep.include({ user: ann.name, name: 'phone', kind: 'device', accessKeyId: device.id });
      expect(device.webdav).to.equal(gateway.webdavUrl);
      expect(device.scope).to.deep.equal({ places: [{ bucket: ann.bucket, prefix: 'in/' }] });
      expect((await api.dav(ann.name, device.password, 'home/in/', 'MKCOL')).status).to.equal(201);
      expect((await api.dav(ann.name, device.password, 'home/in/a.txt', 'PUT', Buffer.from('a'))).status).to.equal(201);
      expect((await api.dav(ann.name, device.password, 'home/b.txt', 'PUT', Buffer.from('b'))).status).to.equal(403);
      const after = await api.call('GET', `/claims/${made.id}`, ann.self);
      expect(after.json).to.deep.include({ state: 'redeemed', credential: device.id, redeemedFrom: '127.0.0.1' });
      expect(JSON.stringify((await api.call('GET', '/claims', ann.self)).json)).to.not.include(made.token);
      // What a device has makes no other way in.
      expect((await api.call('POST', '/claims', { user: ann.name, password: device.password }, { name: 'x' })).status).to.equal(
        403,
      );
      await api.call('DELETE', `/credentials/${device.id}`, ann.self);
      await within(async () => (await api.dav(ann.name, device.password)).status === 401);
      expect((await redeem(made.token)).status).to.equal(401);
    });

    it('opens nothing once it was taken back, its maker has another password, or is disabled; nor for others', async () => {
      const [ann, bob] = [await person(), await person()];
      const back = await claim(ann.self);
      expect((await api.call('DELETE', `/claims/${back.id}`, bob.self)).status).to.equal(404);
      expect((await api.call('GET', `/claims/${back.id}`, bob.self)).status).to.equal(404);
      expect((await api.call('DELETE', `/claims/${back.id}`, ann.self)).status).to.equal(204);
      expect((await redeem(back.token)).json.code).to.equal('unauthenticated');
      const open = await claim(ann.self);
      const password = secret('a new password', 'another password of ann');
      await api.call('POST', '/me/password', ann.self, { current: ann.password, password });
      expect((await redeem(open.token)).json.code).to.equal('unauthenticated');
      const last = await claim(bob.self);
      await api.call('PATCH', `/users/${bob.name}`, admin, { disabled: true });
      expect((await redeem(last.token)).json.code).to.equal('expired');
      expect((await api.call('POST', '/claims', null, { name: 'x' })).status).to.equal(401);
      expect((await api.call('POST', '/claims', ann.self, { name: '' })).status).to.equal(400);
    });

    it('is in the audit, made and redeemed, without its token', async () => {
      const ann = await person();
      const made = await claim(ann.self, { kind: 'app-password' });
      const { json } = await redeem(made.token);
      secret('a claimed app password', json.password);
      expect(json).to.not.have.property('secretAccessKey');
      await within(async () => {
        const { json: log } = await api.call('GET', `/audit?name=${ann.name}`, admin);
        const actions = log.items.map(({ action }: { action: string }) => action);
        return actions.includes('CreateClaim') && actions.includes('RedeemClaim') && !JSON.stringify(log).includes(made.token);
      });
    });
  });

  describe('a request that got nowhere', () => {
    it('is told to the user in whose name it came, with the reason, and to nobody else', async () => {
      const [ann, bob] = [await person(), await person()];
      const app = await make(ann.self, {
        kind: 'app-password',
        name: 'drive',
        scope: { places: [{ bucket: ann.bucket, prefix: 'in/' }] },
      });
      const key = await make(ann.self, { kind: 's3', name: 'tool', scope: { places: [{ bucket: ann.bucket }] } });
      const keys = { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey };
      await api.dav(ann.name, 'not the password');
      await api.dav('nobody-of-this-name', app.password);
      await api.dav(ann.name, app.password, 'home/b.txt', 'PUT', Buffer.from('b'));
      await s3({ ...keys, secretAccessKey: 'x'.repeat(40) }, 'GET', ann.bucket);
      await s3(keys, 'GET', 'home-of-nobody');
      await send('GET', presign('GET', `${gateway.restUrl}/files/home/`, keys, new Date()));
      const wanted = [
        ['name', app.id],
        ['password', null],
        ['port', key.id],
        ['scope', app.id],
        ['missing', key.id],
        ['secret', key.id],
      ];
      const told = async (by: { token: string }) =>
        (await api.call('GET', '/me/attempts', by)).json.attempts.map(
          ({ why, credential }: { why: string; credential: string | null }) => [why, credential],
        );
      const sorted = (list: unknown[]) => list.map((one) => JSON.stringify(one)).sort();
      await within(async () => (await told(ann.self)).length >= wanted.length);
      expect(sorted(await told(ann.self))).to.deep.equal(sorted(wanted));
      expect(await told(bob.self)).to.deep.equal([]);
      const stray = await send('PROPFIND', `${gateway.webUrl.replace(/\/$/, '')}/webdav/`, { headers: { depth: '0' } });
      expect(stray.status).to.equal(404);
      await within(async () => sorted(await told(bob.self)).includes('["address",null]'));
    });
  });

  describe('users', () => {
    it('are managed by admins alone', async () => {
      const ida = await person();
      for (const [method, path, body] of [
        ['GET', '/users', undefined],
        ['POST', '/users', { name: 'x' }],
        ['GET', '/users/admin', undefined],
        ['PATCH', `/users/${ida.name}`, { role: 'admin' }],
        ['DELETE', '/users/admin', undefined],
        ['POST', '/users/admin/reset', {}],
        ['GET', '/users/admin/sessions', undefined],
        ['DELETE', '/users/admin/sessions', undefined],
        ['GET', '/groups', undefined],
        ['GET', '/credentials?user=admin', undefined],
        ['POST', '/credentials', { kind: 's3', name: 'x', user: 'admin' }],
      ] as const) {
        const { status } = await api.call(method, path, ida.self, body);
        expect([method, path, status]).to.deep.equal([method, path, 403]);
        expect((await api.call(method, path, null, body)).status).to.equal(401);
      }
      const key = (await api.call('GET', '/credentials', admin)).json.credentials[0];
      expect((await api.call('DELETE', `/credentials/${key.id}`, ida.self)).status).to.equal(404);
    });

    it('that are disabled stop on every door, and leave one admin', async () => {
      const jan = await person();
      const key = await make(jan.self, { kind: 's3', name: 'k' });
      const socket = await openSocket(gateway, jan.self.token);
      await api.dav(jan.name, jan.password);
      expect((await api.call('PATCH', `/users/${jan.name}`, admin, { disabled: true })).json.disabled).to.equal(true);
      expect(await socket.closed).to.equal(4401);
      await within(async () => (await api.dav(jan.name, jan.password)).status === 401);
      await within(async () => (await s3(key, 'GET', jan.bucket)).status === 403);
      await within(async () => (await api.call('GET', '/me', jan.self)).status === 401);
      expect((await api.login(jan.name, jan.password)).json.code).to.equal('unauthenticated');
      await api.call('PATCH', `/users/${jan.name}`, admin, { disabled: false });
      // Sessions of before do not come back to life.
      expect((await api.call('POST', '/auth/refresh', null, { refreshToken: jan.self.refreshToken })).status).to.equal(401);
      expect((await api.login(jan.name, jan.password)).status).to.equal(200);
      for (const patch of [{ disabled: true }, { role: 'member' }]) {
        expect((await api.call('PATCH', '/users/admin', admin, patch)).status).to.equal(409);
      }
      expect((await api.call('DELETE', '/users/admin', admin)).status).to.equal(409);
    });

    it('change their password; every other session ends, and the bare old one too', async () => {
      const kim = await person();
      const other = await api.tokenOf(kim.name, kim.password);
      await api.dav(kim.name, kim.password);
      expect((await api.call('POST', '/me/password', kim.self, { current: 'wrong', password: 'new one' })).status).to.equal(401);
      const done = await api.call('POST', '/me/password', kim.self, {
        current: kim.password,
        password: secret('a new password', 'kims new canary'),
      });
      expect(done.status).to.equal(204);
      expect((await api.call('GET', '/me', kim.self)).status).to.equal(200);
      await within(async () => (await api.call('GET', '/me', other)).status === 401);
      await within(async () => (await api.dav(kim.name, kim.password)).status === 401);
      expect((await api.dav(kim.name, 'kims new canary')).status).to.equal(207);
    });

    it('see their sessions, and end them one by one or all', async () => {
      const leo = await person();
      const [phone, tablet] = [
        await api.tokenOf(leo.name, leo.password, { label: 'phone' }),
        await api.tokenOf(leo.name, leo.password),
      ];
      const { sessions, next } = (await api.call('GET', '/me/sessions?limit=2', leo.self)).json;
      expect(sessions.map((one: { current: boolean }) => one.current)).to.deep.equal([true, false]);
      expect((await api.call('GET', `/me/sessions?cursor=${next}`, leo.self)).json.sessions).to.have.length(1);
      expect((await api.call('DELETE', `/me/sessions/${sessions[1].id}`, leo.self)).status).to.equal(204);
      await within(async () => (await api.call('GET', '/me', phone)).status === 401);
      expect((await api.call('GET', '/me', tablet)).status).to.equal(200);
      const mine = (await api.call('GET', '/users/admin/sessions', admin)).json.sessions[0];
      expect((await api.call('DELETE', `/me/sessions/${mine.id}`, leo.self)).status).to.equal(404);
      expect((await api.call('DELETE', '/me/sessions', leo.self)).status).to.equal(204);
      await within(async () => (await api.call('GET', '/me', tablet)).status === 401);
      expect((await api.call('DELETE', `/users/${leo.name}/sessions`, admin)).status).to.equal(204);
      await within(async () => (await api.call('GET', '/me', leo.self)).status === 401);
    });

    it('are in groups', async () => {
      const [mia, ned] = [await person(), await person()];
      const made = await api.call('POST', '/groups', admin, { name: 'family', members: [mia.name] });
      expect([made.status, made.json.members]).to.deep.equal([201, [mia.name]]);
      const changed = await api.call('PATCH', '/groups/family', admin, { name: 'kin', add: [ned.name], remove: [mia.name] });
      expect([changed.json.name, changed.json.members]).to.deep.equal(['kin', [ned.name]]);
      expect((await api.call('PATCH', '/groups/kin', admin, { add: ['nobody'] })).status).to.equal(404);
      expect((await api.call('POST', '/groups', admin, { name: 'kin' })).status).to.equal(409);
      await api.call('DELETE', `/users/${ned.name}`, admin);
      expect((await api.call('GET', '/groups', admin)).json.groups).to.deep.include({
        name: 'kin',
        members: [],
        created: made.json.created,
      });
      expect((await api.call('DELETE', '/groups/kin', admin)).status).to.equal(204);
      expect((await api.call('DELETE', '/groups/kin', admin)).status).to.equal(404);
    });
  });

  describe('guessing', () => {
    /** Every door that takes a name and a password. */
    const doors = (): Record<string, (name: string, password: string) => Promise<Answer>> => {
      const root = gateway.webUrl.replace(/\/$/, '');
      const basic = (name: string, password: string) => ({
        authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
      });
      return {
        'log-in': (name, password) => api.login(name, password),
        WebDAV: (name, password) => api.dav(name, password),
        REST: (name, password) => api.call('GET', '/me', { user: name, password }),
        'Nextcloud’s files': (name, password) =>
          send('PROPFIND', `${root}/remote.php/webdav/`, { headers: { ...basic(name, password), depth: '0' } }),
        'Nextcloud’s account': (name, password) =>
          send('GET', `${root}/ocs/v2.php/cloud/user?format=json`, { headers: basic(name, password) }),
        'Nextcloud’s page': (user, password) =>
          send('POST', `${root}/index.php/login/flow`, { body: new URLSearchParams({ user, password }).toString() }),
        push: (name, password) => push(root, name, password),
      };
    };
    const push = (root: string, name: string, password: string): Promise<Answer> => {
      const socket = new WebSocket(`${root.replace(/^http/, 'ws')}/push/ws`);
      return new Promise((resolve, reject) => {
        let said = '';
        socket.on('error', reject);
        socket.on('open', () => {
          socket.send(name);
          socket.send(password);
        });
        socket.on('message', (data) => (said += String(data)));
        socket.on('close', (status) => resolve({ status, headers: {}, body: Buffer.from(said) }));
      });
    };

    it('is told the same of a wrong password, a wrong name and a disabled user, on each door', async () => {
      const oda = await person();
      await api.call('PATCH', `/users/${oda.name}`, admin, { disabled: true });
      const pairs = [
        ['admin', 'wrong'],
        ['nobody', 'wrong'],
        [oda.name, oda.password],
      ] as const;
      const strip = ({ status, headers, body }: Answer, name: string) => ({
        status,
        challenge: headers['www-authenticate'],
        body: body
          .toString()
          .replace(/"requestId":"\w+"/, '')
          .replaceAll(name, 'NAME'),
      });
      for (const [door, ask] of Object.entries(doors())) {
        const answers = await Promise.all(pairs.map(async ([name, password]) => strip(await ask(name, password), name)));
        expect(answers[0]!.status, door).to.equal(door === 'push' ? 1008 : 401);
        for (const answer of answers) expect(answer, door).to.deep.equal(answers[0]!);
      }
    });

    it('is counted over all doors together, and told when to come back', async () => {
      const pia = await person();
      const asks = Object.entries(doors());
      for (let i = 0; i < 10; i++) {
        const [door, ask] = asks[i % asks.length]!;
        expect((await ask(pia.name, `guess ${i}`)).status, door).to.equal(door === 'push' ? 1008 : 401);
      }
      // Each has its part in it, and then none goes on.
      for (const [door, ask] of asks) {
        const limited = await ask(pia.name, `one more by ${door}`);
        expect(limited.status, door).to.equal(door === 'push' ? 1008 : 429);
        if (!['push', 'Nextcloud’s page'].includes(door))
          expect(Number(limited.headers['retry-after']), door).to.be.within(1, 60);
      }
      // What does not guess goes on.
      expect((await api.call('GET', '/me', pia.self)).status).to.equal(200);
    });
  });

  describe('afterwards', () =>
    it('leaves no secret in the log', () => {
      const { stderr } = gateway.output();
      expect(canaries.size).to.be.greaterThan(20);
      for (const [what, value] of canaries) expect(stderr.includes(value), what).to.equal(false);
      expect(stderr.length).to.be.greaterThan(1000);
    }));
});
