import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { createGate } from '#auth/gate';
import { hashPassword, isOutdated, unmatchableHash, verifyPassword } from '#auth/passwords';
import { networkOf } from '#core/network';

describe('passwords', () => {
  it('are hashed with a salt of their own into a PHC string, and verified', async () => {
    const [one, two] = await Promise.all([hashPassword('pässword'), hashPassword('pässword')]);
    expect(one).to.match(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(one).not.to.equal(two);
    expect(await verifyPassword('pässword', one)).to.equal(true);
    // As macOS types it.
    expect(await verifyPassword('pa\u0308ssword', one)).to.equal(true);
    expect(await verifyPassword('passwörd', one)).to.equal(false);
  });

  it('verifies what another implementation hashed', async () => {
    // $ echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 24 (the reference implementation's test vector)
    const known = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await verifyPassword('password', known)).to.equal(true);
  });

  it('are hashed with scrypt where there is nothing better, and verified all the same', async () => {
    const scrypt = { algorithm: 'scrypt', costLog2: 10, blockSize: 8, lanes: 1 } as const;
    const hash = await hashPassword('pässword', randomBytes, scrypt);
    expect(hash).to.match(/^\$scrypt\$ln=10,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(await verifyPassword('pässword', hash)).to.equal(true);
    expect(await verifyPassword('passwörd', hash)).to.equal(false);
    // RFC 7914, section 12: "pleaseletmein", "SodiumChloride", N=16384, r=8, p=1 (the first 32 bytes of 64 are those of a 32-byte key).
    const known = '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI';
    expect(await verifyPassword('pleaseletmein', known)).to.equal(true);
    expect(
      await verifyPassword('password', '$scrypt$ln=30,r=32,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI'),
    ).to.equal(false);
  });

  it('are outdated by other parameters than those of now', async () => {
    const weak = { algorithm: 'argon2id', memory: 64, passes: 1, lanes: 1 } as const;
    expect(isOutdated(await hashPassword('x', randomBytes, weak))).to.equal(true);
    expect(isOutdated(await hashPassword('x'))).to.equal(false);
    expect(isOutdated('what nobody can read')).to.equal(false);
  });

  it('never matches what cannot be read or asks for too much', async () => {
    const bad = ['', 'plain', '$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'];
    bad.push('$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc');
    bad.push(unmatchableHash(randomBytes));
    for (const hash of bad) expect(await verifyPassword('password', hash)).to.equal(false);
  });

  it('has no empty and no endless ones', async () => {
    for (const password of ['', 'x'.repeat(1025)]) {
      const error = await hashPassword(password).catch((e) => e);
      expect(error).to.include({ code: 'invalid_argument' });
    }
  });
});

describe('gate', () => {
  it('lets in so many at once, in order, and sends the rest away', async () => {
    const gate = createGate(2, 3);
    let inside = 0;
    let most = 0;
    const order: number[] = [];
    const work = (n: number) =>
      gate.run(async () => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 2));
        order.push(n);
        inside--;
        if (n === 1) throw new Error('failing gives its place back too');
      });
    const results = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6].map(work));
    expect(most).to.equal(2);
    expect(order).to.deep.equal([0, 1, 2, 3, 4]);
    expect(results.map(({ status }) => status)).to.deep.equal([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    await work(7);
  });
});

describe('networks', () => {
  const networks: Record<string, string> = {
    '192.0.2.7': '192.0.2.7',
    '::ffff:192.0.2.7': '192.0.2.7',
    '2001:db8:1:2:3:4:5:6': '2001:db8:1:2::/64',
    '2001:DB8:1:2::': '2001:db8:1:2::/64',
    '2001:db8::1': '2001:db8:0:0::/64',
    'fe80::1%eth0': 'fe80:0:0:0::/64',
    '::1': '0:0:0:0::/64',
    unknown: 'unknown',
  };
  for (const [address, network] of Object.entries(networks)) {
    it(`counts ${address} as ${network}`, () => expect(networkOf(address)).to.equal(network));
  }
});
