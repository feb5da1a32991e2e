import { expect } from 'chai';
import { createCurrentCache } from '#metadata/current-cache';

describe('cache of current versions', () => {
  const at = (key: string) => ({ bucket: 1, key });

  it('is bounded by what its entries weigh, and drops the oldest', () => {
    const cache = createCurrentCache<object>({ entriesMax: 100, bytesMax: 20_000 });
    for (const key of ['a', 'b', 'c'])
      cache.changed(at(key), { parts: Array.from({ length: 1000 }, () => 7), user: { note: key.repeat(10) } });
    expect(['a', 'b', 'c'].map((key) => cache.get(at(key)) !== undefined)).to.deep.equal([false, true, true]);
    cache.changed(at('d'), { text: 'x'.repeat(30_000) });
    expect(cache.get(at('d')), 'larger than all of it').to.equal(undefined);
  });

  it('gives the room of what is replaced or forgotten back', () => {
    const cache = createCurrentCache<object>({ entriesMax: 3, bytesMax: 10_000 });
    for (let n = 0; n < 50; n++) cache.changed(at('a'), { text: 'x'.repeat(4000), n });
    cache.changed(at('b'), { text: 'x'.repeat(4000) });
    expect(cache.get(at('a'))).to.include({ n: 49 });
    cache.changed(at('b'), undefined);
    cache.changed({ bucket: 2, key: 'c' }, { text: 'x'.repeat(4000) });
    cache.forget(1);
    cache.changed(at('d'), { text: 'x'.repeat(4000) });
    expect([cache.get(at('a')), cache.get({ bucket: 2, key: 'c' })]).to.satisfy(
      ([a, c]: unknown[]) => a === undefined && c !== undefined,
    );
    cache.forget(null);
    expect(cache.get(at('d'))).to.equal(undefined);
    for (const key of ['e', 'f', 'g', 'h']) cache.changed(at(key), null);
    expect([cache.get(at('e')), cache.get(at('h'))], 'bounded by number too; nothing there is known too').to.deep.equal([
      undefined,
      null,
    ]);
  });
});
