import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { NewCredential } from '#contracts/credential-store';
import type { MetadataRig } from '../support/metadata-rig.ts';
import { codeOf } from '../support/rooms.ts';

const hashOf = (text: string) => createHash('sha256').update(text).digest();

/** Rows of credentials, second factors and groups. */
export function describeIdentityStores(name: string, make: () => Promise<MetadataRig>): void {
  describe(`identity stores: ${name}`, () => {
    let rig: MetadataRig;
    let turn = 0;
    before(async () => {
      rig = await make();
    });
    after(() => rig.close());
    const gateway = () => rig.gateways[turn++ % rig.gateways.length]!;
    const user = async (): Promise<number> => (await rig.user()).principal.id;
    const given = (principal: number, more: Partial<NewCredential> = {}): NewCredential => ({
      id: `C${randomBytes(8).toString('hex')}`,
      kind: 's3',
      principal,
      name: 'a key',
      // As sealed values of before they named their key (2 at the front): those of chance would now and then be under none that there is.
      sealedSecret: Buffer.concat([Buffer.of(1), randomBytes(39)]),
      secretHash: null,
      scope: null,
      networks: null,
      policies: null,
      parent: null,
      expires: null,
      ...more,
    });

    it('keeps all that a credential is, finds it by id and by the hash of its secret', async () => {
      const id = await user();
      const wanted = given(id, {
        kind: 'device',
        secretHash: hashOf('its secret'),
        scope: { actions: ['read'], places: [{ bucket: 7, prefix: 'a/' }] },
        networks: ['10.0.0.0/8'],
        policies: [{ Statement: [] }],
        expires: rig.clock.now() + 1000,
      });
      const { sealedSecret, secretHash, ...rest } = wanted;
      const made = await gateway().credentials.add(wanted);
      expect(made).to.deep.equal({ ...rest, created: rig.clock.now(), lastUsed: null, lastUsedFrom: null });
      for (const found of [
        await gateway().credentials.find(wanted.id),
        await gateway().credentials.findBySecret(hashOf('its secret')),
      ]) {
        expect(found).to.deep.include({ credential: made, sealedSecret, secretHash });
        expect(found?.principal.id).to.equal(id);
      }
      expect(await gateway().credentials.findBySecret(hashOf('another'))).to.equal(null);
      expect(await codeOf(gateway().credentials.add(wanted))).to.equal('already_exists');
      expect(await codeOf(gateway().credentials.add(given(999_999)))).to.equal('key_not_found');
    });

    it('removes it for its owner or for anybody who may, with what was made with it and the sessions that came by it', async () => {
      const [owner, other] = [await user(), await user()];
      const parent = await gateway().credentials.add(given(owner));
      const child = await gateway().credentials.add(
        given(owner, { kind: 'temporary', parent: parent.id, secretHash: hashOf(parent.id), expires: rig.clock.now() + 1000 }),
      );
      const session = {
        id: `s-${parent.id}`,
        principal: owner,
        tokenHash: hashOf('t'),
        expires: rig.clock.now() + 1e6,
        label: '',
      };
      await gateway().principals.createSession({ ...session, credential: parent.id, from: '192.0.2.1' });
      expect(await gateway().principals.findSession(session.id)).to.include({ credential: parent.id, lastUsedFrom: '192.0.2.1' });
      expect(await gateway().credentials.list(owner)).to.deep.equal([parent]);
      expect(await gateway().credentials.list(owner, { temporary: true })).to.have.length(2);
      expect(await codeOf(gateway().credentials.remove(parent.id, other))).to.equal('key_not_found');
      await gateway().credentials.remove(parent.id, owner);
      expect([await gateway().credentials.find(parent.id), await gateway().credentials.find(child.id)]).to.deep.equal([
        null,
        null,
      ]);
      expect(await gateway().principals.findSession(session.id)).to.equal(null);
      expect(await codeOf(gateway().credentials.remove(parent.id))).to.equal('key_not_found');
      await gateway().credentials.add(given(owner));
      expect(await gateway().credentials.removeAll(owner)).to.equal(1);
    });

    it('gives a claim to one of all who come at once, in whichever gateway, while it lasts and its maker may act', async () => {
      const principal = await user();
      const claim = (name: string, expires = rig.clock.now() + 1000) => ({
        ...{ id: `CC${randomBytes(8).toString('hex')}`, tokenHash: hashOf(name), principal, kind: 'device' as const, name },
        ...{ scope: { actions: ['read'], places: null }, networks: ['10.0.0.0/8'], credentialExpires: null, expires },
      });
      const minted = () => ({
        id: `CD${randomBytes(8).toString('hex')}`,
        sealedSecret: Buffer.concat([Buffer.of(1), randomBytes(39)]),
        secretHash: randomBytes(32),
      });
      const phone = claim(`phone ${principal}`);
      const { tokenHash, ...told } = phone;
      const waiting = { ...told, created: rig.clock.now(), redeemed: null, redeemedFrom: null, credential: null };
      expect(await gateway().claims.add(phone, 2)).to.deep.equal(waiting);
      expect(await gateway().claims.find(phone.id, principal)).to.deep.equal(waiting);
      expect(await gateway().claims.find(phone.id, await user())).to.equal(null);
      const comers = Array.from({ length: 12 }, minted);
      const outcomes = await Promise.all(comers.map((one) => gateway().claims.redeem(tokenHash, one, '10.0.0.9')));
      const winner = comers[outcomes.findIndex((one) => one !== null)]!;
      expect(outcomes.filter((one) => one !== null)).to.have.length(1);
      const made = (await gateway().credentials.list(principal)).map(({ id, kind, name, scope, networks }) => ({
        ...{ id, kind, name, scope, networks },
      }));
      const { name, kind, scope, networks } = phone;
      expect(made).to.deep.equal([{ id: winner.id, kind, name, scope, networks }]);
      expect((await gateway().credentials.findBySecret(winner.secretHash))?.sealedSecret).to.deep.equal(winner.sealedSecret);
      expect(await gateway().claims.findByToken(tokenHash)).to.deep.include({
        redeemed: rig.clock.now(),
        redeemedFrom: '10.0.0.9',
        credential: winner.id,
      });
      const late = claim(`late ${principal}`, rig.clock.now());
      await gateway().claims.add(late, 2);
      expect(await gateway().claims.redeem(late.tokenHash, minted(), '10.0.0.9')).to.equal(null);
      const [first, second] = [claim(`first ${principal}`), claim(`second ${principal}`)];
      await gateway().claims.add(first, 2);
      await gateway().claims.add(second, 2);
      expect(await codeOf(gateway().claims.add(claim(`third ${principal}`), 2))).to.equal('rate_limited');
      await gateway().principals.update(principal, { disabled: true });
      expect(await gateway().claims.redeem(first.tokenHash, minted(), '10.0.0.9')).to.equal(null);
      await gateway().principals.update(principal, { disabled: false });
      await gateway().claims.remove(first.id, principal);
      expect(await codeOf(gateway().claims.remove(second.id, await user()))).to.equal('key_not_found');
      await gateway().principals.update(principal, { passwordHash: 'another' });
      for (const { tokenHash: hash } of [first, second])
        expect(await gateway().claims.redeem(hash, minted(), '10.0.0.9')).to.equal(null);
      expect((await gateway().claims.list(principal)).map(({ id }) => id)).to.deep.equal([phone.id]);
      expect((await gateway().credentials.list(principal)).length).to.equal(1);
    });

    it('notes the latest use, whoever writes it last', async () => {
      const { id } = await gateway().credentials.add(given(await user()));
      await gateway().credentials.used([{ id, at: 2000, from: 'b' }]);
      await gateway().credentials.used([
        { id, at: 1000, from: 'a' },
        { id: 'gone', at: 1, from: 'x' },
      ]);
      expect((await gateway().credentials.find(id))?.credential).to.include({ lastUsed: 2000, lastUsedFrom: 'b' });
    });

    it('sweeps temporary ones a day after their end, and counts those that live', async () => {
      const owner = await user();
      const temporary = (expires: number) => given(owner, { kind: 'temporary', secretHash: randomBytes(32), expires });
      await gateway().credentials.add(temporary(rig.clock.now() - 25 * 3600 * 1000));
      await gateway().credentials.add(temporary(rig.clock.now() - 1000));
      await gateway().credentials.add(temporary(rig.clock.now() + 1000));
      expect(await gateway().credentials.sweep(owner)).to.equal(1);
      expect(await gateway().credentials.list(owner, { temporary: true })).to.have.length(2);
    });

    it('has a second factor once codes are confirmed, spends each step once, and starts over before that only', async () => {
      const id = await user();
      const factors = () => gateway().factors;
      const on = async () => (await gateway().principals.find(id))?.secondFactor;
      expect([await factors().totp(id), await on()]).to.deep.equal([null, false]);
      const [first, second] = [randomBytes(40), randomBytes(40)];
      await factors().beginTotp(id, first);
      await factors().beginTotp(id, second);
      expect(await codeOf(factors().confirmTotp(id, first, 5))).to.equal('conflict');
      expect([await factors().spendStep(id, 9), await on()]).to.deep.equal([false, false]);
      await factors().confirmTotp(id, second, 5);
      expect([await factors().totp(id), await on()]).to.deep.equal([{ sealed: second, confirmed: true, step: 5 }, true]);
      expect(await codeOf(factors().beginTotp(id, first))).to.equal('already_exists');
      const spent = await Promise.all(Array.from({ length: 20 }, () => factors().spendStep(id, 6)));
      expect(spent.filter(Boolean)).to.have.length(1);
      expect([
        await factors().spendStep(id, 6),
        await factors().spendStep(id, 5),
        await factors().spendStep(id, 7),
      ]).to.deep.equal([false, false, true]);
      await factors().removeTotp(id);
      expect([await factors().totp(id), await on()]).to.deep.equal([null, false]);
    });

    it('spends each recovery code once; new ones take the place of the old', async () => {
      const id = await user();
      const factors = () => gateway().factors;
      await factors().putRecoveryCodes(id, [hashOf('a'), hashOf('b')]);
      const spent = await Promise.all(Array.from({ length: 20 }, () => factors().spendRecoveryCode(id, hashOf('a'))));
      expect(spent.filter(Boolean)).to.have.length(1);
      expect(await factors().spendRecoveryCode(await user(), hashOf('b'))).to.equal(false);
      await factors().putRecoveryCodes(id, [hashOf('c')]);
      expect([await factors().recoveryCodesLeft(id), await factors().spendRecoveryCode(id, hashOf('b'))]).to.deep.equal([
        1,
        false,
      ]);
    });

    it('gives the first recovery codes to one of many who bring some, and a passkey with them or neither', async () => {
      const id = await user();
      const comers = Array.from({ length: 8 }, (_, n) => hashOf(`code ${n}`));
      const passkey = { principal: id, publicKey: randomBytes(77), counter: 0, transports: [], name: 'key' };
      const told = await Promise.all(
        comers.map((hash, n) =>
          n % 2 === 0
            ? gateway().factors.firstRecoveryCodes(id, [hash])
            : gateway().factors.addPasskey({ ...passkey, id: `first-${n}-${id}` }, [hash]),
        ),
      );
      expect(told.filter(Boolean)).to.have.length(1);
      expect(await gateway().factors.listPasskeys(id)).to.have.length(4);
      expect(await gateway().factors.spendRecoveryCode(id, comers[told.indexOf(true)]!)).to.equal(true);
      const again = gateway().factors.addPasskey({ ...passkey, id: `first-1-${id}` }, [hashOf('never told')]);
      expect(await codeOf(again)).to.equal('already_exists');
      expect(await gateway().factors.recoveryCodesLeft(id)).to.equal(0);
    });

    it('leaves nothing that a session began when a new password ended it, however both meet', async () => {
      const id = await user();
      for (let round = 0; round < 20; round++) {
        const session = `ends ${id} ${round}`;
        const expires = rig.clock.now() + 1e6;
        await gateway().principals.createSession({ id: session, principal: id, tokenHash: hashOf('t'), expires, label: '' });
        const claim = (n: number) => ({
          ...{
            id: `ends ${round} ${n} ${id}`,
            tokenHash: hashOf(`ends ${round} ${n} ${id}`),
            principal: id,
            kind: 'device' as const,
          },
          ...{ name: 'phone', scope: null, networks: null, credentialExpires: null, expires },
        });
        const begin = (n: number) =>
          n % 2 === 0
            ? gateway().claims.add(claim(n), 9, session)
            : gateway().factors.addChallenge({ id: `ends ${round} ${n} ${id}`, purpose: 'p', principal: id, expires, session });
        const begun = Array.from({ length: 6 }, (_, n) => codeOf(begin(n)));
        const codes = await Promise.all([...begun, codeOf(gateway().principals.update(id, { passwordHash: String(round) }))]);
        expect(codes.filter((code) => code !== 'none' && code !== 'unauthenticated')).to.deep.equal([]);
        expect(codes.at(-1)).to.equal('none');
        expect(await gateway().claims.list(id), `round ${round}`).to.deep.equal([]);
        for (let n = 1; n < 6; n += 2)
          expect(await gateway().factors.spendChallenge(`ends ${round} ${n} ${id}`, 'p', id), `round ${round}`).to.equal(false);
        expect([await codeOf(begin(6)), await codeOf(begin(7))]).to.deep.equal(['unauthenticated', 'unauthenticated']);
      }
    });

    it('links an identity to a user who is still the one that asked, and makes one user of an identity', async () => {
      const id = await user();
      const { principals, factors } = gateway();
      const { domain } = (await principals.find(id))!;
      await principals.update(id, { passwordHash: 'then' });
      await factors.setIdentity(id, hashOf(`of ${id}`), 'then');
      expect((await factors.findByIdentity(hashOf(`of ${id}`)))?.id).to.equal(id);
      await principals.update(id, { passwordHash: 'now' });
      expect(await codeOf(factors.setIdentity(id, hashOf(`another of ${id}`), 'then'))).to.equal('conflict');
      await principals.update(id, { disabled: true });
      expect(await codeOf(factors.setIdentity(id, hashOf(`another of ${id}`), 'now'))).to.equal('conflict');
      const made = { role: 'guest', passwordHash: null, domain, identity: hashOf(`of ${id}`) } as const;
      expect(await codeOf(principals.create({ ...made, name: `second of ${id}` }))).to.equal('already_exists');
      expect(await principals.findByName(`second of ${id}`)).to.equal(null);
    });

    it('keeps passkeys, whose counters never go back, and challenges that work once', async () => {
      const [id, other] = [await user(), await user()];
      const factors = () => gateway().factors;
      const passkey = { id: `pk-${id}`, principal: id, publicKey: randomBytes(77), counter: 3, transports: ['usb'], name: 'key' };
      await factors().addPasskey(passkey, []);
      expect(await codeOf(factors().addPasskey({ ...passkey, principal: other }, []))).to.equal('already_exists');
      expect((await gateway().principals.find(id))?.secondFactor).to.equal(true);
      await factors().usedPasskey(passkey.id, 9);
      await factors().usedPasskey(passkey.id, 4);
      expect(await factors().findPasskey(passkey.id)).to.deep.equal({
        ...passkey,
        counter: 9,
        created: rig.clock.now(),
        lastUsed: rig.clock.now(),
      });
      expect(await codeOf(factors().removePasskey(passkey.id, other))).to.equal('key_not_found');
      await factors().removePasskey(passkey.id, id);
      expect(await factors().listPasskeys(id)).to.deep.equal([]);

      await factors().addChallenge({ id: `c-${id}`, purpose: 'p', principal: id, expires: rig.clock.now() + 1000 });
      expect(await factors().spendChallenge(`c-${id}`, 'q', id)).to.equal(false);
      expect(await factors().spendChallenge(`c-${id}`, 'p', null)).to.equal(false);
      const spent = await Promise.all(Array.from({ length: 20 }, () => factors().spendChallenge(`c-${id}`, 'p', id)));
      expect(spent.filter(Boolean)).to.have.length(1);
      await factors().addChallenge({ id: `d-${id}`, purpose: 'p', principal: null, expires: rig.clock.now() });
      expect(await factors().spendChallenge(`d-${id}`, 'p', null)).to.equal(false);
    });

    it('keeps groups and their members, and tells the members of every change', async () => {
      const [ann, bob] = [await rig.user('groups ann'), await rig.user('groups bob')];
      const groups = () => gateway().groups;
      const made = await groups().create('kin');
      expect(made).to.include({ name: 'kin', created: rig.clock.now() });
      expect(await codeOf(groups().create('kin'))).to.equal('already_exists');
      const told: (string | null)[] = [];
      const unsubscribe = gateway().signals.subscribe('principals', (payload) => told.push(payload));
      await groups().change(made.id, { add: [ann.principal.id, bob.principal.id], remove: [] });
      const changed = await groups().change(made.id, { add: [bob.principal.id], remove: [ann.principal.id] });
      expect(changed.members).to.deep.equal(['groups bob']);
      expect((await groups().groupsOf(bob.principal.id)).map((one) => one.name)).to.deep.equal(['kin']);
      expect(await codeOf(groups().change(made.id, { add: [999_999], remove: [] }))).to.equal('principal_not_found');
      const second = await groups().create('second');
      const refused = groups().change(second.id, { name: 'kin', add: [ann.principal.id] });
      expect(await codeOf(refused)).to.equal('already_exists');
      expect((await groups().findByName('second'))?.members, 'what is refused changes nothing').to.deep.equal([]);
      expect(await groups().change(made.id, { name: 'clan' })).to.deep.include({ name: 'clan', members: ['groups bob'] });
      expect((await groups().list()).map((one) => one.name)).to.include.members(['clan', 'second']);
      await groups().remove(made.id);
      expect(await groups().findByName('clan')).to.equal(null);
      expect(await codeOf(groups().remove(made.id))).to.equal('principal_not_found');
      // After a reconnect null is told: assume anything.
      const heard = (): boolean => told.includes(String(bob.principal.id)) || told.includes(null);
      while (!heard()) await new Promise((next) => setTimeout(next, 10));
      unsubscribe();
    });

    it('keeps an admin, also when two take each other away at once', async () => {
      for (const take of [
        (one: number) => gateway().principals.update(one, { disabled: true }),
        (one: number) => gateway().principals.update(one, { role: 'member' }),
        (one: number, heir: number) => gateway().principals.remove(one, heir),
      ]) {
        const [a, b, heir] = [await user(), await user(), await user()];
        for (const id of [a, b]) await gateway().principals.update(id, { role: 'admin' });
        const codes = await Promise.all([codeOf(take(a, heir)), codeOf(take(b, heir))]);
        expect(codes.sort()).to.deep.equal(['conflict', 'none']);
        const left = (await gateway().principals.list()).filter(({ role, disabled }) => role === 'admin' && !disabled);
        expect(left).to.have.length(1);
        await rig.database.sql(`UPDATE principals SET role = 'member' WHERE role = 'admin'`);
      }
    });

    it('reseals secrets of keys and of one-time codes under a new master key, and passes over what has none', async () => {
      const id = await user();
      const key = await gateway().credentials.add(given(id, { sealedSecret: Buffer.from('key') }));
      const app = await gateway().credentials.add(
        given(id, { kind: 'app-password', sealedSecret: null, secretHash: hashOf('app') }),
      );
      await gateway().factors.beginTotp(id, Buffer.from('totp'));
      const check = (letter: string) => ({ check: letter.repeat(32), derivation: null });
      const { sealed } = gateway();
      await sealed.masterKeyOrInsert(check('a'));
      const reseal = (bytes: Buffer, context: string) => Buffer.from(`${bytes} ${context}`);
      await sealed.replaceMasterKey('a'.repeat(32), check('b'), reseal, async () => undefined);
      expect((await gateway().credentials.find(key.id))?.sealedSecret?.toString()).to.equal(`key access-key:${key.id}`);
      expect((await gateway().credentials.find(app.id))?.sealedSecret).to.equal(null);
      expect((await gateway().factors.totp(id))?.sealed.toString()).to.equal(`totp totp:${id}`);
    });

    it('begins no session by a password that has just been changed, nor of who was disabled, however both meet', async () => {
      const id = await user();
      const { principals } = gateway();
      let n = 0;
      const begin = (passwordHash?: string) =>
        codeOf(
          gateway().principals.createSession({
            id: `met ${id} ${++n}`,
            principal: id,
            tokenHash: hashOf('t'),
            expires: rig.clock.now() + 1e6,
            label: '',
            ...(passwordHash === undefined ? {} : { passwordHash }),
          }),
        );
      await principals.update(id, { passwordHash: '0' });
      for (let round = 0; round < 20; round++) {
        const old = String(round);
        const attempts = Promise.all([begin(old), begin(old), begin(old)]);
        await Promise.all([principals.update(id, { passwordHash: String(round + 1) }), attempts, begin(old)]);
        expect(await principals.listSessions(id), `round ${round}`).to.deep.equal([]);
      }
      expect(await begin('0')).to.equal('unauthenticated');
      expect(await begin('20')).to.equal('none');
      await Promise.all([principals.update(id, { disabled: true }), begin(), begin()]);
      expect(await begin()).to.equal('unauthenticated');
      await principals.update(id, { disabled: false });
      expect(await principals.listSessions(id)).to.deep.equal([]);
      expect(await begin()).to.equal('none');
      expect(await codeOf(principals.createSession({ ...nobody, id: `met nobody ${id}` }))).to.equal('unauthenticated');
    });
    const nobody = { principal: 999_999, tokenHash: hashOf('t'), expires: Number.MAX_SAFE_INTEGER, label: '' };

    it('forgets what was begun and not ended by a password that is another now, or of who was disabled', async () => {
      const id = await user();
      const { factors, principals } = gateway();
      const begun = (name: string, principal: number | null) =>
        factors.addChallenge({ id: `${name} ${id}`, purpose: 'p', principal, expires: rig.clock.now() + 1000 });
      for (const [name, change] of [
        ['password', { passwordHash: 'new' }],
        ['disabled', { disabled: true }],
      ] as const) {
        await begun(name, id);
        await begun(`nobody's ${name}`, null);
        await principals.update(id, { quotaBytes: 5 });
        await principals.update(id, change);
        expect(await factors.spendChallenge(`${name} ${id}`, 'p', id), name).to.equal(false);
        expect(await factors.spendChallenge(`nobody's ${name} ${id}`, 'p', null)).to.equal(true);
      }
    });

    it('ends every session but one', async () => {
      const id = await user();
      const { principals } = gateway();
      for (const name of ['x', 'y', 'z']) {
        await principals.createSession({
          id: `${name}${id}`,
          principal: id,
          tokenHash: hashOf(name),
          expires: rig.clock.now() + 1e6,
          label: name,
        });
      }
      expect((await principals.listSessions(id)).map(({ label }) => label)).to.deep.equal(['x', 'y', 'z']);
      await principals.update(id, { passwordHash: 'new', keepSession: `y${id}` });
      expect((await principals.listSessions(id)).map(({ label }) => label)).to.deep.equal(['y']);
      expect(await principals.revokeSessions(id, `y${id}`)).to.equal(0);
      expect(await principals.revokeSessions(id)).to.equal(1);
      await principals.upgradeHash(id, 'not the one', 'other');
      expect((await principals.find(id))?.passwordHash).to.equal('new');
    });
  });
}
