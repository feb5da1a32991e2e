import { createHash } from 'node:crypto';
import { assembleMd5, LANE_BYTES_AT, MD5_LANES_MAX, SPARE_AT } from './md5-module.ts';
import { instantiate, type WasmMemory } from './wasm-code.ts';

export const BLOCK_BYTES = 64;

/** The MD5 of one body under way. */
export interface Md5State {
  /** A, B, C and D. */
  readonly words: Uint32Array;
  /** What came so far. */
  bytes: number;
  /** The last of it that are no whole block: `bytes` modulo 64. */
  readonly rest: Uint8Array;
}

/** MD5 of bodies in one memory, up to eight at once; what is under way keeps its state outside of it. */
export interface Md5Lanes {
  begin(): Md5State;
  /**
   * Adds `count` blocks, at least one, to each of one to eight states that have no rest.
   * @param addresses where each one's blocks begin
   */
  blocks(states: readonly Md5State[], addresses: readonly number[], count: number): void;
  /** Adds some of these bytes, less than a block: what fills its rest up, or what is left behind the last whole block. @returns how many */
  fill(state: Md5State, address: number, length: number): number;
  /** 16 bytes. The state is worth nothing then. */
  digest(state: Md5State): Buffer;
}

type Kernel = (area: number, blocks: number) => void;

/**
 * @param area of `md5Area`, which nobody else has
 * @returns null where WebAssembly has no SIMD, or it does not make what node:crypto does
 */
export function createMd5Lanes(memory: WasmMemory, area: number): Md5Lanes | null {
  const lanes = openLanes(memory, area);
  return lanes !== null && agrees(lanes, memory, area) ? lanes : null;
}

function openLanes(memory: WasmMemory, area: number): Md5Lanes | null {
  let kernels: Kernel[];
  try {
    // The border to WebAssembly: what the module exports.
    const { md5x1, md5x2, md5x4, md5x8 } = instantiate(assembleMd5(), memory) as Record<string, Kernel>;
    const [one, two, four, eight] = [md5x1!, md5x2!, md5x4!, md5x8!];
    kernels = [one, two, four, four, eight, eight, eight, eight];
  } catch {
    return null;
  }
  const width = (used: number): number => (used <= 2 ? used : used <= 4 ? 4 : MD5_LANES_MAX);
  const bytes = new Uint8Array(memory.buffer);
  const words = new Uint32Array(memory.buffer, area, 4 * MD5_LANES_MAX);
  const addressOf = new Uint32Array(memory.buffer, area + LANE_BYTES_AT, MD5_LANES_MAX);
  const spare = Buffer.from(memory.buffer, area + SPARE_AT, 2 * BLOCK_BYTES);

  function run(states: readonly Md5State[], addresses: readonly number[], count: number): void {
    const used = states.length;
    for (let lane = 0; lane < width(used); lane++) {
      // What is no body's repeats the last one's.
      const from = Math.min(lane, used - 1);
      for (let word = 0; word < 4; word++) words[MD5_LANES_MAX * word + lane] = states[from]!.words[word]!;
      addressOf[lane] = addresses[from]!;
    }
    kernels[used - 1]!(area, count);
    for (let lane = 0; lane < used; lane++) {
      for (let word = 0; word < 4; word++) states[lane]!.words[word] = words[MD5_LANES_MAX * word + lane]!;
    }
  }

  return {
    begin: () => ({
      words: Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476),
      bytes: 0,
      rest: new Uint8Array(BLOCK_BYTES),
    }),
    blocks(states, addresses, count) {
      if (states.length < 1 || states.length > MD5_LANES_MAX || count < 1) throw new RangeError('No such lanes.');
      run(states, addresses, count);
      for (const state of states) state.bytes += count * BLOCK_BYTES;
    },
    fill(state, address, length) {
      const filled = state.bytes % BLOCK_BYTES;
      const some = Math.min(length, BLOCK_BYTES - filled);
      state.rest.set(bytes.subarray(address, address + some), filled);
      state.bytes += some;
      if (filled + some === BLOCK_BYTES) {
        spare.set(state.rest);
        run([state], [area + SPARE_AT], 1);
      }
      return some;
    },
    digest(state) {
      const filled = state.bytes % BLOCK_BYTES;
      const blocks = filled + 9 <= BLOCK_BYTES ? 1 : 2;
      spare.fill(0);
      spare.set(state.rest.subarray(0, filled));
      spare[filled] = 0x80;
      const [low, high] = bitsOf(state.bytes);
      spare.writeUInt32LE(low, blocks * BLOCK_BYTES - 8);
      spare.writeUInt32LE(high, blocks * BLOCK_BYTES - 4);
      run([state], [area + SPARE_AT], blocks);
      const out = Buffer.alloc(16);
      for (const [word, value] of state.words.entries()) out.writeUInt32LE(value, 4 * word);
      return out;
    },
  };
}

/** The lower and the upper 32 bits of a length in bits. */
export function bitsOf(bytes: number): [low: number, high: number] {
  return [(bytes % 2 ** 29) * 8, Math.floor(bytes / 2 ** 29) % 2 ** 32];
}

/** Whether all numbers of lanes make what node:crypto does, before anything is trusted to them. */
function agrees(lanes: Md5Lanes, memory: WasmMemory, area: number): boolean {
  const at = area + SPARE_AT;
  for (let count = 1; count <= MD5_LANES_MAX; count++) {
    const blocks = Buffer.from(Array.from({ length: 2 * BLOCK_BYTES }, (_, index) => 7 * index + count));
    Buffer.from(memory.buffer).set(blocks, at);
    const states = Array.from({ length: count }, () => lanes.begin());
    for (const second of [0, 1])
      lanes.blocks(
        states,
        states.map((_, lane) => at + BLOCK_BYTES * ((lane + second) & 1)),
        1,
      );
    for (const [lane, state] of states.entries()) {
      const halves = [blocks.subarray(0, BLOCK_BYTES), blocks.subarray(BLOCK_BYTES)];
      const body = lane % 2 === 0 ? halves : halves.reverse();
      if (!lanes.digest(state).equals(createHash('md5').update(Buffer.concat(body)).digest())) return false;
    }
  }
  return true;
}
