import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { pooledRandom } from '#core/pooled-random';
import { multipartEtag, opaqueEtag } from '#namespace/etag';
import { createVersionIds } from '#namespace/version-id';

describe('version ids', () => {
  it('have the layout of UUIDv7 and the time in front', () => {
    const mint = createVersionIds({ clock: { now: () => 0x0123456789ab }, random: randomBytes });
    expect(mint()).to.match(/^0123456789ab7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  });

  it('never repeat or go back, also when the clock does', () => {
    let now = 1e12;
    const mint = createVersionIds({ clock: { now: () => now }, random: randomBytes });
    const ids = Array.from({ length: 20_000 }, (_, index) => {
      if (index % 1000 === 0) now += index % 3000 === 0 ? -50 : 20;
      return mint();
    });
    expect(new Set(ids).size).to.equal(ids.length);
    expect([...ids].sort()).to.deep.equal(ids);
  });

  it('are of bytes of chance that are asked for in bulk, and given once', () => {
    let asked = 0;
    let next = 0;
    const few = pooledRandom((size) => {
      asked++;
      return Buffer.from(Uint32Array.from({ length: Math.ceil(size / 4) }, () => next++).buffer).subarray(0, size);
    });
    const given = Array.from({ length: 2_000 }, (_, i) => few(i % 500 === 0 ? 5_000 : 16).toString('hex'));
    expect(new Set(given).size).to.equal(given.length);
    expect(asked).to.be.below(20);
  });

  it('stand beside ETags of their own kind', () => {
    expect(opaqueEtag(randomBytes)).to.match(/^[0-9a-f]{32}-\d+$/);
    // From AWS's own example of parts `a` and `b`: md5(md5(a) || md5(b)).
    expect(multipartEtag(['0cc175b9c0f1b6a831c399e269772661', '92eb5ffee6ae2fec3ad71c777531578f'])).to.match(/^[0-9a-f]{32}-2$/);
  });
});
