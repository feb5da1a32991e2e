import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { MetadataRig } from '../support/metadata-rig.ts';
import { address, putIntent } from '../support/metadata-rig.ts';
import { codeOf } from '../support/rooms.ts';

const hashOf = (text: string) => createHash('sha256').update(text).digest();

/** Rows of users, their keys, sessions and grants. */
export function describePrincipalStore(name: string, make: () => Promise<MetadataRig>): void {
  describe(`principal store: ${name}`, () => {
    let rig: MetadataRig;
    let turn = 0;
    let count = 0;
    before(async () => {
      rig = await make();
    });
    after(() => rig.close());
    const store = () => rig.gateways[turn++ % rig.gateways.length]!.principals;
    const create = (user = `user ${++count}`) => store().create({ name: user, role: 'member', passwordHash: null, domain: 1 });

    it('creates what is found again by id and name', async () => {
      const made = await store().create({ name: 'Änn', role: 'admin', passwordHash: '$argon2id$…', domain: 7 });
      expect(made).to.deep.include({
        name: 'Änn',
        role: 'admin',
        passwordHash: '$argon2id$…',
        domain: 7,
        disabled: false,
        quotaBytes: null,
      });
      expect(made.created).to.equal(rig.clock.now());
      expect([await store().find(made.id), await store().findByName('Änn')]).to.deep.equal([made, made]);
      expect([await store().find(999_999), await store().findByName('änn')]).to.deep.equal([null, null]);
      expect((await store().list()).map(({ id }) => id)).to.include(made.id);
      expect(await codeOf(create('Änn'))).to.equal('already_exists');
      const codes = await Promise.all(Array.from({ length: 6 }, () => codeOf(create('raced'))));
      expect(codes.filter((code) => code === 'none').length).to.equal(1);
    });

    it('updates what is named; a quota can be taken away', async () => {
      const { id } = await create();
      expect(await store().update(id, { passwordHash: 'h', role: 'guest', quotaBytes: 2 ** 40 })).to.include({
        passwordHash: 'h',
        role: 'guest',
        quotaBytes: 2 ** 40,
        disabled: false,
      });
      expect(await store().update(id, { disabled: true })).to.include({ disabled: true, quotaBytes: 2 ** 40, role: 'guest' });
      expect(await store().update(id, { disabled: false, quotaBytes: null })).to.include({ disabled: false, quotaBytes: null });
      expect(await codeOf(store().update(999_999, { role: 'admin' }))).to.equal('principal_not_found');
    });

    it('keeps access keys by id, with their sealed secret and their principal', async () => {
      const owner = await create();
      const sealedSecret = Buffer.from([0, 1, 255]);
      const key = await store().addKey({ id: 'AK1', principal: owner.id, sealedSecret, name: 'laptop' });
      expect(key).to.deep.equal({ id: 'AK1', principal: owner.id, name: 'laptop', created: rig.clock.now() });
      expect(await store().findKey('AK1')).to.deep.equal({ key, sealedSecret, principal: owner });
      expect(await store().findKey('ak1')).to.equal(null);
      expect(await codeOf(store().addKey({ id: 'AK1', principal: owner.id, sealedSecret }))).to.equal('already_exists');
      const other = await create();
      const second = await store().addKey({ id: 'AK2', principal: other.id, sealedSecret });
      expect(second.name).to.equal(null);
      expect(await store().listKeys(owner.id)).to.deep.equal([key]);
      expect((await store().listKeys()).map(({ id }) => id)).to.include.members(['AK1', 'AK2']);
      await store().removeKey('AK1');
      expect(await store().findKey('AK1')).to.equal(null);
      expect(await codeOf(store().removeKey('AK1'))).to.equal('key_not_found');
    });

    it('rotates a session’s token once; the old one, used again, ends the family', async () => {
      const owner = await create();
      const begin = (id: string) =>
        store().createSession({
          id,
          principal: owner.id,
          tokenHash: hashOf('1'),
          expires: rig.clock.now() + 1000,
          label: 'phone',
        });
      await begin('s1');
      expect(await store().sessionAlive('s1')).to.equal(true);
      const rotate = (id: string, from: string, to: string) =>
        store().rotateSession(id, hashOf(from), hashOf(to), { expires: rig.clock.now() + 1000 });
      expect(await rotate('s1', '1', '2')).to.deep.equal({ outcome: 'rotated', principal: owner });
      expect(await rotate('s1', '2', '3')).to.deep.include({ outcome: 'rotated' });
      expect(await rotate('s1', '1', 'x')).to.deep.equal({ outcome: 'reused' });
      expect(await store().sessionAlive('s1')).to.equal(false);
      expect(await rotate('s1', '3', '4')).to.deep.equal({ outcome: 'gone' });
      await begin('s2');
      const both = await Promise.all([rotate('s2', '1', 'a'), rotate('s2', '1', 'b')]);
      expect(both.map(({ outcome }) => outcome).sort()).to.deep.equal(['reused', 'rotated']);
      expect(await rotate('none', '1', '2')).to.deep.equal({ outcome: 'gone' });
    });

    it('gives a rotation once more to who did it, for a moment, and to nobody once somebody came with what it gave', async () => {
      const owner = await create();
      const rotate = (id: string, from: string, to: string, address: string) =>
        store().rotateSession(id, hashOf(from), hashOf(to), { expires: rig.clock.now() + 1e6, from: address, repeatMs: 1000 });
      const outcomes: Record<string, string> = {};
      for (const [name, ms, again] of [
        ['again', 999, ['1', '2', 'here']],
        ['late', 1000, ['1', '2', 'here']],
        ['from elsewhere', 0, ['1', '2', 'there']],
        ['for another one', 0, ['1', 'x', 'here']],
        ['older', 0, ['0', '1', 'here']],
      ] as const) {
        const id = `repeat ${name}`;
        const expires = rig.clock.now() + 1e6;
        await store().createSession({ id, principal: owner.id, tokenHash: hashOf('0'), expires, label: '', from: 'here' });
        await rotate(id, '0', '1', 'here');
        await rotate(id, '1', '2', 'here');
        rig.clock.advance(ms);
        const [from, to, address] = again;
        outcomes[name] = (await rotate(id, from, to, address)).outcome;
        expect(await store().sessionAlive(id), name).to.equal(name === 'again');
      }
      expect(outcomes).to.deep.equal({
        again: 'repeated',
        late: 'reused',
        'from elsewhere': 'reused',
        'for another one': 'reused',
        older: 'reused',
      });
      expect((await rotate('repeat again', '2', '3', 'here')).outcome, 'its successor works still').to.equal('rotated');
      expect((await rotate('repeat again', '1', '2', 'here')).outcome, 'and ends it for the one before').to.equal('reused');
      expect(await store().sessionAlive('repeat again')).to.equal(false);
    });

    it('ends sessions by time, by revocation, and with their user', async () => {
      const owner = await create();
      const begin = (id: string) =>
        store().createSession({ id, principal: owner.id, tokenHash: hashOf(id), expires: rig.clock.now() + 1000, label: '' });
      await begin('t1');
      rig.clock.advance(1001);
      expect(await store().sessionAlive('t1')).to.equal(false);
      expect(await store().rotateSession('t1', hashOf('t1'), hashOf('x'), { expires: rig.clock.now() + 1000 })).to.deep.equal({
        outcome: 'gone',
      });
      await begin('t2');
      await store().revokeSession('t2');
      await store().revokeSession('t2');
      expect(await store().sessionAlive('t2')).to.equal(false);
      await begin('t3');
      await store().update(owner.id, { disabled: true });
      expect(await store().sessionAlive('t3')).to.equal(false);
    });

    it('leaves everything to the heir, and nothing behind', async () => {
      const [leaver, heir] = [await rig.user(), await rig.user()];
      const id = leaver.principal.id;
      const home = await rig.bucket({ owner: leaver });
      await rig.store.commit(putIntent(home, 'a', { size: 700 }));
      const { locks, buckets } = rig.gateways[0]!;
      await locks.acquire({
        at: address(home, 'a'),
        principal: id,
        exclusive: true,
        infinite: false,
        ownerXml: null,
        timeoutMs: 1e6,
      });
      await store().addKey({ id: 'LEAVER', principal: id, sealedSecret: Buffer.of(1) });
      await store().createSession({
        id: 'leaver',
        principal: id,
        tokenHash: hashOf('x'),
        expires: rig.clock.now() + 1e6,
        label: '',
      });
      expect(await codeOf(store().remove(id, id))).to.equal('invalid_argument');
      expect(await codeOf(store().remove(id, 999_999))).to.equal('principal_not_found');
      expect(await codeOf(store().remove(999_999, heir.principal.id))).to.equal('principal_not_found');
      await store().remove(id, heir.principal.id);
      expect([await store().find(id), await store().findKey('LEAVER'), await store().sessionAlive('leaver')]).to.deep.equal([
        null,
        null,
        false,
      ]);
      expect((await buckets.find(home.id))?.owner).to.equal(heir.principal.id);
      expect(await locks.covering(home.id, ['a'])).to.deep.equal([]);
      const used = await rig.database.sql('SELECT principal, bytes FROM usage WHERE principal = ANY($1)', [
        [id, heir.principal.id],
      ]);
      expect(used.map(([principal, bytes]) => [principal, Number(bytes)])).to.deep.equal([[heir.principal.id, 700]]);
    });

    it('tells of every change, with the principal', async () => {
      const heard: (string | null)[] = [];
      const stop = rig.gateways.at(-1)!.signals.subscribe('principals', (payload) => heard.push(payload));
      const until = async (payload: string | null, what: string) => {
        for (let n = 0; n < 500 && !heard.includes(payload); n++) await new Promise((resolve) => setTimeout(resolve, 5));
        expect(heard, what).to.include(payload);
        heard.length = 0;
      };
      await until(null, 'listening');
      const [user, heir] = [await create(), await create()];
      const told = String(user.id);
      const tokenHash = hashOf('x');
      await store().createSession({ id: 'told', principal: user.id, tokenHash, expires: rig.clock.now() + 1e6, label: '' });
      heard.length = 0;
      const changes: Record<string, () => Promise<unknown>> = {
        update: () => store().update(user.id, { role: 'guest' }),
        addKey: () => store().addKey({ id: 'TOLD', principal: user.id, sealedSecret: tokenHash }),
        removeKey: () => store().removeKey('TOLD'),
        revokeSession: () => store().revokeSession('told'),
        remove: () => store().remove(user.id, heir.id),
      };
      for (const [what, change] of Object.entries(changes)) {
        await change();
        await until(told, what);
      }
      stop();
    });
  });
}
