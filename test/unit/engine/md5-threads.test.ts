import { createHash, type Hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { isCloudStoreError } from '#core/errors';
import { type Arena, createArena, SLOT_BYTES } from '#engine/arena';
import { md5Area } from '#engine/md5-module';
import { createSlots, type Slots } from '#engine/slots';
import { createThreads, type Threads, type WorkerDigest } from '#engine/threads';
import { quickDice, SEED, seededRandom } from '../../support/random.ts';

const SLOTS = 24;

describe(`MD5 of bodies on threads (seed ${SEED})`, function () {
  this.timeout(60_000);
  let arena: Arena;
  let slots: Slots;
  let threads: Threads;

  function open(kind: 'wasm' | 'plain', threadsMax: number): void {
    arena = createArena(SLOTS, kind);
    slots = createSlots(arena);
    threads = createThreads(arena, slots, threadsMax);
  }
  afterEach(() => threads.close());

  async function filled(seed: string): Promise<number> {
    const slot = await slots.take({ held: 0, flush() {} });
    seededRandom(seed)(SLOT_BYTES).copy(arena.view(slot, 0, SLOT_BYTES));
    return slot;
  }

  async function allFree(): Promise<void> {
    while (slots.free < SLOTS) await nextTurn();
  }

  for (const [kind, threadsMax] of [
    ['wasm', 1],
    ['wasm', 3],
    ['plain', 2],
  ] as const) {
    it(`is right on ${threadsMax} of them with ${kind} memory, whatever comes between, and gives every slot back`, async () => {
      open(kind, threadsMax);
      const dice = quickDice(SEED + threadsMax);
      const running: { digest: WorkerDigest; own: Hash }[] = [];
      const ends: Promise<unknown>[] = [];
      for (let step = 0; step < 600; step++) {
        const what = dice.below(12);
        if (running.length === 0 || (what === 0 && running.length < 12)) {
          running.push({ digest: threads.begin('md5'), own: createHash('md5') });
        } else if (what <= 2) {
          const [{ digest, own }] = running.splice(dice.below(running.length), 1) as [(typeof running)[number]];
          if (what === 1) digest.abort();
          else {
            const expected = own.digest('hex');
            ends.push(digest.digest().then((made) => expect(made.toString('hex')).to.equal(expected)));
          }
        } else if (what === 3) await nextTurn();
        else {
          const slot = await filled(`${SEED} ${step}`);
          const { digest, own } = dice.pick(running);
          for (let at = 0; at < SLOT_BYTES; ) {
            const length = Math.min(SLOT_BYTES - at, dice.pick([0, 1, 64, 1000, 4096, 100_000, SLOT_BYTES]));
            if (dice.chance(0.9)) {
              digest.update([{ slot, from: at, length }]);
              own.update(arena.view(slot, at, at + length));
            }
            at += length;
          }
          slots.release(slot);
        }
      }
      for (const { digest, own } of running) {
        const expected = own.digest('hex');
        ends.push(digest.digest().then((made) => expect(made.toString('hex')).to.equal(expected)));
      }
      await Promise.all(ends);
      await allFree();
    });
  }

  it('has memory of its own on each thread, which the next one has when it ends', async () => {
    open('wasm', 3);
    const isUsed = (index: number): boolean => Buffer.from(arena.memory, md5Area(index)!, 64).some((byte) => byte !== 0);
    const used = (): boolean[] => [0, 1, 2, 3].map(isUsed);
    for (let round = 0; round < 2; round++) {
      const bodies = Array.from({ length: 3 }, () => threads.begin('md5'));
      await Promise.all(bodies.map((body) => body.digest()));
      expect(used()).to.deep.equal([true, true, true, false]);
      await threads.close();
      for (const index of [0, 1, 2]) Buffer.from(arena.memory, md5Area(index)!, 64).fill(0);
    }
  });

  it('is done, before they end, for what they were given before', async () => {
    open('wasm', 1);
    const bodies = Array.from({ length: 5 }, () => threads.begin('md5'));
    const slot = await filled('close');
    for (const body of bodies) for (let n = 0; n < 8; n++) body.update([{ slot, from: 0, length: SLOT_BYTES }]);
    const made = bodies.map((body) => body.digest());
    slots.release(slot);
    await threads.close();
    const own = createHash('md5');
    for (let n = 0; n < 8; n++) own.update(arena.view(slot, 0, SLOT_BYTES));
    const expected = own.digest('hex');
    expect((await Promise.all(made)).map((digest) => digest.toString('hex'))).to.deep.equal(bodies.map(() => expected));
    await allFree();
  });

  it('fails with the thread, which gives its slots back; those that come after it are right', async () => {
    open('wasm', 2);
    for (let round = 0; round < 3; round++) {
      // On each of two threads one body and more; the first names memory that there is not, and its thread ends.
      const bodies = Array.from({ length: 6 }, () => threads.begin('md5'));
      const slot = await filled(`${SEED} ${round}`);
      bodies[0]!.update([{ slot: 1 << 13, from: 0, length: SLOT_BYTES }]);
      for (const body of bodies) body.update([{ slot, from: 0, length: SLOT_BYTES }]);
      const expected = createHash('md5')
        .update(arena.view(slot, 0, SLOT_BYTES))
        .digest('hex');
      const ended = await Promise.all(
        bodies.map((body) =>
          body.digest().then(
            (digest) => digest.toString('hex'),
            (error: unknown) => (isCloudStoreError(error) ? error.code : String(error)),
          ),
        ),
      );
      expect(ended).to.deep.equal(ended.map((_, index) => (index % 2 === 0 ? 'unavailable' : expected)));
      slots.release(slot);
      await allFree();
    }
  });
});
