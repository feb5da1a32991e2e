import { expect } from 'chai';
import type { Cache } from '#contracts/cache';

/** What every cache keeps to. `make` gives an empty one; keys are the test's own. */
export function describeCache(name: string, make: () => Promise<Cache>): void {
  describe(`cache: ${name}`, () => {
    let cache: Cache;
    const unique = `${process.pid}-${Math.random()}`;
    before(async () => {
      cache = await make();
    });
    after(() => cache.close());

    it('gives back bytes until they are removed or over', async () => {
      const value = Buffer.from([0, 255, 128, 10]);
      await cache.set(`${unique} a`, value, 60_000);
      expect(await cache.get(`${unique} a`)).to.deep.equal(value);
      await cache.set(`${unique} a`, Buffer.from('other'), 60_000);
      expect(String(await cache.get(`${unique} a`))).to.equal('other');
      await cache.remove(`${unique} a`);
      expect(await cache.get(`${unique} a`)).to.equal(null);
      expect(await cache.get(`${unique} never`)).to.equal(null);
      await cache.set(`${unique} short`, value, 30);
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(await cache.get(`${unique} short`)).to.equal(null);
    });

    it('counts within a window, each caller another number, and begins anew after it', async () => {
      const key = `${unique} counter`;
      const counts = await Promise.all(Array.from({ length: 50 }, () => cache.increment(key, 60_000)));
      expect(counts.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 50 }, (_, index) => index + 1));
      await cache.remove(key);
      expect(await cache.increment(key, 30)).to.equal(1);
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(await cache.increment(key, 30)).to.equal(1);
    });
  });
}
