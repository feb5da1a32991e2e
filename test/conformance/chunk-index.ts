import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { ChunkIndex } from '#contracts/chunk-index';
import type { ChunkPlace, ChunkRecord, LeafRecord } from '#contracts/content';

export interface ChunkIndexRig {
  index: ChunkIndex;
  /** What the collector does first with chunks that nobody refers to. */
  condemn(domain: number, ids: Buffer[]): Promise<void>;
  /** What whoever finds damage does. */
  quarantine(domain: number, ids: Buffer[]): Promise<void>;
  /** Leases that run. */
  leases(): Promise<number>;
  close(): Promise<void>;
}

/** Which chunks there are and where; what a claim may promise. */
export function describeChunkIndex(name: string, make: () => Promise<ChunkIndexRig>): void {
  describe(`chunk index: ${name}`, () => {
    let rig: ChunkIndexRig;
    let index: ChunkIndex;
    before(async () => {
      rig = await make();
      index = rig.index;
    });
    after(() => rig.close());

    let last = 0;
    const chunk = (at = ++last): ChunkRecord => ({
      id: createHash('sha256').update(`chunk ${at}`).digest(),
      size: 1000 + at,
      store: 0,
      pack: createHash('md5').update('pack').digest('hex'),
      offset: 80 + at * 2000,
      length: 1112 + at,
    });
    const placeOf = ({ store, pack, offset, length }: ChunkRecord): ChunkPlace => ({ store, pack, offset, length });
    const ids = (...chunks: ChunkRecord[]) => chunks.map(({ id }) => id);

    it('claims what was recorded, in the order asked, and null for the rest', async () => {
      const [one, two, unknown] = [chunk(), chunk(), chunk()];
      await index.record(1, [one, two], []);
      expect(await index.claim(1, ids(two, unknown, one, two))).to.deep.equal([placeOf(two), null, placeOf(one), placeOf(two)]);
      expect(await index.places(1, ids(unknown, one))).to.deep.equal([null, placeOf(one)]);
      expect([await index.claim(1, []), await index.places(1, []), await index.leaves(1, [])]).to.deep.equal([[], [], []]);
    });

    it('gives the sizes of what a claim would give', async () => {
      const [one, two, unknown, doomed] = [chunk(), chunk(), chunk(), chunk()];
      await index.record(1, [one, two, doomed], []);
      await rig.condemn(1, [doomed.id]);
      expect(await index.claimSizes(1, ids(two, unknown, doomed, one, two))).to.deep.equal([
        two.size,
        null,
        null,
        one.size,
        two.size,
      ]);
      expect(await index.claimSizes(2, ids(one))).to.deep.equal([null]);
      expect(await index.claimSizes(1, [])).to.deep.equal([]);
    });

    it('knows a chunk in its own domain only', async () => {
      const one = chunk();
      await index.record(1, [one], []);
      expect([await index.claim(2, [one.id]), await index.places(2, [one.id])]).to.deep.equal([[null], [null]]);
      await index.record(2, [{ ...one, offset: 7 }], []);
      expect([await index.claim(1, [one.id]), await index.claim(2, [one.id])]).to.deep.equal([
        [placeOf(one)],
        [{ ...placeOf(one), offset: 7 }],
      ]);
    });

    it('keeps the first place when a chunk is recorded again, also within one call and by many at once', async () => {
      const one = chunk();
      await index.record(1, [one, { ...one, offset: 1 }], []);
      await index.record(1, [{ ...one, offset: 2 }], []);
      const [first] = await index.claim(1, [one.id]);
      expect(first?.offset).to.be.oneOf([one.offset, 1]);
      const raced = chunk();
      await Promise.all(Array.from({ length: 8 }, (_, n) => index.record(1, [{ ...raced, offset: n }], [])));
      const [place] = await index.claim(1, [raced.id]);
      await index.record(1, [{ ...raced, offset: 99 }], []);
      expect(await index.claim(1, [raced.id])).to.deep.equal([place]);
    });

    it('never lets a condemned chunk be claimed; it can be read until it is gone, and is saved by being stored anew', async () => {
      const [doomed, safe] = [chunk(), chunk()];
      await index.record(1, [doomed, safe], []);
      await rig.condemn(1, [doomed.id]);
      expect(await index.claim(1, ids(doomed, safe))).to.deep.equal([null, placeOf(safe)]);
      expect(await index.places(1, [doomed.id])).to.deep.equal([placeOf(doomed)]);
      const anew = { ...doomed, pack: 'ab'.repeat(16), offset: 80 };
      await index.record(1, [anew], []);
      expect([await index.claim(1, [doomed.id]), await index.places(1, [doomed.id])]).to.deep.equal([
        [placeOf(anew)],
        [placeOf(anew)],
      ]);
    });

    it('never lets a chunk in quarantine be claimed; its place is marked, and it is healed by being stored anew', async () => {
      const [hurt, safe] = [chunk(), chunk()];
      await index.record(1, [hurt, safe], []);
      await rig.quarantine(1, [hurt.id]);
      expect(await index.claim(1, ids(hurt, safe))).to.deep.equal([null, placeOf(safe)]);
      expect(await index.places(1, ids(hurt, safe))).to.deep.equal([{ ...placeOf(hurt), damaged: true }, placeOf(safe)]);
      const anew = { ...hurt, pack: 'cd'.repeat(16), offset: 80 };
      await index.record(1, [anew, { ...safe, pack: 'cd'.repeat(16) }], []);
      expect(await index.claim(1, ids(hurt, safe))).to.deep.equal([placeOf(anew), placeOf(safe)]);
      expect(await index.places(1, [hurt.id])).to.deep.equal([placeOf(anew)]);
    });

    it('gives back the entries of leaves, by domain', async () => {
      const known = chunk();
      await index.record(1, [known], []);
      const leaf = (text: string, count: number): LeafRecord => ({
        id: createHash('sha256').update(text).digest(),
        size: 2 ** 40,
        entries: Buffer.concat(Array.from({ length: count }, () => Buffer.concat([known.id, Buffer.from('size')]))),
      });
      const [one, two] = [leaf('one', 3), leaf('two', 1024)];
      await index.record(1, [], [one, two]);
      await index.record(1, [], [two]);
      expect(await index.leaves(1, [two.id, Buffer.alloc(32), one.id])).to.deep.equal([two.entries, null, one.entries]);
      expect(await index.leaves(2, [one.id])).to.deep.equal([null]);
    });

    it('asks for many hundreds in one call', async () => {
      const many = Array.from({ length: 1200 }, () => chunk());
      await index.record(1, many, []);
      expect(await index.claim(1, ids(...many))).to.deep.equal(many.map(placeOf));
    });

    it('counts a lease until it ends, once', async () => {
      const [one, two] = [await index.lease(), await index.lease()];
      expect(await rig.leases()).to.equal(2);
      one.end();
      one.end();
      expect(await rig.leases()).to.equal(1);
      two.end();
      expect(await rig.leases()).to.equal(0);
    });
  });
}
