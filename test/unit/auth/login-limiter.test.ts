import { expect } from 'chai';
import { createLoginLimiter } from '#auth/login-limiter';
import { createMemoryCache } from '#cache/memory';

const MINUTE = 60_000;

describe('the limiter of log-ins', () => {
  function open(rules?: { pairMax: number; networkMax: number; accountMax: number }) {
    const clock = { ms: 1_700_000_000_000, now: () => clock.ms };
    const limiter = createLoginLimiter({ cache: createMemoryCache({ clock }), clock, ...(rules === undefined ? {} : { rules }) });
    /** Seconds to wait; 0: it may be tried. */
    const attempt = async (name: string, from: string): Promise<number> =>
      limiter.attempt(name, from).then(
        () => 0,
        (error: { details: { retryAfterSeconds: number } }) => error.details.retryAfterSeconds,
      );
    const many = async (count: number, name: string, from: string): Promise<number[]> => {
      const waits: number[] = [];
      for (let i = 0; i < count; i++) waits.push(await attempt(name, from));
      return waits;
    };
    return { clock, limiter, attempt, many };
  }

  it('lets whoever goes too far wait twice as long each time, up to an hour, and forgets it after a day', async () => {
    const { clock, attempt, many } = open();
    const waits: number[] = [];
    for (let round = 0; round < 9; round++) {
      expect(await many(10, 'ann', '192.0.2.1')).to.deep.equal(Array(10).fill(0));
      waits.push(await attempt('ann', '192.0.2.1'));
      clock.ms += waits[round]! * 1000 - 1;
      expect(await attempt('ann', '192.0.2.1')).to.equal(1);
      clock.ms += 1;
    }
    expect(waits).to.deep.equal([60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
    clock.ms += 24 * 60 * MINUTE;
    expect((await many(11, 'ann', '192.0.2.1')).at(-1)).to.equal(60);
  });

  it('counts what comes at once as what it is, and makes it one strike', async () => {
    const { attempt } = open();
    const waits = await Promise.all(Array.from({ length: 100 }, () => attempt('ann', '192.0.2.1')));
    expect(waits.filter((wait) => wait === 0)).to.have.length(10);
    expect(new Set(waits)).to.deep.equal(new Set([0, 60]));
  });

  it('takes a /64 for one, and another for another', async () => {
    const { many, attempt } = open();
    await many(11, 'ann', '2001:db8:1:2::1');
    expect(await attempt('ann', '2001:db8:1:2:ffff::9')).to.equal(60);
    expect(await attempt('ann', '2001:db8:1:3::1')).to.equal(0);
    expect(await attempt('bob', '2001:db8:1:2::1')).to.equal(0);
  });

  it('stops one network that tries every name; not this machine’s own', async () => {
    const { attempt } = open({ pairMax: 10, networkMax: 5, accountMax: 100 });
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) waits.push(await attempt(`user${i}`, '198.51.100.7'));
    expect(waits).to.deep.equal([0, 0, 0, 0, 0, 60]);
    for (let i = 0; i < 9; i++) expect(await attempt(`user${i}`, '127.0.0.1')).to.equal(0);
  });

  it('stops many networks that try one name, but not those from where its owner came', async () => {
    const { limiter, attempt } = open({ pairMax: 10, networkMax: 300, accountMax: 20 });
    await limiter.succeeded('ann', '203.0.113.1');
    const waits: number[] = [];
    for (let i = 0; i < 21; i++) waits.push(await attempt('ann', `198.51.100.${i}`));
    expect(waits.slice(0, 20)).to.deep.equal(Array(20).fill(0));
    expect(waits[20]).to.equal(60);
    expect(await attempt('ann', '192.0.2.200')).to.equal(60);
    expect(await attempt('ann', '203.0.113.1')).to.equal(0);
  });

  it('forgets nothing for a flood of what anybody may write or have counted', async () => {
    const clock = { ms: 1_700_000_000_000, now: () => clock.ms };
    const cache = createMemoryCache({ clock, entriesMax: 100 });
    const limiter = createLoginLimiter({ cache, clock });
    const passkeys = createLoginLimiter({ cache, clock, purpose: 'passkey' });
    const attempt = (): Promise<number> =>
      limiter.attempt('ann', '192.0.2.1').then(
        () => 0,
        (error: { details: { retryAfterSeconds: number } }) => error.details.retryAfterSeconds,
      );
    const flood = async (): Promise<void> => {
      for (let i = 0; i < 300; i++) {
        await cache.set(`login-flow:${i}`, Buffer.alloc(100), 60 * MINUTE);
        await passkeys.attempt('begin', `2001:db8:${i.toString(16)}:1::1`).catch(() => undefined);
      }
    };
    const waits: number[] = [];
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 10; i++) {
        expect(await attempt()).to.equal(0);
        if (i === 5) await flood();
      }
      waits.push(await attempt());
      await flood();
      clock.ms += waits[round]! * 1000;
    }
    expect(waits).to.deep.equal([60, 120, 240]);
  });

  it('is clean after a success', async () => {
    const { limiter, many, attempt, clock } = open();
    await many(9, 'ann', '192.0.2.1');
    await limiter.succeeded('ann', '192.0.2.1');
    expect(await many(10, 'ann', '192.0.2.1')).to.deep.equal(Array(10).fill(0));
    expect(await attempt('ann', '192.0.2.1')).to.equal(60);
    clock.ms += MINUTE;
    expect(await attempt('ann', '192.0.2.1')).to.equal(0);
    await limiter.succeeded('ann', '192.0.2.1');
    expect((await many(11, 'ann', '192.0.2.1')).at(-1)).to.equal(60);
  });
});
