import { expect } from 'chai';
import { createMemoryCache } from '#cache/memory';
import { describeCache } from '../../conformance/cache.ts';

describeCache('memory', async () => createMemoryCache({ clock: { now: () => Date.now() } }));

describe('memory cache', () => {
  it('stays within its bytes, and forgets the least recently used first', async () => {
    const cache = createMemoryCache({ clock: { now: () => 0 }, bytesMax: 100 });
    for (const key of ['a', 'b', 'c']) await cache.set(key, Buffer.alloc(30), 1000);
    await cache.get('a');
    await cache.set('d', Buffer.alloc(30), 1000);
    expect(await cache.get('b')).to.equal(null);
    expect(await cache.get('a')).not.to.equal(null);
    await cache.set('huge', Buffer.alloc(101), 1000);
    expect(await cache.get('huge')).to.equal(null);
  });

  it('keeps no more counters than it may, whatever names a flood invents', async () => {
    const cache = createMemoryCache({ clock: { now: () => 0 }, entriesMax: 100 });
    for (let i = 0; i < 1000; i++) await cache.increment(`flood ${i}`, 1000);
    expect(await cache.increment('flood 999', 1000)).to.equal(2);
    expect(await cache.increment('flood 0', 1000)).to.equal(1);
  });
});
