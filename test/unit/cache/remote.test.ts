import { expect } from 'chai';
import { createMemoryCache } from '#cache/memory';
import { answerCacheCall, createRemoteCache } from '#cache/remote';
import type { Cache } from '#contracts/cache';
import { describeCache } from '../../conformance/cache.ts';

const clock = { now: () => Date.now() };
/** As it comes through a channel: by value. */
const over = (cache: Cache): Cache =>
  createRemoteCache({
    ask: async (call) => structuredClone(await answerCacheCall(cache, structuredClone(call))),
    clock,
  });

describeCache('of another process', async () => over(createMemoryCache({ clock })));

describe('a cache of another process', () => {
  it('counts over all who use it', async () => {
    const memory = createMemoryCache({ clock });
    const [one, two] = [over(memory), over(memory)];
    const counts = await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? one : two).increment('a', 60_000)));
    expect(counts.sort((a, b) => a - b)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await two.remove('a');
    expect(await one.increment('a', 60_000)).to.equal(1);
  });

  it('goes on by itself while nobody answers, and never fails', async () => {
    let asked = 0;
    const cache = createRemoteCache({
      async ask(_call, ms) {
        asked = ms;
        throw new Error('no answer in time');
      },
      clock,
    });
    expect([await cache.increment('a', 60_000), await cache.increment('a', 60_000)]).to.deep.equal([1, 2]);
    await cache.set('b', Buffer.from('x'), 60_000);
    expect(String(await cache.get('b'))).to.equal('x');
    await cache.remove('a');
    expect(await cache.increment('a', 60_000)).to.equal(1);
    expect(asked).to.be.within(1, 50);
  });
});
