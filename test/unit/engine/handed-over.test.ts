import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import { type Bytes, bytesOf, collect } from '#core/stream';
import { type ContentOptions, createContent } from '#engine/content-store';
import { openEngine, rowsInMemory } from '../../support/content-rig.ts';
import { diceOf, SEED, seededRandom } from '../../support/random.ts';

/** A third of it is for all bodies, an eighth for what is sealed. */
const MEMORY = 48 << 20;
/** Of one body: what it may hold, what is sealed, and the piece that is on its way. */
const HELD_MAX = (6 << 20) + MEMORY / 8 + 700_000;

describe(`a body that is handed over piece by piece (seed ${SEED})`, function () {
  this.timeout(40_000);
  const random = seededRandom(SEED);
  const chance = diceOf(SEED);
  let rig: Awaited<ReturnType<typeof openEngine>>;
  let own: ContentOptions;

  before(async () => {
    rig = await openEngine('disk', rowsInMemory(), { memoryBytesMax: MEMORY, seen: (options) => (own = options) });
  });
  after(() => rig.close());

  /** Pieces of any size, one at a time; nobody may iterate it. */
  function handed(body: Buffer): Bytes & { at: number } {
    return {
      at: 0,
      [Symbol.asyncIterator]() {
        throw new Error('It was iterated.');
      },
      async each(take, signal) {
        for (let at = 0; at < body.length; ) {
          const some = 1 + chance.below(chance.chance(0.1) ? 700_000 : 70_000);
          const taken = take(body.subarray(at, at + some));
          if (taken !== null) await taken;
          else if (chance.chance(0.2)) await nextTurn();
          if (signal?.aborted) throw new CloudStoreError('aborted', 'It was given up.');
          this.at = at += some;
        }
      },
    };
  }

  const codeOf = (error: unknown): string => (isCloudStoreError(error) ? error.code : String(error));

  it('is stored as one that is read', async () => {
    for (const size of [0, 900, 65_536, 65_537, 300_000, 1_048_577, 3_000_000 + chance.below(9_000_000)]) {
      const body = random(size);
      const options = { domain: rig.domains[0], ...(chance.chance(0.5) ? { size } : {}), digests: ['md5', 'crc64nvme'] as const };
      const staged = await rig.content().write(handed(body), options);
      const read = await rig.content().write(bytesOf(body), options);
      expect([staged.digests, staged.contentHash, staged.size]).to.deep.equal([read.digests, read.contentHash, size]);
      if (size > 900) expect(staged.content).to.deep.equal(read.content);
      read.release();
      await rig.commit(staged);
      expect((await collect(rig.content().read(staged.content), size, () => new Error('too large'))).equals(body)).to.equal(true);
    }
    expect(rig.leases()).to.equal(0);
  });

  /** Until nobody takes any more of it. */
  async function stuck(body: { at: number }): Promise<void> {
    for (let [at, turns] = [-1, 0]; turns < 100; turns++) {
      if (at !== body.at) [at, turns] = [body.at, 0];
      await nextTurn();
    }
  }

  it('waits while the disk hangs, and holds nothing any more once it is given up', async () => {
    const resume = rig.stored!.stall();
    const stop = new AbortController();
    const body = handed(random(MEMORY));
    const writing = rig.content().write(body, { domain: rig.domains[0], signal: stop.signal });
    await stuck(body);
    expect(body.at).to.be.below(HELD_MAX);
    stop.abort();
    expect(await writing.then(() => 'stored', codeOf)).to.equal('aborted');
    expect(rig.leases()).to.equal(0);
    resume();
    (await rig.content().write(handed(random(MEMORY)), { domain: rig.domains[0] })).release();
  });

  it('is not begun once it is given up, also where it would wait for memory', async () => {
    const stop = new AbortController();
    let held = 0;
    const content = createContent({
      ...own,
      memoryBytesMax: 1 << 20,
      chunks: {
        ...own.chunks,
        async lease() {
          if (held++ > 0) stop.abort();
          return { end: () => void held-- };
        },
      },
    });
    const resume = rig.stored!.stall();
    const before = handed(random(8 << 20));
    const stored = content.write(before, { domain: rig.domains[0] });
    await stuck(before);
    const writing = content.write(handed(random(300_000)), { domain: rig.domains[0], signal: stop.signal });
    expect(await writing.then(() => 'stored', codeOf)).to.equal('aborted');
    expect(held).to.equal(1);
    resume();
    (await stored).release();
    expect(held).to.equal(0);
    await content.close();
  });
});
