import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import type { ChunkPlace } from '#contracts/content';
import type { Log } from '#contracts/log';
import type { ContentRef } from '#core/content-ref';
import { CloudStoreError } from '#core/errors';
import { createReadNow } from '#core/read-now';
import { bytesOf, dispose } from '#core/stream';
import { type ContentOptions, createContent } from '#engine/content-store';
import { openEngine, rowsInMemory } from '../../support/content-rig.ts';
import { quickDice, SEED, seededRandom } from '../../support/random.ts';
import { codeOf } from '../../support/rooms.ts';

const SIZE = 12_345_678;
const MEMORY_BYTES = 12 << 20;

for (const encryption of [true, false]) {
  describe(`reads of what the system has in memory, ${encryption ? '' : 'not '}encrypted (seed ${SEED})`, function () {
    this.timeout(30_000);
    const bytes = seededRandom(`reads at once ${SEED}`)(SIZE);
    let content: ReturnType<typeof createContent>;
    let ref: ContentRef;
    let readNow: NonNullable<Log['readNow']>;
    let read: Log['read'];
    let lend: NonNullable<Log['lend']>;
    let all: Log;
    let close: () => Promise<void>;

    before(async function () {
      if (createReadNow() === null) this.skip(); // only Linux has it
      let own: ContentOptions | null = null;
      const engine = await openEngine('disk', rowsInMemory(), { threads: 0, encryption, seen: (options) => (own = options) });
      const { log } = own!;
      all = log;
      const watched: Log = {
        ...log,
        read: (...args) => read(...args),
        readNow: (...args) => readNow(...args),
        lend: (place, use) => lend(place, use),
      };
      content = createContent({ ...own!, log: watched, threads: 1, memoryBytesMax: MEMORY_BYTES });
      close = async () => {
        await content.close();
        await engine.close();
      };
      beAsItIs();
      const staged = await content.write(bytesOf(bytes), { domain: engine.domains[0] });
      await engine.commit(staged);
      ref = staged.content;
      await whole(); // now the system has it in memory
    });
    beforeEach(beAsItIs);
    after(() => close?.());

    function beAsItIs(): void {
      readNow = (...args) => all.readNow!(...args);
      read = (...args) => all.read(...args);
      lend = (place, use) => all.lend!(place, use);
    }

    async function whole(range?: { start: number; end: number }, by: 'each' | 'iterator' = 'each'): Promise<Buffer> {
      const pieces: Buffer[] = [];
      const take = (piece: Uint8Array): null => {
        pieces.push(Buffer.from(piece));
        dispose(piece);
        return null;
      };
      const body = content.read(ref, range);
      if (by === 'each') await body.each!(take, undefined);
      else for await (const piece of body) take(piece);
      return Buffer.concat(pieces);
    }

    it('are the same by whichever way their parts come: at once, from a thread, from the disk', async () => {
      const dice = quickDice(SEED);
      for (let round = 0; round < 40; round++) {
        const odds = dice.pick([0, 0.02, 0.5, 1]);
        readNow = (...args) => !dice.chance(odds) && all.readNow!(...args);
        lend = (place, use) => (dice.chance(odds) ? Promise.resolve(null) : all.lend!(place, use));
        const start = dice.chance(0.4) ? 0 : dice.below(SIZE);
        const end = dice.chance(0.4) ? SIZE - 1 : start + dice.below(SIZE - start);
        const got = await whole({ start, end }, dice.pick(['each', 'iterator'] as const));
        expect(got.equals(bytes.subarray(start, end + 1)), `round ${round}: ${start} to ${end}, odds ${odds}`).to.equal(true);
      }
    });

    it('ask no disk and wait for no other thread, but for some records of a long one', async () => {
      const asked: [string, ChunkPlace][] = [];
      read = (place, ...args) => {
        asked.push(['read', place]);
        return all.read(place, ...args);
      };
      lend = (place, use) => {
        asked.push(['lend', place]);
        return all.lend!(place, use);
      };
      await whole({ start: 1, end: 4 << 20 });
      expect(asked).to.deep.equal([]);
      // A thread takes work once it has started.
      for (let round = 0; round < 100 && (round === 0 || (encryption && asked.length === 0)); round++) await whole();
      expect(asked.map(([how]) => how).includes('lend')).to.equal(encryption);
      expect(asked.filter(([how]) => how === 'read').length, 'where no thread was ready yet').to.be.at.most(6);
    });

    it('leave others their turn, also where a client takes all at once', async () => {
      let turns = 0;
      let reading = true;
      const count = (async () => {
        for (; reading; turns++) await nextTurn();
      })();
      await whole();
      reading = false;
      await count;
      expect(turns).to.be.at.least(Math.floor(SIZE / (2 << 20)));
    });

    it('end with whatever who takes them throws, and with the signal, between two pieces and while a disk is waited for', async () => {
      for (let round = 0; round < 12; round++) {
        const taken: number[] = [];
        const refusal = new Error('enough');
        const late = round % 2 === 0;
        const refused = content.read(ref).each!((piece) => {
          taken.push(piece.length);
          dispose(piece);
          if (taken.length < 2 + (round % 5)) return null;
          if (late) return Promise.reject(refusal);
          throw refusal;
        }, undefined);
        expect(await refused.catch((error: unknown) => error)).to.equal(refusal);
        expect(taken.length).to.equal(2 + (round % 5));
      }
      const between = new AbortController();
      let pieces = 0;
      const cancelled = content.read(ref).each!((piece) => {
        dispose(piece);
        if (++pieces === 3) between.abort();
        return null;
      }, between.signal);
      expect([await codeOf(cancelled), pieces]).to.deep.equal(['aborted', 3]);

      const hanging = new AbortController();
      const [disk, reached] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      readNow = () => false;
      read = async (...args) => {
        reached.resolve();
        await disk.promise;
        return all.read(...args);
      };
      const stuck = content.read(ref).each!(() => null, hanging.signal);
      await reached.promise;
      hanging.abort();
      expect(await codeOf(stuck)).to.equal('aborted');
      disk.resolve();
      beAsItIs();
      // None of all these kept a buffer: there are four to be had.
      await Promise.all(Array.from({ length: 6 }, async () => expect((await whole()).equals(bytes)).to.equal(true)));
    });

    it('find what is not as it was sealed, and say where', async () => {
      const dice = quickDice(SEED);
      for (let round = 0; round < 6; round++) {
        const at = dice.below(SIZE);
        let taken = 0;
        // One bit of whatever is read of a record but its header, wherever it is in there.
        const flip = (length: number, into: Buffer): void => {
          if (length > 1000) into[dice.below(length)]! ^= 1 << dice.below(8);
        };
        let left = 1 + dice.below(8);
        readNow = (place, offset, length, into) => {
          const done = all.readNow!(place, offset, length, into);
          if (done && --left < 0) flip(length, into);
          return done;
        };
        read = async (place, offset, length, into) => {
          const out = await all.read(place, offset, length, into);
          if (left < 0) flip(length, out);
          return out;
        };
        lend = async () => null;
        const error = await content.read(ref, { start: 0, end: Math.max(at, 9 << 20) }).each!((piece) => {
          expect(bytes.subarray(taken, taken + piece.length).equals(piece)).to.equal(true);
          taken += piece.length;
          dispose(piece);
          return null;
        }, undefined).catch((caught: unknown) => caught);
        expect(error).to.be.instanceOf(CloudStoreError);
        expect((error as CloudStoreError).code).to.equal('corrupt');
        const { offset } = (error as CloudStoreError).details;
        expect(offset, 'the beginning of the chunk').to.be.within(Math.max(0, taken - (4 << 20)), taken);
      }
    });
  });
}
