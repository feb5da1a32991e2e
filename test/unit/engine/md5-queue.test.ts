import { createHash, type Hash } from 'node:crypto';
import { expect } from 'chai';
import { createArena } from '#engine/arena';
import { createMd5Lanes, type Md5Lanes } from '#engine/md5-lanes';
import { md5Area } from '#engine/md5-module';
import { createMd5Queue, type Md5Queue } from '#engine/md5-queue';
import { ARENA_START } from '#engine/wasm-module';
import { quickDice, SEED, seededRandom } from '../../support/random.ts';

const MIB = 1 << 20;
const PLACE_BYTES = 64 << 10;
const PLACES = 64;
const FILE_BYTES = PLACES * PLACE_BYTES;

/** A queue whose turns and waits come when the test says so. */
class Rig {
  readonly memory = createArena(FILE_BYTES / (256 << 10));
  readonly bytes = Buffer.from(this.memory.memory);
  /** How many bodies each call of the lanes had. */
  readonly used: number[] = [];
  readonly reads: number[] = [];
  readonly digests = new Map<number, string>();
  onRead: (id: number) => void = () => {};
  readonly queue: Md5Queue;
  private turn: (() => void) | null = null;
  private wait: (() => void) | null = null;

  constructor(waitingBytesMax = 4 * MIB) {
    seededRandom(SEED)(FILE_BYTES).copy(this.bytes, ARENA_START);
    const lanes = createMd5Lanes(this.memory.wasm!, md5Area(0)!)!;
    const seen: Md5Lanes = {
      ...lanes,
      blocks: (states, addresses, count) => {
        this.used.push(states.length);
        lanes.blocks(states, addresses, count);
      },
    };
    this.queue = createMd5Queue({
      lanes: seen,
      waitingBytesMax,
      later: (run) => {
        expect(this.turn, 'asked for one turn at a time').to.equal(null);
        this.turn = run;
      },
      after: (run) => {
        expect(this.wait, 'waits once at a time').to.equal(null);
        this.wait = run;
        return () => {
          this.wait = null;
        };
      },
      read: (id) => {
        this.reads.push(id);
        this.onRead(id);
      },
      done: (id, digest) => {
        expect(this.digests.has(id), 'told once').to.equal(false);
        this.digests.set(id, digest.toString('hex'));
      },
    });
  }

  get isCalled(): boolean {
    return this.turn !== null;
  }

  get isWaiting(): boolean {
    return this.wait !== null;
  }

  /** @returns false: it had asked for none */
  takeTurn(): boolean {
    const run = this.turn;
    this.turn = null;
    run?.();
    return run !== null;
  }

  endWait(): boolean {
    const run = this.wait;
    this.wait = null;
    run?.();
    return run !== null;
  }

  settle(): void {
    while (this.takeTurn() || this.endWait());
  }
}

const from = (offset: number, length: number): number[] => [ARENA_START + offset, length];

describe(`MD5 of the bodies of a thread (seed ${SEED})`, function () {
  this.timeout(60_000);

  it('is right however bodies come between one another, whatever they are cut into, and what was read may be written over', () => {
    const dice = quickDice(SEED);
    for (let round = 0; round < 40; round++) {
      const rig = new Rig(dice.pick([1, PLACE_BYTES, 4 * MIB]));
      const { queue, bytes } = rig;
      const free = Array.from({ length: PLACES }, (_, place) => place);
      const open = new Map<number, Hash>();
      const expected = new Map<number, string>();
      /** Of each body, the places of each call that it was not told of yet. */
      const held = new Map<number, number[][]>();
      rig.onRead = (id) => {
        for (const place of held.get(id)!.shift()!) {
          bytes.fill(dice.below(256), ARENA_START + place * PLACE_BYTES, ARENA_START + (place + 1) * PLACE_BYTES);
          free.push(place);
        }
      };
      const bodiesMax = 1 + dice.below(20);
      const cuts = dice.pick([
        [0, 1, 63, 64, 65],
        [128, 4096, PLACE_BYTES],
        [0, 7, 1000, 30_000, PLACE_BYTES],
      ]);
      let lastId = 0;
      for (let step = 0; step < 300; step++) {
        const what = dice.below(10);
        const id = open.size === 0 ? 0 : dice.pick([...open.keys()]);
        if (what === 0 && open.size < bodiesMax) {
          queue.begin(++lastId);
          open.set(lastId, createHash('md5'));
          held.set(lastId, []);
        } else if (what === 1 && id > 0) {
          expected.set(id, open.get(id)!.digest('hex'));
          open.delete(id);
          queue.end(id);
        } else if (what === 2) rig.endWait();
        else if (what < 5 || free.length < 3) rig.takeTurn() || rig.endWait();
        else if (id > 0) {
          const places = free.splice(0, dice.below(4));
          const ranges = places.flatMap((place) => {
            const length = dice.pick(cuts);
            const start = place * PLACE_BYTES + dice.below(PLACE_BYTES - length + 1);
            seededRandom(`${SEED} ${round} ${step} ${place}`)(length).copy(bytes, ARENA_START + start);
            open.get(id)!.update(bytes.subarray(ARENA_START + start, ARENA_START + start + length));
            return from(start, length);
          });
          held.get(id)!.push(places);
          queue.add(id, ranges);
        }
      }
      for (const [id, hash] of open) {
        expected.set(id, hash.digest('hex'));
        queue.end(id);
      }
      if (dice.chance(0.5)) queue.drain();
      else rig.settle();
      expect(rig.digests).to.deep.equal(expected);
      expect([...held.values()].flat(), 'all was given back').to.deep.equal([]);
      expect([...open.keys()].some(queue.has)).to.equal(false);
    }
  });

  it('hashes in a turn of its own, and not before', () => {
    const rig = new Rig();
    rig.queue.begin(1);
    rig.queue.add(1, from(0, 640));
    expect([rig.used, rig.reads]).to.deep.equal([[], []]);
    expect(rig.takeTurn()).to.equal(true);
    expect([rig.used, rig.reads]).to.deep.equal([[1], [1]]);
  });

  it('lets bytes of one body wait for those of others, for a moment', () => {
    const rig = new Rig();
    for (const id of [1, 2, 3]) rig.queue.begin(id);
    rig.queue.add(1, from(0, 640));
    rig.queue.add(2, from(0, 640));
    expect([rig.isCalled, rig.isWaiting]).to.deep.equal([false, true]);
    rig.queue.add(3, from(0, 640));
    expect(rig.takeTurn()).to.equal(true);
    expect([rig.used, rig.reads, rig.isWaiting]).to.deep.equal([[3], [1, 2, 3], false]);
    rig.queue.add(2, from(0, 1280));
    rig.queue.add(1, from(0, 640));
    expect(rig.endWait() && rig.takeTurn()).to.equal(true);
    expect([rig.used, rig.reads.slice(3)]).to.deep.equal([
      [3, 2, 1],
      [1, 2],
    ]);
  });

  it('waits no second time for a body that brought nothing, until it does', () => {
    const rig = new Rig();
    for (const id of [1, 2]) rig.queue.begin(id);
    rig.queue.add(1, from(0, 640));
    expect(rig.endWait() && rig.takeTurn()).to.equal(true);
    rig.queue.add(1, from(0, 640));
    expect(rig.isWaiting).to.equal(false);
    expect(rig.takeTurn()).to.equal(true);
    rig.queue.add(2, from(0, 640));
    expect(rig.isWaiting, 'for the first, which brings something').to.equal(true);
    rig.queue.add(1, from(0, 640));
    expect(rig.takeTurn()).to.equal(true);
    expect(rig.used).to.deep.equal([1, 1, 2]);
  });

  it('lets nothing wait of a body that ends, of one that is alone, and above so many bytes', () => {
    const rig = new Rig(10_000);
    rig.queue.begin(1);
    rig.queue.add(1, from(0, 640));
    expect(rig.takeTurn(), 'alone').to.equal(true);
    rig.queue.begin(2);
    rig.queue.add(2, from(0, 640));
    rig.queue.end(2);
    expect(rig.takeTurn(), 'ended').to.equal(true);
    expect([...rig.digests.keys()]).to.deep.equal([2]);
    rig.queue.begin(3);
    rig.queue.add(1, from(0, 9000));
    expect(rig.isWaiting).to.equal(true);
    rig.queue.add(1, from(0, 9000));
    expect(rig.takeTurn(), 'enough').to.equal(true);
    expect(rig.isWaiting, 'and then the rest').to.equal(true);
  });

  it('ends a body at once that was given nothing, or all of whose bytes are hashed', () => {
    const rig = new Rig();
    rig.queue.begin(1);
    rig.queue.add(1, []);
    rig.queue.add(1, from(5, 0));
    expect(rig.reads).to.deep.equal([1, 1]);
    rig.queue.end(1);
    expect(rig.digests.get(1)).to.equal(createHash('md5').digest('hex'));
    rig.queue.begin(2);
    rig.queue.add(2, [...from(0, 64), ...from(9, 0)]);
    rig.takeTurn();
    rig.queue.end(2);
    expect(rig.reads).to.deep.equal([1, 1, 2]);
    expect(rig.digests.size).to.equal(2);
  });

  it('a small body waits for a turn or two of large ones, however many they are and however much they were given', () => {
    const rig = new Rig();
    for (let id = 1; id <= 20; id++) {
      rig.queue.begin(id);
      for (let n = 0; n < 10; n++) rig.queue.add(id, from(0, FILE_BYTES));
    }
    rig.queue.begin(21);
    rig.queue.add(21, from(0, 1000));
    rig.queue.end(21);
    let turns = 0;
    for (; !rig.digests.has(21); turns++) rig.takeTurn();
    expect(turns).to.be.at.most(3);
    expect(rig.reads, 'of the large ones none is through').to.deep.equal([21]);
  });

  it('a turn is short, whatever there is to do', () => {
    const rig = new Rig();
    rig.queue.begin(1);
    rig.queue.begin(2);
    rig.queue.add(1, from(0, FILE_BYTES));
    rig.queue.add(2, from(0, FILE_BYTES));
    rig.queue.end(1);
    let turns = 0;
    while (rig.takeTurn()) turns++;
    expect(turns).to.be.within(FILE_BYTES / (256 << 10), FILE_BYTES / (64 << 10));
  });

  it('does at once, when the thread is to end, all that it was given', () => {
    const rig = new Rig();
    for (const id of [1, 2, 3]) rig.queue.begin(id);
    rig.queue.add(1, from(0, FILE_BYTES));
    rig.queue.add(2, from(10, 1000));
    rig.queue.end(1);
    rig.queue.drain();
    expect([...rig.reads].sort()).to.deep.equal([1, 2]);
    expect(rig.digests.get(1)).to.equal(
      createHash('md5')
        .update(rig.bytes.subarray(ARENA_START, ARENA_START + FILE_BYTES))
        .digest('hex'),
    );
    rig.takeTurn();
    expect([rig.isWaiting, rig.isCalled, rig.reads.length]).to.deep.equal([false, false, 2]);
  });
});
