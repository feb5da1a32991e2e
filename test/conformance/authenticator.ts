import { expect } from 'chai';
import type { Authenticator } from '#contracts/authenticator';
import type { Principal } from '#core/principal';

export interface AuthenticatorRig {
  authenticator: Authenticator;
  clock: { now(): number; ms: number };
  /** A user with this password, and the S3 key `KEY<name>` whose secret is `secret-<name>`. */
  user(name: string, password: string): Promise<Principal>;
  setPassword(id: number, password: string): Promise<void>;
  /** As it is stored. */
  setHash(id: number, passwordHash: string): Promise<unknown>;
  disable(id: number, disabled?: boolean): Promise<void>;
  remove(id: number): Promise<void>;
  removeKey(id: string): Promise<void>;
  close(): Promise<void>;
}

const HERE = '192.0.2.1';

/** Who it is, and how soon it is nobody any more. */
export function describeAuthenticator(name: string, make: () => Promise<AuthenticatorRig>): void {
  describe(`authenticator: ${name}`, () => {
    let rig: AuthenticatorRig;
    let auth: Authenticator;
    before(async () => {
      rig = await make();
      auth = rig.authenticator;
    });
    after(() => rig.close());

    const codeOf = async (call: () => unknown): Promise<string> => {
      try {
        await call();
        return 'none';
      } catch (error) {
        return (error as { code?: string }).code ?? String(error);
      }
    };
    /** Microseconds of CPU that this process spends: the clock on the wall tells more of what else the machine does. */
    const cpuOf = async (work: () => Promise<unknown>): Promise<number> => {
      const before = process.cpuUsage();
      await work();
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    /**
     * The CPU of the cheapest guess of each name, as a share of the first one's. What else the process does comes on top of some guesses, so more are made
     * until all are alike; of names that differ no number of guesses is.
     */
    async function fastestOf(
      names: readonly string[],
      [least, most]: readonly [number, number],
      guess: (who: string, round: number) => Promise<void>,
    ): Promise<Map<string, number>> {
      const times = new Map<string, number>();
      for (let round = 0; ; round++) {
        for (const who of names)
          times.set(who, Math.min(times.get(who) ?? Number.POSITIVE_INFINITY, await cpuOf(() => guess(who, round))));
        const ratios = new Map(names.map((who) => [who, (times.get(who) ?? 0) / (times.get(names[0] ?? '') ?? 1)]));
        const alike = [...ratios.values()].every((ratio) => ratio >= least && ratio <= most);
        if ((alike && round >= 2) || round === 9) return ratios;
      }
    }
    /** Within a second of real time, as promised to whoever revokes: what a look finds that began later. One that began before may end later. */
    const soon = async (check: () => Promise<boolean>): Promise<void> => {
      const until = performance.now() + 1000;
      for (;;) {
        const late = performance.now() > until;
        if (await check()) return;
        if (late) throw new Error('it still holds after a second');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };

    it('knows a name and its password, and remembers both', async () => {
      const ann = await rig.user('ann', 'correct horse');
      expect(auth.remembered('ann', 'correct horse', HERE)).to.equal(null);
      expect(await auth.password('ann', 'correct horse', HERE)).to.deep.include(ann);
      // The signal of its making may still drop it once.
      await soon(async () => (await auth.stillValid(ann)) && auth.remembered('ann', 'correct horse', HERE) !== null);
      expect(auth.remembered('ann', 'correct horse', HERE)).to.deep.include(ann);
      expect(auth.remembered('ann', 'correct hors', HERE)).to.equal(null);
      // A hash costs tens of milliseconds of a core: of 200 that were remembered, less than of one that was computed.
      const guessed = await cpuOf(() => codeOf(() => auth.password('ann', 'a guess', HERE)));
      const remembered = await cpuOf(async () => {
        for (let i = 0; i < 200; i++) await auth.password('ann', 'correct horse', HERE);
      });
      expect(remembered).to.be.lessThan(5 * guessed);
    });

    it('answers the same for a wrong password and a wrong name, and takes as long', async () => {
      const ratios = await fastestOf(['ann', 'nobody'], [0.4, 2.5], async (who, i) => {
        expect(await codeOf(() => auth.password(who, `wrong ${i}`, `198.51.100.${i}`))).to.equal('unauthenticated');
      });
      expect(ratios.get('nobody')).to.be.within(0.4, 2.5);
    });

    it('takes as long for a name whose hash was made with other parameters, dearer or cheaper, or cannot be read', async () => {
      const kinds = {
        dear: 'argon2id$v=19$m=19456,t=6,p=1',
        cheap: 'argon2id$v=19$m=64,t=1,p=1',
        torn: 'argon2id$v=19$m=1,t=1,p=1',
      };
      const made: number[] = [];
      for (const [name, kind] of Object.entries(kinds)) {
        const { id } = await rig.user(name, 'its own');
        made.push(id);
        await rig.setHash(id, `$${kind}$c29tZXNhbHRzb21lc2FsdA$${'A'.repeat(43)}`);
      }
      rig.clock.ms += 2 * 60 * 1000;
      const names = ['ann', 'nobody', ...Object.keys(kinds)];
      const ratios = await fastestOf(names, [0.5, 2], async (who, i) => {
        expect(await codeOf(() => auth.password(who, `old ${i}`, `198.51.101.${i}`))).to.equal('unauthenticated');
      });
      for (const [who, ratio] of ratios) expect(ratio, who).to.be.within(0.5, 2);
      for (const id of made) await rig.remove(id);
    });

    it('refuses what is no name and no password', async () => {
      for (const [who, password] of [
        ['', 'x'],
        ['ann', ''],
        ['ann', 'x'.repeat(5000)],
        ['a\0nn', 'x'],
      ] as const) {
        expect(await codeOf(() => auth.password(who, password, HERE))).to.equal('unauthenticated');
      }
    });

    it('slows guessing down by name and network, and never the owner from elsewhere', async () => {
      const bob = await rig.user('bob', 'right');
      const codes = [];
      for (let i = 0; i < 14; i++) codes.push(await codeOf(() => auth.password('bob', `guess ${i}`, '2001:db8:1:2::1')));
      expect(codes.slice(0, 10)).to.deep.equal(Array(10).fill('unauthenticated'));
      expect(codes.slice(10)).to.deep.equal(Array(4).fill('rate_limited'));
      const limited = await auth.password('bob', 'another', '2001:db8:1:2:ffff::9').catch((error) => error);
      expect(limited.code).to.equal('rate_limited');
      expect(limited.details.retryAfterSeconds).to.be.within(1, 600);
      expect(await auth.password('bob', 'right', '203.0.113.9')).to.deep.include(bob);
      // That the owner is in, and remembered, tells the guesser nothing.
      await soon(async () => (await auth.stillValid(bob)) && auth.remembered('bob', 'right', '203.0.113.9') !== null);
      expect(auth.remembered('bob', 'right', '2001:db8:1:2::1')).to.equal(null);
      expect(await codeOf(() => auth.password('bob', 'right', '2001:db8:1:2::1'))).to.equal('rate_limited');
      rig.clock.ms += 6 * 60 * 1000;
      expect(await auth.password('bob', 'right', '2001:db8:1:2::1')).to.deep.include(bob);
    });

    it('counts a hundred guesses at once as a hundred', async () => {
      const codes = await Promise.all(
        Array.from({ length: 100 }, (_, i) => codeOf(() => auth.password('bob', `at once ${i}`, '198.51.100.77'))),
      );
      expect(codes.filter((code) => code === 'unauthenticated').length).to.be.at.most(10);
    });

    it('does not wear out its user when a drive repeats an old password', async () => {
      for (let i = 0; i < 30; i++) expect(await codeOf(() => auth.password('ann', 'old', HERE))).to.equal('unauthenticated');
      expect((await auth.password('ann', 'correct horse', HERE)).name).to.equal('ann');
    });

    it('remembers what was wrong alike of somebody, of nobody and of who is disabled, so that asking again tells nothing', async () => {
      await rig.user('hedda', 'hers');
      const off = await rig.user('hugo', 'right');
      await rig.disable(off.id);
      const pairs = { hedda: 'not it', ida: 'her own', hugo: 'right' };
      const again = async (): Promise<void> => {
        for (const [who, password] of Object.entries(pairs))
          expect(await codeOf(() => auth.password(who, password, '198.51.102.1')), who).to.equal('unauthenticated');
      };
      await again();
      // More often than may be guessed, and without a hash.
      const spent = await cpuOf(async () => {
        for (let i = 0; i < 10; i++) {
          rig.clock.ms += 5_000;
          await again();
        }
      });
      const guess = await cpuOf(() => codeOf(() => auth.password('hedda', 'another guess', '198.51.102.1')));
      expect(spent).to.be.lessThan(11 * guess);
      // Who is there by now, or may come in again, is let in at once.
      const ida = await rig.user('ida', 'her own');
      expect((await auth.password('ida', 'her own', '198.51.102.1')).id).to.equal(ida.id);
      await rig.disable(off.id, false);
      expect((await auth.password('hugo', 'right', '198.51.102.1')).id).to.equal(off.id);
    });

    it('forgets an old password at once, and learns the new one', async () => {
      const carl = await rig.user('carl', 'first');
      await auth.password('carl', 'first', HERE);
      expect(await codeOf(() => auth.password('carl', 'second', HERE))).to.equal('unauthenticated');
      await rig.setPassword(carl.id, 'second');
      await soon(async () => (await codeOf(() => auth.password('carl', 'first', HERE))) === 'unauthenticated');
      expect(auth.remembered('carl', 'first', HERE)).to.equal(null);
      await soon(async () => (await codeOf(() => auth.password('carl', 'second', HERE))) === 'none');
    });

    it('gives S3 keys with their secrets, and none that was removed', async () => {
      await rig.user('dora', 'x');
      const key = await auth.accessKey('KEYdora');
      expect(key).to.deep.include({ id: 'KEYdora', secret: 'secret-dora' });
      // The signal of its making may still drop it once.
      await soon(async () => !(auth.accessKey('KEYdora') instanceof Promise));
      expect(await auth.accessKey('KEYnobody')).to.equal(null);
      expect(await auth.accessKey("' OR 1=1")).to.equal(null);
      await rig.removeKey('KEYdora');
      await soon(async () => (await auth.accessKey('KEYdora')) === null);
    });

    it('logs in with tokens that rotate; a used one ends the whole session', async () => {
      await rig.user('emil', 'x');
      const first = await auth.login('emil', 'x', HERE, 'phone');
      expect(first.expiresInSeconds).to.equal(900);
      expect((await auth.accessToken(first.accessToken)).name).to.equal('emil');
      const second = await auth.refresh(first.refreshToken);
      expect((await auth.accessToken(second.accessToken)).name).to.equal('emil');
      expect(await codeOf(() => auth.refresh(first.refreshToken))).to.equal('unauthenticated');
      await soon(async () => (await codeOf(() => auth.accessToken(second.accessToken))) === 'unauthenticated');
      expect(await codeOf(() => auth.refresh(second.refreshToken))).to.equal('unauthenticated');
    });

    it('lets one of many that refresh at once win, and trusts the session no more', async () => {
      const { refreshToken } = await auth.login('emil', 'x', HERE, 'race');
      const codes = await Promise.all(Array.from({ length: 8 }, () => codeOf(() => auth.refresh(refreshToken))));
      expect(codes.filter((code) => code === 'none').length).to.be.at.most(1);
    });

    it('ends a session on log-out, an access token after 15 minutes', async () => {
      const one = await auth.login('emil', 'x', HERE, 'one');
      const two = await auth.login('emil', 'x', HERE, 'two');
      await auth.logout(one.accessToken);
      expect(await codeOf(() => auth.accessToken(one.accessToken))).to.equal('unauthenticated');
      expect(await codeOf(() => auth.refresh(one.refreshToken))).to.equal('unauthenticated');
      expect((await auth.accessToken(two.accessToken)).name).to.equal('emil');
      rig.clock.ms += 15 * 60 * 1000 + 1000;
      expect(await codeOf(() => auth.accessToken(two.accessToken))).to.equal('expired');
      expect(await codeOf(() => auth.refresh(two.refreshToken))).to.equal('none');
    });

    it('takes no token that it did not sign with HS256', async () => {
      const { accessToken } = await auth.login('emil', 'x', HERE, 'forged');
      const [header = '', payload = '', signature = ''] = accessToken.split('.');
      const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
      const other = Buffer.from(JSON.stringify({ ...claims, sub: '1' })).toString('base64url');
      const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
      for (const forged of [
        `${none}.${payload}.`,
        `${header}.${other}.${signature}`,
        `${header}.${payload}.${flipped}`,
        '',
        'a.b.c',
      ]) {
        expect(await codeOf(() => auth.accessToken(forged))).to.equal('unauthenticated');
      }
      for (const token of ['', 'x.y', `${'0'.repeat(32)}.${'A'.repeat(43)}`])
        expect(await codeOf(() => auth.refresh(token))).to.equal('unauthenticated');
    });

    it('stops a disabled and a removed user everywhere, and tells who listens', async () => {
      for (const [who, end] of [
        ['fred', (id: number) => rig.disable(id)],
        ['gina', (id: number) => rig.remove(id)],
      ] as const) {
        const user = await rig.user(who, 'x');
        const { accessToken, refreshToken } = await auth.login(who, 'x', HERE, 'w');
        await auth.accessKey(`KEY${who}`);
        const told: (number | null)[] = [];
        const unsubscribe = auth.onChange((id) => told.push(id));
        await end(user.id);
        await soon(async () => (await codeOf(() => auth.accessToken(accessToken))) === 'unauthenticated');
        await soon(async () => (await auth.accessKey(`KEY${who}`)) === null);
        await soon(async () => auth.remembered(who, 'x', HERE) === null);
        expect(await codeOf(() => auth.password(who, 'x', HERE))).to.equal('unauthenticated');
        expect(await codeOf(() => auth.refresh(refreshToken))).to.equal('unauthenticated');
        expect(await auth.stillValid(user)).to.equal(false);
        await soon(async () => told.includes(user.id) || told.includes(null));
        unsubscribe();
      }
    });
  });
}
