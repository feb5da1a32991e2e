import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { createIdentity } from '#auth/identity';
import { hashPassword } from '#auth/passwords';
import { createTokens } from '#auth/tokens';
import { createMemoryCache } from '#cache/memory';
import type { Keyring } from '#contracts/keyring';
import type { Signals } from '#contracts/signals';
import type { Who } from '#core/principal';
import { openMetadata } from '#metadata/open';
import { type AuthenticatorRig, describeAuthenticator } from '../../conformance/authenticator.ts';
import { freshDatabase, quiet } from '../../support/database.ts';
import { appCode } from '../../support/identity.ts';

/** A second connection to the same database changes things, as the command line does. */
async function openRig(signals?: Signals) {
  const database = await freshDatabase({ schema: true });
  const clock = { ms: 0, now: () => Date.now() + clock.ms };
  const options = { connection: database.connection, clock, random: randomBytes, log: quiet };
  const metadata = await openMetadata(options);
  const other = await openMetadata({ ...options, poolSize: 2 });
  const keyring = {
    seal: (bytes: Uint8Array, context: string) => Buffer.from(`${context}|${Buffer.from(bytes).toString('base64')}`),
    async unseal(sealed: Uint8Array, context: string) {
      const [words, secret = ''] = Buffer.from(sealed).toString().split('|');
      if (words !== context) throw new Error('sealed for something else');
      return Buffer.from(secret, 'base64');
    },
  } as Partial<Keyring> as Keyring;
  const { authenticator, ...identity } = createIdentity({
    ...metadata,
    keyring,
    cache: createMemoryCache({ clock }),
    signals: signals ?? metadata.signals,
    clock,
    random: randomBytes,
    tokenKey: () => JWT_SECRET,
    log: quiet,
  });
  const heir = await other.principals.create({
    name: 'heir',
    role: 'admin',
    passwordHash: null,
    domain: await other.keys.insert(Buffer.from('x')),
  });
  const rig: AuthenticatorRig = {
    authenticator,
    clock,
    async user(name, password) {
      const domain = await other.keys.insert(randomBytes(4));
      const passwordHash = await hashPassword(password);
      const { id, role } = await other.principals.create({ name, role: 'member', passwordHash, domain });
      const sealedSecret = keyring.seal(Buffer.from(`secret-${name}`), `access-key:KEY${name}`);
      await other.principals.addKey({ id: `KEY${name}`, principal: id, sealedSecret });
      return { id, name, role };
    },
    async setPassword(id, password) {
      await other.principals.update(id, { passwordHash: await hashPassword(password) });
    },
    async disable(id, disabled = true) {
      await other.principals.update(id, { disabled });
    },
    setHash: (id, passwordHash) => other.principals.update(id, { passwordHash }),
    async remove(id) {
      await other.principals.remove(id, heir.id);
    },
    removeKey: (id) => other.principals.removeKey(id),
    async close() {
      await authenticator.close();
      await other.close();
      await metadata.close();
      await database.drop();
    },
  };
  return {
    ...rig,
    identity,
    hashOf: async (id: number) => (await other.principals.find(id))?.passwordHash,
  };
}

const JWT_SECRET = randomBytes(32);

describeAuthenticator('over the database', () => openRig());

describe('a password whose hash is weaker than those of now', () => {
  it('gets a better one when it is used, and nothing that it began ends', async () => {
    const rig = await openRig();
    const ann = await rig.user('ann', 'the password');
    const weak = { algorithm: 'argon2id', memory: 64, passes: 1, lanes: 1 } as const;
    const before = await hashPassword('the password', randomBytes, weak);
    await rig.setHash(ann.id, before);
    const first = await rig.authenticator.login('ann', 'the password', '192.0.2.1', 'one');
    const after = await rig.hashOf(ann.id);
    expect(after).to.match(/^\$argon2id\$v=19\$m=19456,/);
    await rig.authenticator.login('ann', 'the password', '192.0.2.2', 'two');
    expect(await rig.hashOf(ann.id)).to.equal(after);
    expect((await rig.authenticator.refresh(first.refreshToken)).accessToken).to.be.a('string');
    await rig.close();
  });
});

describe('what changes how one logs in', () => {
  const HERE = '192.0.2.1';
  const refusal = (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => 'none',
      ({ code, details }) => (details?.confirm === true ? 'confirm' : code),
    );

  it('asks who it is once more where that was said too long ago: factors, passkeys, keys, resets', async () => {
    const rig = await openRig();
    const { secondFactors, credentials, users } = rig.identity;
    const ann = await rig.user('ann', 'the password');
    const tokens = await rig.authenticator.login('ann', 'the password', HERE, 'laptop');
    let token = tokens.accessToken;
    const who = async (): Promise<Who> => ({
      principal: await rig.authenticator.accessToken(token),
      protocol: 'rest',
      requestId: 'r',
    });
    const site = { origin: 'http://localhost' };
    const wanted = { kind: 'app-password' as const, name: 'drive' };
    const changes: Record<string, () => Promise<unknown>> = {
      beginTotp: async () => secondFactors.beginTotp(await who()),
      confirmTotp: async () => secondFactors.confirmTotp(await who(), '000000', HERE),
      beginPasskey: async () => secondFactors.beginPasskey(await who(), site),
      addPasskey: async () => secondFactors.addPasskey(await who(), site, {}, 'x'),
      removePasskey: async () => secondFactors.removePasskey(await who(), 'x'),
      credential: async () => credentials.create(await who(), wanted),
    };
    for (const [what, change] of Object.entries(changes)) expect(await refusal(change()), what).to.not.equal('confirm');
    expect(await secondFactors.status(await who())).to.include({ confirmed: true });

    rig.clock.ms += 10 * 60_000 + 1_000;
    for (const [what, change] of Object.entries(changes)) expect(await refusal(change()), what).to.equal('confirm');
    // New tokens of the same session are no log-in.
    token = (await rig.authenticator.refresh(tokens.refreshToken)).accessToken;
    for (const [what, change] of Object.entries(changes)) expect(await refusal(change()), what).to.equal('confirm');
    expect(await secondFactors.status(await who())).to.include({ confirmed: false });

    expect(await refusal(secondFactors.confirm(await who(), 'wrong', undefined, HERE))).to.equal('unauthenticated');
    expect(await refusal(secondFactors.beginTotp(await who()))).to.equal('confirm');
    await secondFactors.confirm(await who(), 'the password', undefined, HERE);
    const { secret } = await secondFactors.beginTotp(await who());
    const { recoveryCodes } = await secondFactors.confirmTotp(
      await who(),
      appCode(secret, Math.round(rig.clock.ms / 30_000)),
      HERE,
    );

    rig.clock.ms += 11 * 60_000;
    token = (await rig.authenticator.login('ann', 'the password', HERE, 'phone', recoveryCodes[0])).accessToken;
    rig.clock.ms += 11 * 60_000;
    const asked = await secondFactors.confirm(await who(), 'the password', undefined, HERE).catch((error) => error);
    expect(asked.details.secondFactor).to.deep.equal(['totp', 'recovery']);
    await secondFactors.confirm(await who(), 'the password', recoveryCodes[1], HERE);
    expect(await secondFactors.status(await who())).to.include({ confirmed: true, recoveryCodes: 8 });

    // The password with the request says it each time, and the command line is the machine's.
    for (const credential of [{ kind: 'password', id: 'p', scope: null } as const, undefined]) {
      const principal = { ...ann, ...(credential === undefined ? {} : { credential }) };
      await secondFactors.removePasskey({ principal, protocol: 'rest', requestId: 'r' }, 'none').catch(({ code }) => {
        expect(code).to.equal('key_not_found');
      });
    }
    const admin = { id: ann.id, name: 'ann', role: 'admin' as const };
    const stale = { kind: 'session' as const, id: 's', scope: null, confirmed: rig.clock.now() - 11 * 60_000 };
    const reset = users.reset({ principal: { ...admin, credential: stale }, protocol: 'rest', requestId: 'r' }, 'heir', {
      password: null,
      credentials: false,
    });
    expect(await refusal(reset)).to.equal('confirm');
    await rig.close();
  });

  it('is left as it is by a reset that is of the password only, and taken away by any other', async () => {
    const rig = await openRig();
    const { secondFactors, users } = rig.identity;
    const ann = await rig.user('ann', 'the password');
    const as = async (password: string, code?: string): Promise<Who> => ({
      principal: await rig.authenticator.accessToken(
        (await rig.authenticator.login('ann', password, HERE, 'x', code)).accessToken,
      ),
      protocol: 'rest',
      requestId: 'r',
    });
    const { secret } = await secondFactors.beginTotp(await as('the password'));
    const { recoveryCodes } = await secondFactors.confirmTotp(
      await as('the password'),
      appCode(secret, Math.round(rig.clock.ms / 30_000)),
      HERE,
    );
    const operator: Who = { principal: { id: ann.id, name: 'root', role: 'admin' }, protocol: 'cli', requestId: 'r' };
    await users.reset(operator, 'ann', { password: 'another one', credentials: false, factors: false });
    expect(await refusal(as('the password', recoveryCodes[0]))).to.equal('unauthenticated');
    expect(await refusal(as('another one'))).to.equal('unauthenticated');
    await as('another one', recoveryCodes[0]);
    await users.reset(operator, 'ann', { password: 'a third one', credentials: false });
    await as('a third one');
    await rig.close();
  });
});

describe('access tokens', () => {
  it('are signed by a key of the day, believed for a day more, and by no key that somebody names', () => {
    const clock = { ms: 1_700_000_000_000, now: () => clock.ms };
    const asked = new Set<string>();
    const keys = new Map<string, Buffer>();
    const secret = (kid: string): Buffer => {
      asked.add(kid);
      if (!keys.has(kid)) keys.set(kid, randomBytes(32));
      return keys.get(kid)!;
    };
    const tokens = createTokens({ secret, clock, random: randomBytes });
    const claims = { session: 's', principal: 7 };
    const token = tokens.access(claims);
    const kid = JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).kid;
    expect(kid).to.equal(String(Math.floor(clock.ms / 86_400_000)));
    expect(tokens.read(token)).to.deep.equal(claims);
    clock.ms += 86_400_000;
    expect(tokens.read(token, { ignoreExpiration: true })).to.deep.equal(claims);
    expect(tokens.access(claims).split('.')[0]).to.not.equal(token.split('.')[0]);
    clock.ms += 86_400_000;
    expect(() => tokens.read(token, { ignoreExpiration: true })).to.throw('not valid');
    const before = asked.size;
    for (const named of ['', '../../etc/passwd', 'access tokens', '99999999999', '-1', '0']) {
      const head = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid: named })).toString('base64url');
      expect(() => tokens.read(`${head}.${token.split('.')[1]}.x`)).to.throw('not valid');
    }
    expect(asked.size).to.equal(before);
    // A new master key makes other keys of the same names.
    const fresh = tokens.access(claims);
    keys.clear();
    expect(() => tokens.read(fresh)).to.throw('not valid');
  });
});

describe('one-time codes', () => {
  it('are confirmed by one of several at once, who is told recovery codes that open', async () => {
    const rig = await openRig();
    const { secondFactors } = rig.identity;
    for (const name of ['ann', 'bob', 'eve']) {
      const principal = await rig.user(name, 'the password');
      const who: Who = { principal, protocol: 'rest', requestId: 'r' };
      const { secret } = await secondFactors.beginTotp(who);
      const confirm = () => secondFactors.confirmTotp(who, appCode(secret), '192.0.2.1');
      const told = (await Promise.allSettled([confirm(), confirm(), confirm()])).filter((one) => one.status === 'fulfilled');
      expect(told).to.have.length(1);
      const codes = told[0]!.value.recoveryCodes;
      expect(codes).to.have.length(10);
      await rig.authenticator.login(name, 'the password', '192.0.2.1', 'laptop', codes[3]);
    }
    await rig.close();
  });
});

describe('a group', () => {
  it('is left as it was by a change that is refused', async () => {
    const rig = await openRig();
    const { users } = rig.identity;
    const operator: Who = { principal: { id: 0, name: 'operator', role: 'admin' }, protocol: 'system', requestId: 'test' };
    await rig.user('ann', 'the password');
    for (const name of ['kin', 'clan']) await users.createGroup(operator, name, []);
    for (const name of ['clan', 'no/name', '']) {
      const code = await users.updateGroup(operator, 'kin', { name, add: ['ann'] }).catch((error) => error.code);
      expect(code, name).to.equal(name === 'clan' ? 'already_exists' : 'invalid_argument');
    }
    expect((await users.groups(operator)).map(({ name, members }) => [name, members])).to.deep.equal([
      ['clan', []],
      ['kin', []],
    ]);
    const changed = await users.updateGroup(operator, 'kin', { name: 'house', add: ['ann'] });
    expect(changed).to.deep.include({ name: 'house', members: ['ann'] });
    await rig.close();
  });
});

describe('authenticator without any signal', () => {
  const silent: Signals = { publish: async () => undefined, subscribe: () => () => undefined };

  it('begins no session by a password that it remembers, and that is another already', async () => {
    const rig = await openRig(silent);
    const ann = await rig.user('ann', 'old');
    const login = (password: string) => rig.authenticator.login('ann', password, '192.0.2.1', 'laptop');
    await login('old');
    await rig.authenticator.refresh((await login('old')).refreshToken);
    await rig.setHash(ann.id, 'what nothing fits');
    expect(await login('old').catch((error) => error)).to.include({ code: 'unauthenticated' });
    await rig.close();
  });

  it('takes a password whose hash another log-in has made better in the same moment', async () => {
    const rig = await openRig(silent);
    const ann = await rig.user('ann', 'the password');
    const weak = { algorithm: 'argon2id', memory: 64, passes: 1, lanes: 1 } as const;
    await rig.setHash(ann.id, await hashPassword('the password', randomBytes, weak));
    const places = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
    const all = await Promise.all(places.map((place) => rig.authenticator.login('ann', 'the password', place, 'laptop')));
    expect(new Set(all.map(({ refreshToken }) => refreshToken)).size).to.equal(places.length);
    await rig.close();
  });

  it('looks again after a second', async () => {
    const rig = await openRig(silent);
    const auth = rig.authenticator;
    const ann = await rig.user('ann', 'old');
    const { accessToken } = await auth.login('ann', 'old', '192.0.2.1', 'laptop');
    await auth.accessKey('KEYann');
    await auth.password('ann', 'new', '192.0.2.1').catch(() => undefined);
    await rig.setPassword(ann.id, 'new');
    rig.clock.ms += 1000;
    expect(auth.remembered('ann', 'old', '192.0.2.1')).to.equal(null);
    expect(await auth.password('ann', 'old', '192.0.2.1').catch((error) => error)).to.include({ code: 'unauthenticated' });
    expect((await auth.password('ann', 'new', '192.0.2.1')).id).to.equal(ann.id);
    // A new password ends what the old one began.
    expect(await Promise.resolve(auth.accessToken(accessToken)).catch((error) => error)).to.include({ code: 'unauthenticated' });
    const anew = await auth.login('ann', 'new', '192.0.2.1', 'laptop');
    expect((await auth.accessToken(anew.accessToken)).id).to.equal(ann.id);
    await rig.disable(ann.id);
    rig.clock.ms += 1000;
    expect(auth.remembered('ann', 'new', '192.0.2.1')).to.equal(null);
    expect(await auth.password('ann', 'new', '192.0.2.1').catch((error) => error)).to.include({ code: 'unauthenticated' });
    expect(await auth.accessKey('KEYann')).to.equal(null);
    const refused = await Promise.resolve(auth.accessToken(anew.accessToken)).catch((error) => error);
    expect(refused).to.include({ code: 'unauthenticated' });
    expect(await auth.stillValid(ann)).to.equal(false);
    await rig.close();
  });
});
