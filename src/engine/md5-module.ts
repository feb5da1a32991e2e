import { at, body, functionType, get, I32, i32, joined, load, loop, moduleOn, set, simd, V128 } from './wasm-code.ts';
import { ARENA_START, CRC_TABLES } from './wasm-module.ts';

/**
 * MD5 (RFC 1321) of several streams at once, as a WebAssembly module: one step of MD5 waits for the step before, so one stream leaves most of a processor idle.
 *
 *   md5x1, md5x2, md5x4, md5x8 (area, blocks): hashes `blocks` (at least 1) blocks of 64 bytes of each lane
 *
 * In the area lies of each lane its state, word j of lane i at 32 * j + 4 * i, and at LANE_BYTES_AT + 4 * i the address of its bytes; only the state is changed.
 * One and two lanes are plain arithmetic, step by step in turns; four are one SIMD vector, eight are two.
 */
export const MD5_LANES_MAX = 8;
/** In an area: addresses of the lanes' bytes; two blocks for whoever has bytes that lie nowhere else. */
export const LANE_BYTES_AT = 128;
export const SPARE_AT = 192;
/** The sines of RFC 1321, behind the tables of the arena's module; the areas are behind them. */
const SINES = CRC_TABLES + 16 * 2048;
const AREA_BYTES = 320;
const AREAS = SINES + 64 * 4;

/** The area of a number; null: there are no more. */
export function md5Area(index: number): number | null {
  const at = AREAS + index * AREA_BYTES;
  return at + AREA_BYTES <= ARENA_START ? at : null;
}

export function assembleMd5(): Uint8Array<ArrayBuffer> {
  const sines = Int32Array.from({ length: 64 }, (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32));
  const type = functionType([I32, I32], []);
  return moduleOn(
    [
      { name: 'md5x1', type, body: plainBody(1, sines) },
      { name: 'md5x2', type, body: plainBody(2, sines) },
      { name: 'md5x4', type, body: vectorBody(1) },
      { name: 'md5x8', type, body: vectorBody(2) },
    ],
    { at: SINES, bytes: new Uint8Array(sines.buffer) },
  );
}

const [AREA, BLOCKS] = [0, 1];
const WORDS = [0, 1, 2, 3];
const STEPS = Array.from({ length: 64 }, (_, step) => step);
const ROTATIONS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
];

/** Which word of the block a step takes. */
function wordOf(step: number): number {
  return [step, 5 * step + 1, 3 * step + 5, 7 * step][step >> 4]! & 15;
}

interface Operations {
  add: number[];
  and: number[];
  or: number[];
  xor: number[];
  not: number[];
}

/**
 * a = b + rotated(a + word + sine + f(b, c, d)); `sum` is a + word + sine.
 * @param state the locals of the lane's four words
 */
function stepOf(
  step: number,
  state: number[],
  sum: (a: number) => number[],
  rotated: (by: number) => number[],
  on: Operations,
): number[] {
  const [a, b, c, d] = WORDS.map((word) => state[(word - step + 64) & 3]!) as [number, number, number, number];
  const by = ROTATIONS[step >> 4]![step & 3]!;
  return joined(sum(a), plusMixed(step >> 4, get(b), get(c), get(d), on), rotated(by), get(b), on.add, set(a));
}

/** + f(b, c, d). The step before made b: as little as possible waits for it. */
function plusMixed(round: number, b: number[], c: number[], d: number[], { add, and, or, xor, not }: Operations): number[] {
  if (round === 0) return [...c, ...d, ...xor, ...b, ...and, ...d, ...xor, ...add];
  // (b & d) | (c & ~d), of which no bit is in both
  if (round === 1) return [...d, ...not, ...c, ...and, ...add, ...b, ...d, ...and, ...add];
  if (round === 2) return [...c, ...d, ...xor, ...b, ...xor, ...add];
  return [...d, ...not, ...b, ...or, ...c, ...xor, ...add];
}

const PLAIN: Operations = { add: [0x6a], and: [0x71], or: [0x72], xor: [0x73], not: [...i32(-1), 0x73] };

function plainBody(lanes: number, sines: Int32Array): number[] {
  const local = range(2);
  const all = Array.from({ length: lanes }, (_, lane) => ({ lane, state: local(4), before: local(4), bytes: local(1)[0]! }));
  const code = all.map(({ lane, state, before, bytes }) => ({
    enter: [
      ...WORDS.flatMap((word) => [...get(AREA), ...load(0x28, 2, 32 * word + 4 * lane), ...set(state[word]!)]),
      ...[...get(AREA), ...load(0x28, 2, LANE_BYTES_AT + 4 * lane), ...set(bytes)],
    ],
    keep: WORDS.flatMap((word) => [...get(state[word]!), ...set(before[word]!)]),
    step: (step: number) =>
      stepOf(
        step,
        state,
        (a) => [...get(bytes), ...load(0x28, 2, 4 * wordOf(step)), ...i32(sines[step]!), 0x6a, ...get(a), 0x6a],
        (by) => [...i32(by), 0x77],
        PLAIN,
      ),
    add: [
      ...WORDS.flatMap((word) => [...get(state[word]!), ...get(before[word]!), 0x6a, ...set(state[word]!)]),
      ...advance(bytes),
    ],
    leave: WORDS.flatMap((word) => [...get(AREA), ...get(state[word]!), 0x36, ...at(2, 32 * word + 4 * lane)]),
  }));
  return body([[9 * lanes, I32]], overBlocks(code));
}

const VECTOR: Operations = { add: simd(0xae), and: simd(0x4e), or: simd(0x50), xor: simd(0x51), not: simd(0x4d) };

function vectorBody(vectors: number): number[] {
  const local = range(2);
  const addresses = local(4 * vectors);
  const rotating = (value: number, by: number): number[] => [
    ...[...set(value), ...get(value), ...i32(by), ...simd(0xab)],
    ...[...get(value), ...i32(32 - by), ...simd(0xad), ...VECTOR.or],
  ];
  const code = Array.from({ length: vectors }, (_, vector) => {
    const [state, before, words, pairs] = [local(4), local(4), local(16), local(4)];
    const bytes = addresses.slice(4 * vector, 4 * vector + 4);
    return {
      enter: [
        ...WORDS.flatMap((word) => [...get(AREA), ...simd(0x00), ...at(4, 32 * word + 16 * vector), ...set(state[word]!)]),
        ...bytes.flatMap((address, lane) => [
          ...get(AREA),
          ...load(0x28, 2, LANE_BYTES_AT + 16 * vector + 4 * lane),
          ...set(address),
        ]),
      ],
      keep: [
        ...WORDS.flatMap((quarter) => transposed(bytes, 16 * quarter, words.slice(4 * quarter, 4 * quarter + 4), pairs)),
        ...WORDS.flatMap((word) => [...get(state[word]!), ...set(before[word]!)]),
      ],
      step: (step: number) =>
        stepOf(
          step,
          state,
          (a) => [
            ...[...get(words[wordOf(step)]!), ...i32(0), ...simd(0x09), ...at(2, SINES + 4 * step), ...VECTOR.add],
            ...[...get(a), ...VECTOR.add],
          ],
          (by) => rotating(pairs[0]!, by),
          VECTOR,
        ),
      add: [
        ...WORDS.flatMap((word) => [...get(state[word]!), ...get(before[word]!), ...VECTOR.add, ...set(state[word]!)]),
        ...bytes.flatMap(advance),
      ],
      leave: WORDS.flatMap((word) => [...get(AREA), ...get(state[word]!), ...simd(0x0b), ...at(4, 32 * word + 16 * vector)]),
    };
  });
  return body(
    [
      [4 * vectors, I32],
      [28 * vectors, V128],
    ],
    overBlocks(code),
  );
}

/** Four words of each of four lanes, from `offset` behind their addresses, become four vectors of one word each. */
function transposed(addresses: number[], offset: number, into: number[], pairs: number[]): number[] {
  const shuffle = (a: number, b: number, words: number[], to: number): number[] => [
    ...[...get(a), ...get(b), ...simd(0x0d), ...words.flatMap((word) => WORDS.map((byte) => 4 * word + byte))],
    ...set(to),
  ];
  const [w0, w1, w2, w3] = into as [number, number, number, number];
  const [p0, p1, p2, p3] = pairs as [number, number, number, number];
  return [
    ...into.flatMap((to, lane) => [...get(addresses[lane]!), ...simd(0x00), ...at(0, offset), ...set(to)]),
    ...[...shuffle(w0, w1, [0, 4, 1, 5], p0), ...shuffle(w2, w3, [0, 4, 1, 5], p1)],
    ...[...shuffle(w0, w1, [2, 6, 3, 7], p2), ...shuffle(w2, w3, [2, 6, 3, 7], p3)],
    ...[...shuffle(p0, p1, [0, 1, 4, 5], w0), ...shuffle(p0, p1, [2, 3, 6, 7], w1)],
    ...[...shuffle(p2, p3, [0, 1, 4, 5], w2), ...shuffle(p2, p3, [2, 3, 6, 7], w3)],
  ];
}

interface LaneCode {
  enter: number[];
  keep: number[];
  step(step: number): number[];
  add: number[];
  leave: number[];
}

/** Each step of all lanes before the next of any. */
function overBlocks(lanes: LaneCode[]): number[] {
  return joined(
    ...lanes.map(({ enter }) => enter),
    loop(
      joined(
        ...lanes.map(({ keep }) => keep),
        ...STEPS.flatMap((step) => lanes.map((lane) => lane.step(step))),
        ...lanes.map(({ add }) => add),
        [...get(BLOCKS), ...i32(-1), 0x6a, ...set(BLOCKS), ...get(BLOCKS), 0x0d, 0],
      ),
    ),
    ...lanes.map(({ leave }) => leave),
  );
}

function advance(address: number): number[] {
  return [...get(address), ...i32(64), 0x6a, ...set(address)];
}

/** Gives out the numbers of locals, from `first` on. */
function range(first: number): (count: number) => number[] {
  let next = first;
  return (count) => Array.from({ length: count }, () => next++);
}
