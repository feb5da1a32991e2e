import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { ChunkPlace } from '#contracts/content';
import type { LentFile, Log } from '#contracts/log';
import type { ContentRef } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import { createReadNow } from '#core/read-now';
import { bytesOf, collect } from '#core/stream';
import { type ContentOptions, createContent } from '#engine/content-store';
import { openEngine, rowsInMemory } from '../../support/content-rig.ts';
import { SEED, seededRandom } from '../../support/random.ts';
import { codeOf } from '../../support/rooms.ts';

/** Of which threads do some. */
const SIZES = [9_000_000, 8_500_001];
const ELSEWHERE = 'f'.repeat(32);

describe(`reads that threads do (seed ${SEED})`, function () {
  this.timeout(30_000);
  let content: ReturnType<typeof createContent>;
  let bodies: { bytes: Buffer; content: ContentRef }[];
  /** In place of the log's own. */
  let lend: (own: NonNullable<Log['lend']>, place: ChunkPlace, use: (file: LentFile) => Promise<unknown>) => Promise<unknown>;
  let read: Log['read'];
  let readNow: NonNullable<Log['readNow']>;
  /** Of places that are looked up. */
  let told: (place: ChunkPlace) => ChunkPlace;
  let close: () => Promise<void>;

  beforeEach(async function () {
    if (createReadNow() === null) this.skip(); // only Linux has it
    lend = (own, place, use) => own(place, use);
    told = (place) => place;
    const rows = rowsInMemory();
    const { places } = rows.chunks;
    rows.chunks.places = async (...args) => (await places(...args)).map((place) => place && told(place));
    let own: ContentOptions | null = null;
    const engine = await openEngine('disk', rows, { threads: 0, seen: (options) => (own = options) });
    const { log } = own!;
    read = (...args) => log.read(...args);
    readNow = (...args) => log.readNow!(...args);
    const watched: Log = {
      ...log,
      read: (...args) => read(...args),
      readNow: (...args) => readNow(...args),
      lend: (place, use) => lend(log.lend!, place, use) as ReturnType<typeof use>,
    };
    content = createContent({ ...own!, log: watched, threads: 2, memoryBytesMax: 12 << 20 });
    close = async () => {
      await content.close();
      await engine.close();
    };
    bodies = [];
    for (const size of SIZES) {
      const bytes = seededRandom(`thread reads ${SEED} ${size}`)(size);
      const staged = await content.write(bytesOf(bytes), { domain: engine.domains[0] });
      await engine.commit(staged);
      bodies.push({ bytes, content: staged.content });
    }
    // A thread takes work once it has started.
    let taken = false;
    lend = async (own, place, use) => {
      const given = await own(place, use);
      taken ||= given !== null;
      return given;
    };
    for (; !taken; await sleep(5)) await expectWhole(0);
    lend = (own, place, use) => own(place, use);
  });
  afterEach(() => close?.());

  async function expectWhole(at: number): Promise<void> {
    const body = bodies[at]!;
    const whole = await collect(content.read(body.content), body.bytes.length, () => new Error('too long'));
    expect(whole.equals(body.bytes)).to.equal(true);
  }

  it('begin anew where the pack went meanwhile, and where the system does not have it in memory', async () => {
    const packs = new Map<number, string>();
    const [ownRead, ownReadNow] = [read, readNow];
    read = async (place, offset, length, into) => {
      if (place.pack !== ELSEWHERE) return ownRead(place, offset, length, into);
      // Their headers are read before it goes.
      if (length < 1000) return ownRead({ ...place, pack: packs.get(place.offset)! }, offset, length, into);
      throw new CloudStoreError('not_found', 'It was moved.');
    };
    readNow = (place, offset, length, into) => {
      if (place.pack !== ELSEWHERE) return ownReadNow(place, offset, length, into);
      return length < 1000 && ownReadNow({ ...place, pack: packs.get(place.offset)! }, offset, length, into);
    };
    let lies = 3;
    told = (place) => {
      if (lies-- <= 0) return place;
      packs.set(place.offset, place.pack);
      return { ...place, pack: ELSEWHERE };
    };
    lend = (own, place, use) => (place.pack === ELSEWHERE ? Promise.resolve(null) : own(place, use));
    await expectWhole(0);
    expect(lies).to.be.below(0);
    // Behind the end of the file there is nothing to be had at once.
    let asked = 0;
    lend = (own, place, use) => own(place, (file) => use({ ...file, position: asked++ === 0 ? 2 ** 40 : file.position }));
    await expectWhole(1);
    expect(asked, 'and no more is asked for').to.be.within(1, 3);
  });

  it('hold their memory until the thread is done with it, when they are given up', async () => {
    const [barrier, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let holding = false;
    let taken = 0;
    let done = 0;
    lend = (own, place, use) =>
      own(place, async (file) => {
        taken++;
        if (holding) {
          held.resolve();
          await barrier.promise;
        }
        const given = await use(file);
        done++;
        return given;
      });
    const reading = content.read(bodies[0]!.content)[Symbol.asyncIterator]();
    await reading.next();
    holding = true;
    while (await Promise.race([reading.next().then(() => true), held.promise.then(() => false)]));
    let ended = false;
    const end = reading.return!().then(() => (ended = true));
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    expect(ended).to.equal(false);
    barrier.resolve();
    await end;
    expect(done).to.equal(taken);
    for (let round = 0; round < 3; round++) await Promise.all([expectWhole(0), expectWhole(1)]);
  });

  it('fail, or end well, where the threads end below them', async () => {
    let left = 2;
    let closing: Promise<void> | null = null;
    lend = (own, place, use) =>
      own(place, (file) => {
        const job = use(file);
        if (--left === 0) closing = content.close();
        return job;
      });
    expect(['none', 'unavailable']).to.include(await codeOf(expectWhole(0)));
    await closing;
    lend = (own, place, use) => own(place, use);
    await expectWhole(1);
  });
});
