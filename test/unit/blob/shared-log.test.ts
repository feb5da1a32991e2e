import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { createMemoryBlobs } from '#blob/memory';
import { decodePackHeader, decodePackIndex, decodePackTrailer, TRAILER_BYTES } from '#blob/pack-format';
import { createSharedLog } from '#blob/shared-log';
import type { ChunkPlace } from '#contracts/content';
import type { Log } from '#contracts/log';
import { isCloudStoreError } from '#core/errors';
import { diceOf, SEED } from '../../support/random.ts';
import { type UnsteadyBlobs, unsteadyBlobs } from '../../support/unsteady-blobs.ts';

const clock = { now: () => Date.now() };
const INSTANCE = 'ab'.repeat(16);

interface Kept {
  place: ChunkPlace;
  bytes: Buffer;
}

describe(`the log of one gateway of several (seed ${SEED})`, () => {
  let blobs: UnsteadyBlobs;
  let log: Log;
  beforeEach(() => {
    blobs = unsteadyBlobs(createMemoryBlobs());
    log = createSharedLog({ blobs, store: 3, clock, random: randomBytes, instance: INSTANCE, bulkPackBytes: 1 << 20 });
  });
  afterEach(() => log.close());

  async function append(size: number, how: 'append' | 'appendUnsynced' = 'append'): Promise<Kept> {
    const bytes = randomBytes(size);
    const lent = Buffer.from(bytes);
    const place = await log[how]([lent.subarray(0, size >> 1), lent.subarray(size >> 1)]);
    lent.fill(0); // its memory is the caller's again
    return { place, bytes };
  }
  /** As another gateway reads it, which has nothing but the store. */
  const elsewhere = ({ place }: Kept): Promise<Buffer> => blobs.read(`${place.pack}.pack`, place.offset, place.length);
  const codeOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'none',
      (error: unknown) => (isCloudStoreError(error) ? error.code : String(error)),
    );

  it('acknowledges what every other gateway can read', async () => {
    const one = await append(1000);
    expect(one.place).to.include({ store: 3, length: 1000 });
    expect((await elsewhere(one)).equals(one.bytes)).to.equal(true);
    const big = await Promise.all(Array.from({ length: 30 }, () => append(300_000, 'appendUnsynced')));
    await log.sync(big.map(({ place }) => place));
    for (const each of big) expect((await elsewhere(each)).equals(each.bytes)).to.equal(true);
  });

  it('writes packs as everybody writes them', async () => {
    const kept = await Promise.all([append(100), append(200), append(3)]);
    const name = `${kept[0]!.place.pack}.pack`;
    const { size } = (await blobs.stat(name))!;
    const bytes = await blobs.read(name, 0, size);
    expect(decodePackHeader(bytes)).to.include({ id: kept[0]!.place.pack, instance: INSTANCE });
    const trailer = decodePackTrailer(bytes.subarray(size - TRAILER_BYTES))!;
    const index = decodePackIndex(bytes.subarray(trailer.offset, size - TRAILER_BYTES), trailer);
    expect(index.map(({ offset, length }) => ({ offset, length }))).to.deep.equal(
      kept.map(({ place: { offset, length } }) => ({ offset, length })),
    );
  });

  it('groups many small records into few packs, and lets a lone one go at once', async () => {
    blobs.fault = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return null;
    };
    const kept = await Promise.all(
      Array.from({ length: 500 }, async (_, n) => {
        await new Promise((resolve) => setTimeout(resolve, n % 10));
        return append(500);
      }),
    );
    expect(blobs.puts.size).to.be.lessThan(50);
    blobs.fault = null;
    for (const one of kept) expect((await elsewhere(one)).equals(one.bytes)).to.equal(true);
  });

  it('reads what it has not sent yet', async () => {
    const one = await append(5000, 'appendUnsynced');
    const two = await append(7000, 'appendUnsynced');
    expect((await log.read(two.place, 100, 50)).equals(two.bytes.subarray(100, 150))).to.equal(true);
    expect((await log.read(one.place, 0, 5000)).equals(one.bytes)).to.equal(true);
    expect(await codeOf(log.read(one.place, 4999, 2))).to.equal('corrupt');
    await log.sync();
    expect(await codeOf(log.read(one.place, 0, 10))).to.equal('not_found');
  });

  it('holds no more than a few packs of bodies, and makes their writers wait', async () => {
    let release = (): void => undefined;
    const barrier = new Promise<null>((resolve) => (release = () => resolve(null)));
    blobs.fault = () => barrier;
    let done = 0;
    const all = Array.from({ length: 40 }, () => append(1 << 20, 'appendUnsynced'));
    for (const one of all) void one.then(() => done++);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(done).to.be.lessThan(8);
    blobs.fault = null;
    release();
    const kept = await Promise.all(all);
    await log.sync();
    for (const one of kept) expect((await elsewhere(one)).equals(one.bytes)).to.equal(true);
  });

  it('says so to whoever waits when a pack does not arrive, and works again', async () => {
    blobs.fault = () => 'before';
    expect(await codeOf(append(100))).to.equal('unavailable');
    const lost = await append(100, 'appendUnsynced');
    expect(await codeOf(log.sync([lost.place]))).to.equal('unavailable');
    expect(await codeOf(log.sync())).to.equal('unavailable');
    expect(await codeOf(log.sync())).to.equal('none');
    blobs.fault = null;
    expect(await codeOf(log.sync([lost.place]))).to.equal('unavailable');
    const one = await append(100, 'appendUnsynced');
    await log.sync([one.place]);
    expect((await elsewhere(one)).equals(one.bytes)).to.equal(true);
  });

  it('acknowledges nothing that is not there, whatever the store does', async () => {
    const dice = diceOf(SEED);
    blobs.fault = (call) => (call === 'put' && dice.chance(0.3) ? dice.pick(['before', 'after'] as const) : null);
    const kept: Kept[] = [];
    await Promise.allSettled(
      Array.from({ length: 200 }, async () => {
        const one = await append(dice.below(200_000) + 1, dice.pick(['append', 'appendUnsynced'] as const));
        await log.sync([one.place]);
        kept.push(one);
      }),
    );
    blobs.fault = null;
    for (const one of kept) expect((await elsewhere(one)).equals(one.bytes)).to.equal(true);
    expect(kept.length).to.be.greaterThan(0);
  });

  it('sends what it has when it closes, and takes no more', async () => {
    const one = append(100);
    const big = await append(100, 'appendUnsynced');
    await log.close();
    expect((await elsewhere(await one)).length).to.equal(100);
    expect((await elsewhere(big)).equals(big.bytes)).to.equal(true);
    expect(await codeOf(append(1))).to.equal('unavailable');
    expect(await codeOf(append(1, 'appendUnsynced'))).to.equal('unavailable');
  });
});
