import { xxh3, xxh64 } from '@node-rs/xxhash';
import { expect } from 'chai';
import { createHashes } from '#engine/hashes';
import { createExpand } from '#engine/key-derivation';
import { createXxDigests } from '#engine/xx-digests';
import { diceOf, SEED, seededRandom } from '../../support/random.ts';

const random = seededRandom(SEED);

describe(`hashes (seed ${SEED})`, () => {
  const [native, plain] = [createHashes(), createHashes('plain')];

  it('are BLAKE3: known answers of its authors', () => {
    // test_vectors.json of BLAKE3: inputs of 0, 1, 2, … 250, 0, …; the key is the text below.
    const key = Buffer.from('whats the Elvish word for friend');
    const vectors: [number, string, string][] = [
      [
        0,
        'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262',
        '92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26',
      ],
      [
        1,
        '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213',
        '6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b',
      ],
      [
        1024,
        '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7',
        '75c46f6f3d9eb4f55ecaaee480db732e6c2105546f1e675003687c31719c7ba4',
      ],
    ];
    for (const hashes of [native, plain]) {
      for (const [length, hash, keyed] of vectors) {
        const input = Buffer.from(Array.from({ length }, (_, n) => n % 251));
        for (const [hasher, expected] of [
          [hashes.plain(), hash],
          [hashes.keyed(key), keyed],
        ] as const) {
          hasher.update(input);
          expect(hasher.digest().toString('hex'), `${length} bytes`).to.equal(expected);
        }
      }
    }
  });

  it('do not depend on the machine: native and plain agree, whatever the pieces', () => {
    const dice = diceOf(SEED);
    const key = random(32);
    for (const size of [0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, 5000, 65_536, 100_001]) {
      const bytes = random(size);
      for (const make of [(hashes: typeof native) => hashes.plain(), (hashes: typeof native) => hashes.keyed(key)]) {
        const [a, b] = [make(native), make(plain)];
        a.update(bytes);
        for (let at = 0; at < size; ) {
          const to = at + 1 + dice.below(size - at);
          b.update(bytes.subarray(at, to));
          at = to;
        }
        expect(a.digest().equals(b.digest()), `${size} bytes`).to.equal(true);
      }
    }
  });
});

describe('key derivation', () => {
  it('is HKDF’s expand step', () => {
    // RFC 5869, test case 1: PRK and the first block of OKM.
    const prk = Buffer.from('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5', 'hex');
    const expand = createExpand(prk);
    expect(expand(Buffer.from('f0f1f2f3f4f5f6f7f8f9', 'hex')).toString('hex')).to.equal(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf',
    );
    expect(expand(Buffer.alloc(0))).to.not.deep.equal(expand(Buffer.from('x')));
    expect(createExpand(random(32))(Buffer.alloc(128, 1)).length).to.equal(32);
  });

  it('are XXH for many bodies in turn, as another library has them', async () => {
    const names = ['xxhash64', 'xxhash3', 'xxhash128'] as const;
    const theirs = { xxhash64: xxh64, xxhash3: xxh3.xxh64, xxhash128: xxh3.xxh128 };
    const xx = createXxDigests();
    expect(xx.ready(['md5'])).to.equal(null);
    await Promise.all([xx.ready(names), xx.ready(names)]);
    expect(xx.ready(names)).to.equal(null);
    const dice = diceOf(SEED);
    const running = Array.from({ length: 20 }, (_, n) => {
      const name = names[n % 3] as (typeof names)[number];
      return { name, state: xx.begin(name), pieces: Array.from({ length: n }, () => random(dice.below(700))) };
    });
    for (let round = 0; round < 20; round++)
      for (const { state, pieces } of running) if (pieces[round] !== undefined) state.update(pieces[round] as Buffer);
    for (const { name, state, pieces } of running) {
      const body = Buffer.concat(pieces);
      const expected = theirs[name](body)
        .toString(16)
        .padStart(name === 'xxhash128' ? 32 : 16, '0');
      expect(xx.ofBuffer(name, body).toString('hex')).to.equal(expected);
      expect(state.digest().toString('hex')).to.equal(expected);
    }
  });
});
