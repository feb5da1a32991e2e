import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { type Arena, createArena, SLOT_BYTES } from '#engine/arena';
import { BLOCK_BYTES, bitsOf, createMd5Lanes, type Md5Lanes } from '#engine/md5-lanes';
import { MD5_LANES_MAX, md5Area } from '#engine/md5-module';
import { ARENA_START } from '#engine/wasm-module';
import { type Dice, quickDice, SEED, seededRandom } from '../../support/random.ts';

const SLOTS = 16;
const MEMORY = SLOTS * SLOT_BYTES;
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

describe(`MD5 in lanes (seed ${SEED})`, () => {
  let arena: Arena;
  let bytes: Buffer;
  let lanes: Md5Lanes;

  before(() => {
    arena = createArena(SLOTS);
    bytes = Buffer.from(arena.memory);
    seededRandom(SEED)(MEMORY).copy(bytes, ARENA_START);
    lanes = createMd5Lanes(arena.wasm!, md5Area(0)!)!;
  });

  const anywhere = (dice: Dice, length: number): number => ARENA_START + dice.below(MEMORY - length);

  it('makes what RFC 1321 says of its test suite', () => {
    const answers = {
      '': 'd41d8cd98f00b204e9800998ecf8427e',
      a: '0cc175b9c0f1b6a831c399e269772661',
      abc: '900150983cd24fb0d6963f7d28e17f72',
      'message digest': 'f96b697d7cb7938d525a2f31aaf161d0',
      abcdefghijklmnopqrstuvwxyz: 'c3fcd3d76192e4007dfb496cca67e13b',
      ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789: 'd174ab98d277d9f5a5611c2c9f419d9f',
      '12345678901234567890123456789012345678901234567890123456789012345678901234567890': '57edf4a22be3c955ac49da2e2107b67a',
    };
    const before = Buffer.from(bytes.subarray(ARENA_START, ARENA_START + 200));
    for (const [text, answer] of Object.entries(answers)) {
      const state = lanes.begin();
      bytes.write(text, ARENA_START);
      for (let at = 0; at < text.length; ) {
        const whole = state.bytes % BLOCK_BYTES === 0 && text.length - at >= BLOCK_BYTES;
        if (whole) lanes.blocks([state], [ARENA_START + at], 1);
        at += whole ? BLOCK_BYTES : lanes.fill(state, ARENA_START + at, text.length - at);
      }
      expect(lanes.digest(state).toString('hex'), text).to.equal(answer);
    }
    before.copy(bytes, ARENA_START);
  });

  for (let count = 1; count <= MD5_LANES_MAX; count++) {
    it(`makes of ${count} streams at once, at any addresses, what node:crypto makes of each`, () => {
      const dice = quickDice(SEED + count);
      for (let round = 0; round < 20; round++) {
        const blocks = 1 + dice.below(100);
        const firsts = Array.from({ length: count }, () => anywhere(dice, blocks * BLOCK_BYTES));
        const seconds = Array.from({ length: count }, () => anywhere(dice, BLOCK_BYTES));
        const tails = Array.from({ length: count }, () => ({ at: anywhere(dice, BLOCK_BYTES), length: dice.below(BLOCK_BYTES) }));
        const states = firsts.map(() => lanes.begin());
        lanes.blocks(states, firsts, blocks);
        // Any other lane, and other lanes beside it.
        const turned = [...states.keys()].map((index) => (index + round) % count);
        lanes.blocks(
          turned.map((index) => states[index]!),
          turned.map((index) => seconds[index]!),
          1,
        );
        for (const [index, state] of states.entries()) {
          const { at, length } = tails[index]!;
          expect(lanes.fill(state, at, length)).to.equal(length);
          const body = [
            bytes.subarray(firsts[index]!, firsts[index]! + blocks * BLOCK_BYTES),
            bytes.subarray(seconds[index]!, seconds[index]! + BLOCK_BYTES),
            bytes.subarray(at, at + length),
          ];
          expect(lanes.digest(state).toString('hex')).to.equal(md5(Buffer.concat(body)));
        }
      }
    });
  }

  it('counts bits beyond 32 of them', () => {
    const dice = quickDice(SEED);
    const some = Array.from({ length: 200 }, () => dice.below(2 ** 21) * 2 ** 30 + dice.below(2 ** 30));
    for (const length of [0, 1, 63, 2 ** 29 - 1, 2 ** 29, 2 ** 29 + 1, 2 ** 30 + 7, 5 * 2 ** 40 - 1, ...some]) {
      const bits = BigInt(length) * 8n;
      expect(bitsOf(length), String(length)).to.deep.equal([Number(bits & 0xffffffffn), Number((bits >> 32n) & 0xffffffffn)]);
    }
  });

  it('ends a body of more than 32 bits of bits as RFC 1321 says', () => {
    for (const length of [2 ** 29 - 64, 2 ** 29, 2 ** 32 + 128, 3 * 2 ** 40]) {
      const states = [0, 1].map(() => lanes.begin());
      for (const state of states) lanes.blocks([state], [ARENA_START], 1);
      const last = Buffer.alloc(BLOCK_BYTES);
      last[0] = 0x80;
      last.writeBigUInt64LE(BigInt(length) * 8n, 56);
      const before = Buffer.from(bytes.subarray(ARENA_START, ARENA_START + BLOCK_BYTES));
      last.copy(bytes, ARENA_START);
      lanes.blocks([states[0]!], [ARENA_START], 1);
      before.copy(bytes, ARENA_START);
      states[1]!.bytes = length;
      expect(lanes.digest(states[1]!).toString('hex')).to.equal(Buffer.from(states[0]!.words.buffer).toString('hex'));
    }
  });

  it('writes into no memory but its area, and areas do not meet', () => {
    const areas: number[] = [];
    for (let at = md5Area(0); at !== null; at = md5Area(areas.length)) areas.push(at);
    expect(areas.length).to.be.at.least(16);
    const small = createArena(1);
    const all = Buffer.from(small.memory);
    for (const at of [areas[0]!, areas[1]!, areas.at(-1)!]) {
      createMd5Lanes(small.wasm!, at); // its sines, which are all areas'
      for (const byte of [0, 0xff]) {
        const before = Buffer.from(all);
        before.fill(byte, areas[0]!, ARENA_START);
        before.copy(all);
        const some = createMd5Lanes(small.wasm!, at)!;
        some.digest(some.begin());
        const end = areas[areas.indexOf(at) + 1] ?? ARENA_START;
        expect(all.subarray(0, at).equals(before.subarray(0, at)), `below ${at}`).to.equal(true);
        expect(all.subarray(end).equals(before.subarray(end)), `from ${end} on`).to.equal(true);
      }
    }
  });

  it('refuses no lanes, more than there are, and no blocks', () => {
    const states = Array.from({ length: MD5_LANES_MAX + 1 }, () => lanes.begin());
    const at = states.map(() => ARENA_START);
    expect(() => lanes.blocks([], [], 1)).to.throw(RangeError);
    expect(() => lanes.blocks(states, at, 1)).to.throw(RangeError);
    expect(() => lanes.blocks(states.slice(1), at.slice(1), 0)).to.throw(RangeError);
  });
});
