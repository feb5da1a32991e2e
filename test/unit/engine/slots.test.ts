import { expect } from 'chai';
import { createArena, SLOT_BYTES } from '#engine/arena';
import { type CutChunk, createChunker } from '#engine/chunker';
import { createSlots } from '#engine/slots';
import { type Dice, diceOf, SEED, seededRandom } from '../../support/random.ts';

const MIB = 1 << 20;

/** One body through the slots: what is cut comes free some turns later, as from the disk. */
async function body(arena: ReturnType<typeof createArena>, slots: ReturnType<typeof createSlots>, dice: Dice, size: number) {
  const random = seededRandom(dice.below(1000));
  const gear = new Uint32Array(random(1024).buffer.slice(0, 1024));
  const held = new Set<Promise<void>>();
  let received = 0;
  const emit = ({ parts, size: bytes }: CutChunk) => {
    received += bytes;
    const done = new Promise<void>((resolve) => {
      setTimeout(() => {
        for (const { slot } of parts) slots.release(slot);
        resolve();
      }, dice.below(3));
    });
    held.add(done);
  };
  const chunker = createChunker({ arena, slots, gear, gathered() {}, emit });
  const abortAt = dice.chance(0.2) ? dice.below(size) : size + 1;
  for (let at = 0; at < size; ) {
    const some = Math.min(size - at, 1 + dice.below(300_000));
    const adding = chunker.add(random(some));
    at += some;
    if (at > abortAt) {
      chunker.abort();
      await adding;
      break;
    }
    await adding;
  }
  if (abortAt > size) {
    chunker.end();
    expect(received).to.equal(size);
  }
  await Promise.all(held);
}

describe(`slots (seed ${SEED})`, () => {
  it('let every body end, however many share however few, and come free again', async () => {
    for (let round = 0; round < 5; round++) {
      const dice = diceOf(`${SEED} ${round}`);
      const arena = createArena(16);
      const slots = createSlots(arena);
      await Promise.all(Array.from({ length: 4 + dice.below(16) }, () => body(arena, slots, dice, MIB + dice.below(2 * MIB))));
      expect([slots.free, slots.gathering]).to.deep.equal([16, 0]);
    }
  });

  it('go to who asked first, and end the largest unfinished chunk when all are gathering', async () => {
    const slots = createSlots(createArena(2, 'plain'));
    const flushed: string[] = [];
    const gatherer = (name: string) => ({ held: 0, flush: () => flushed.push(name) });
    const [one, two] = [gatherer('one'), gatherer('two')];
    const [a, b] = [slots.take(one), slots.take(one)] as [number, number];
    expect([typeof a, typeof b, slots.free]).to.deep.equal(['number', 'number', 0]);
    const waiting = slots.take(two);
    expect(flushed).to.deep.equal(['one']);
    slots.handedOn(one, 1);
    slots.release(a);
    expect([await waiting, two.held]).to.deep.equal([a, 1]);
    slots.retain(b);
    slots.release(b);
    expect(slots.free).to.equal(0);
    slots.release(b);
    expect(slots.free).to.equal(1);
    expect(SLOT_BYTES).to.equal(262_144);
  });

  it('remember nothing of a body that holds none, though nobody ever waits for one', async () => {
    const arena = createArena(16);
    const slots = createSlots(arena);
    const random = seededRandom(SEED);
    const gear = new Uint32Array(random(1024).buffer.slice(0, 1024));
    const release = ({ parts }: CutChunk): void => {
      for (const { slot } of parts) slots.release(slot);
    };
    for (const how of ['end', 'abort'] as const) {
      const chunker = createChunker({ arena, slots, gear, gathered() {}, emit: release });
      await chunker.add(random(70_000));
      expect(slots.gathering, how).to.equal(1);
      chunker[how]();
      expect([slots.gathering, slots.free], how).to.deep.equal([0, 16]);
    }
  });
});
