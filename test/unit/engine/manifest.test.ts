import { expect } from 'chai';
import { type ContentRef, decodeContentRef, encodeContentRef, LEAF_CHUNKS_MAX } from '#core/content-ref';
import { isCloudStoreError } from '#core/errors';
import { createHashes } from '#engine/hashes';
import { createLeafCutter, decodeLeaf } from '#engine/manifest';
import { SEED, seededRandom } from '../../support/random.ts';

const random = seededRandom(SEED);
const hashes = createHashes();
const key = random(32);

function cut(chunks: { id: Buffer; size: number }[], takeEvery = Number.POSITIVE_INFINITY) {
  const cutter = createLeafCutter(hashes, key);
  const leaves = chunks.flatMap((chunk, n) => {
    cutter.add(chunk);
    return n % takeEvery === 0 ? cutter.take(false) : [];
  });
  return [...leaves, ...cutter.take(true)];
}
const chunksOf = (count: number) => Array.from({ length: count }, (_, n) => ({ id: random(32), size: 1 + n }));
const corrupt = (work: () => unknown) => {
  try {
    work();
    return false;
  } catch (error) {
    return isCloudStoreError(error, 'corrupt');
  }
};

describe(`manifest (seed ${SEED})`, () => {
  it('names all chunks in order, in leaves of their size, whenever they are taken', () => {
    for (const count of [1, 2, 63, 64, 65, 1024, 1025, 5000]) {
      const chunks = chunksOf(count);
      const leaves = cut(chunks);
      expect(leaves.flatMap(({ entries, size }) => decodeLeaf(entries, size))).to.deep.equal(chunks);
      for (const { entries } of leaves) expect(entries.length / 36).to.be.within(1, LEAF_CHUNKS_MAX);
      expect(cut(chunks, 7)).to.deep.equal(leaves);
      for (const { id, entries } of leaves) {
        const hasher = hashes.keyed(key);
        hasher.update(entries);
        expect(hasher.digest()).to.deep.equal(id);
      }
    }
    expect(cut([])).to.deep.equal([]);
  });

  it('changes few leaves for a change in the middle', () => {
    // Of a fixed seed: how soon leaves meet again is a matter of chance.
    const fixed = seededRandom('leaves');
    const some = (length: number) => Array.from({ length }, () => ({ id: fixed(32), size: 1 }));
    const chunks = some(6000);
    const before = new Set(cut(chunks).map(({ id }) => id.toString('hex')));
    const after = cut(chunks.toSpliced(3000, 1, ...some(2)));
    expect(after.filter(({ id }) => !before.has(id.toString('hex'))).length).to.be.at.most(4);
  });

  it('refuses entries that are none', () => {
    const [leaf] = cut(chunksOf(3)) as [ReturnType<typeof cut>[0]];
    expect(corrupt(() => decodeLeaf(leaf.entries.subarray(1), leaf.size))).to.equal(true);
    expect(corrupt(() => decodeLeaf(leaf.entries.subarray(36), leaf.size))).to.equal(true);
    expect(corrupt(() => decodeLeaf(Buffer.alloc(0), 0))).to.equal(true);
    expect(corrupt(() => decodeLeaf(Buffer.alloc(36 * 1025), 0))).to.equal(true);
  });
});

describe('content reference', () => {
  const refs: ContentRef[] = [
    { kind: 'inline', domain: 1, size: 0, sealed: Buffer.alloc(0) },
    { kind: 'inline', domain: 2 ** 32 - 1, size: 3, sealed: random(57) },
    { kind: 'chunk', domain: 7, size: 1 << 20, id: random(32) },
    { kind: 'manifest', domain: 7, size: 0, leaves: [] },
    {
      kind: 'manifest',
      domain: 7,
      size: 2 ** 45 + 5,
      leaves: [
        { id: random(32), size: 2 ** 45 },
        { id: random(32), size: 5 },
      ],
    },
  ];

  it('is read back as it was written', () => {
    for (const ref of refs) expect(decodeContentRef(encodeContentRef(ref))).to.deep.equal(ref);
  });

  it('is refused when it is of another format, or cut', () => {
    for (const ref of refs.slice(2)) {
      const bytes = encodeContentRef(ref);
      const next = Buffer.from(bytes);
      next[0] = 2;
      expect(corrupt(() => decodeContentRef(next))).to.equal(true);
      next[0] = 1;
      next[1] = 4;
      expect(corrupt(() => decodeContentRef(next))).to.equal(true);
      if (ref.size > 0) expect(corrupt(() => decodeContentRef(bytes.subarray(0, -1)))).to.equal(true);
      expect(corrupt(() => decodeContentRef(bytes.subarray(0, 13)))).to.equal(true);
    }
  });
});
